package io.refork.operator.startup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinitionBuilder;
import io.refork.api.WorkerPool;
import java.util.Optional;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CrdCheckTest {
  @Test
  @DisplayName("a CRD of the operator's own version will do")
  void same() throws RefusedException {
    CrdCheck.judge(crd(Integer.toString(WorkerPool.CRD_VERSION)));
  }

  @ParameterizedTest(name = "version \"{0}\" {1}")
  @CsvSource({"0, older", "999, newer", "'', no version", "abc, no version", "-1, no version"})
  @DisplayName("another CRD is refused in one sentence that says what, where and what to do")
  void other(String version, String word) {
    assertThatThrownBy(() -> CrdCheck.judge(crd(version)))
        .isInstanceOf(RefusedException.class)
        .hasMessageContaining(word)
        .hasMessageContaining(CrdCheck.NAME)
        .message()
        .doesNotContain("\n")
        .containsAnyOf("kubectl apply --server-side", "run the operator of the release");
  }

  @Test
  @DisplayName("so is none at all")
  void none() {
    assertThatThrownBy(() -> CrdCheck.judge(Optional.empty()))
        .hasMessageContaining("missing")
        .hasMessageContaining("kubectl apply --server-side");
  }

  @Test
  @DisplayName("a CRD without annotations has no version")
  void bare() {
    var crd = new CustomResourceDefinitionBuilder().withNewMetadata().endMetadata().build();
    assertThatThrownBy(() -> CrdCheck.judge(Optional.of(crd))).hasMessageContaining("no version");
  }

  @Test
  @DisplayName("the sentence shows a strange annotation escaped")
  void escaped() {
    assertThatThrownBy(() -> CrdCheck.judge(crd("\u001b[2Jx\n")))
        .message()
        .satisfies(text -> assertThat(text.chars()).noneMatch(Character::isISOControl));
  }

  private static Optional<CustomResourceDefinition> crd(String version) {
    return Optional.of(
        new CustomResourceDefinitionBuilder()
            .withNewMetadata()
            .addToAnnotations(WorkerPool.CRD_VERSION_ANNOTATION, version)
            .endMetadata()
            .build());
  }
}
