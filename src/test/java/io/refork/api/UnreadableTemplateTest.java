package io.refork.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.client.utils.Serialization;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the client library cannot decode, stored before the schema refused it. */
class UnreadableTemplateTest {
  @ParameterizedTest(name = "OP-01 a pool with {0} is decoded, and {1} is named")
  @CsvSource(
      delimiter = '|',
      value = {
        "resources: {limits: {memory: ''}} | spec.containers[0].resources.limits.memory",
        "ports: [{containerPort: 80800000000}] | spec.containers[0].ports[0].containerPort",
        "livenessProbe: {httpGet: {port: 80800000000}} | spec.containers[0].livenessProbe.httpGet.port",
        "ports: 8000 | spec.containers[0].ports",
      })
  void decoded(String field, String path) {
    var pool = pool(field);
    assertThat(pool.getSpec().template())
        .isInstanceOfSatisfying(
            UnreadableTemplate.class,
            template -> {
              assertThat(template.sentence()).startsWith("spec.template." + path + " cannot be");
              assertThat(template.getSpec()).isNull();
            });
    assertThat(pool.getSpec().listeners()).hasSize(1);
  }

  @Test
  @DisplayName("OP-01 a copy by way of JSON, as the framework makes, is as it was stored")
  void copied() {
    var pool = pool("ports: [{containerPort: 80800000000}]");
    var copy = Serialization.clone(pool);
    assertThat(copy.getSpec()).isEqualTo(pool.getSpec());
    assertThat(Serialization.asJson(copy)).contains("\"containerPort\":80800000000");
  }

  private static WorkerPool pool(String field) {
    return Pools.shop("spec: {template: {spec: {containers: [{name: app, " + field + "}]}}}");
  }
}
