package io.refork.operator.pods;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.refork.api.Pools;
import java.util.function.Consumer;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** When a child is written, and when not. */
class MatcherTest {
  private final Deployment desired =
      ((Children.Desired)
              Children.of(
                  Pools.shop(
                      "spec: {template: {spec: {containers: [{name: app, command: [x], env: [{name:"
                          + " E, value: ''}], resources: {limits: {memory: 1024Mi, cpu: 1000m}}}]}}}"),
                  Settings.AGENT,
                  "{}"))
          .deployment();

  @Test
  @DisplayName("OP-06 what we applied needs no write")
  void same() {
    assertThat(Matcher.matches(desired, Matcher.stamped(desired))).isTrue();
  }

  @Test
  @DisplayName(
      "OP-06 defaults, another spelling of a quantity and other people's fields need no write")
  void defaulted() {
    assertThat(
            matchesAfter(
                d -> {
                  var spec = d.getSpec().getTemplate().getSpec();
                  var app = spec.getContainers().getFirst();
                  d.getSpec().setRevisionHistoryLimit(10);
                  d.getMetadata().getLabels().put("team", "web");
                  spec.setDnsPolicy("ClusterFirst");
                  app.setImagePullPolicy("Always");
                  app.getEnv().getLast().getValueFrom().getFieldRef().setApiVersion("v1");
                  app.getEnv().getFirst().setValue(null);
                  app.getResources().getLimits().put("memory", quantity("1Gi"));
                  app.getResources().getLimits().put("cpu", quantity("1"));
                  spec.getContainers().add(new io.fabric8.kubernetes.api.model.Container());
                }))
        .isTrue();
  }

  @Test
  @DisplayName("OP-03 a field that someone changed or took away is written again")
  void edited() {
    assertThat(matchesAfter(d -> d.getSpec().setReplicas(7))).isFalse();
    assertThat(matchesAfter(d -> d.getMetadata().getLabels().remove("refork.io/pool"))).isFalse();
    assertThat(matchesAfter(d -> d.getMetadata().getOwnerReferences().clear())).isFalse();
    assertThat(
            matchesAfter(
                d ->
                    d.getSpec()
                        .getTemplate()
                        .getSpec()
                        .getContainers()
                        .getFirst()
                        .getCommand()
                        .add("more")))
        .isFalse();
    assertThat(
            matchesAfter(
                d ->
                    d.getSpec()
                        .getTemplate()
                        .getSpec()
                        .getContainers()
                        .getFirst()
                        .getResources()
                        .getLimits()
                        .put("memory", quantity("2Gi"))))
        .isFalse();
    assertThat(matchesAfter(d -> d.getSpec().getTemplate().getSpec().getVolumes().removeLast()))
        .isFalse();
  }

  @Test
  @DisplayName("OP-02 what we no longer want is noticed by the hash")
  void removed() {
    var before = Serialization.clone(desired);
    before.getMetadata().getLabels().put("old", "label");
    var actual = Matcher.stamped(before);
    assertThat(Matcher.matches(desired, actual)).isFalse();
  }

  private static io.fabric8.kubernetes.api.model.Quantity quantity(String text) {
    return new io.fabric8.kubernetes.api.model.Quantity(text);
  }

  private boolean matchesAfter(Consumer<Deployment> change) {
    var actual = Matcher.stamped(desired);
    change.accept(actual);
    return Matcher.matches(desired, actual);
  }
}
