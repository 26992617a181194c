package io.refork.operator.pods;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.client.utils.Serialization;
import io.refork.api.Pools;
import io.refork.operator.pods.Children.Desired;
import io.refork.operator.pods.Children.Invalid;
import io.refork.operator.status.Reason;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The three children and what they have in common. */
class ChildrenTest {
  @Test
  @DisplayName("OP-02 every child is the pool's own: name, namespace, label, owner")
  void owned() {
    var pool = Pools.shop();
    var desired = desired("{}");
    for (var child :
        java.util.List.of(desired.deployment(), desired.configMap(), desired.disruptionBudget())) {
      assertThat(child.getMetadata().getNamespace()).isEqualTo("web");
      assertThat(child.getMetadata().getLabels()).containsEntry("refork.io/pool", "shop");
      assertThat(child.getMetadata().getOwnerReferences())
          .singleElement()
          .satisfies(
              owner -> {
                assertThat(owner.getKind()).isEqualTo("WorkerPool");
                assertThat(owner.getApiVersion()).isEqualTo("refork.io/v1alpha1");
                assertThat(owner.getUid()).isEqualTo(pool.getMetadata().getUid());
                assertThat(owner.getController()).isTrue();
              });
      assertThat(Names.owns(pool, child)).isTrue();
    }
    assertThat(desired.deployment().getMetadata().getName()).isEqualTo("shop");
    assertThat(desired.configMap().getMetadata().getName()).isEqualTo("shop-agent");
    assertThat(desired.disruptionBudget().getMetadata().getName()).isEqualTo("shop");
  }

  @Test
  @DisplayName("OP-03 what an earlier pool of the same name left is not this pool's")
  void otherOwner() {
    var other = Pools.shop("metadata: {uid: other}");
    assertThat(Names.owns(other, desired("{}").deployment())).isFalse();
  }

  @Test
  @DisplayName("OP-04 the Deployment's selector is what the scale subresource says")
  void selector() {
    var spec = desired("spec: {replicas: 3}").deployment().getSpec();
    assertThat(spec.getSelector().getMatchLabels()).containsExactly(pair("refork.io/pool", "shop"));
    assertThat(Names.selector(Pools.shop())).isEqualTo("refork.io/pool=shop");
    assertThat(spec.getTemplate().getMetadata().getLabels())
        .containsEntry("refork.io/pool", "shop");
    assertThat(spec.getReplicas()).isEqualTo(3);
  }

  @ParameterizedTest(name = "OP-04 of {0} pods, {1} must be Ready before one may refork")
  @CsvSource({"null,1", "0,1", "1,1", "2,1", "3,2", "50,49"})
  void minReady(String replicas, int least) {
    var pool = Pools.shop("spec: {replicas: " + replicas + "}");
    assertThat(Children.minReady(pool)).isEqualTo(least);
  }

  @ParameterizedTest(name = "OP-02 {0} never rolls pods")
  @ValueSource(
      strings = {
        "{replicas: 7}",
        "{workers: 3}",
        "{refork: {policy: Never, afterRequests: [1], afterLast: Repeat, minInterval: 1m}}",
        "{refork: {belowSharedPercent: 50, requestedAt: now}}",
        "{rollout: {workers: {maxUnavailable: 1, maxSurge: 1, canarySoak: 1s, failureBudget: 9}}}",
        "{rollout: {pods: {maxConcurrent: 3, canarySoak: 2m, progressDeadline: 1h}}}",
        "{timeouts: {boot: 90s, spawn: 1s, promote: 1m, request: 5m}}",
        "{timeouts: {drain: 45s, shutdownDelay: 1s}}",
        "{recycle: {maxRequests: 10000, jitter: 10}}",
        "{paused: true}",
      })
  void rollsNothing(String change) {
    assertThat(desired("spec: " + change).revision()).isEqualTo(desired("{}").revision());
    assertThat(desired("spec: " + change).deployment().getSpec().getTemplate())
        .isEqualTo(desired("{}").deployment().getSpec().getTemplate());
  }

  @ParameterizedTest(name = "OP-02 {0} rolls pods")
  @ValueSource(
      strings = {
        "{listeners: [{name: http, port: 8001}]}",
        "{transparentHugePages: Keep}",
        "{agent: {image: other}}",
        "{agent: {resources: {limits: {memory: 64Mi}}}}",
        "{timeouts: {drain: 5m}}",
        "{template: {spec: {containers: [{name: app, image: new, command: [x]}]}}}",
        "{template: {metadata: {annotations: {restarted: now}}}}",
      })
  void rolls(String change) {
    assertThat(desired("spec: " + change).revision()).isNotEqualTo(desired("{}").revision());
  }

  @Test
  @DisplayName("OP-02 the revision is a label of the pods, and hides no field from the hash")
  void revision() {
    var desired = desired("{}");
    assertThat(desired.revision()).matches("[0-9a-f]{10}");
    assertThat(desired.deployment().getSpec().getTemplate().getMetadata().getLabels())
        .containsEntry("refork.io/revision", desired.revision());
    // Printed here so that a change of it, which rolls every pod of every cluster, is on purpose.
    assertThat(desired.revision()).isEqualTo("b910196e90");
  }

  @Test
  @DisplayName("OP-02 the ConfigMap has the options with the spec's generation, and the keys")
  void configMap() {
    var data = desired("metadata: {generation: 7}\nspec: {workers: 8}").configMap().getData();
    assertThat(data.get("keys.json")).isEqualTo("{\"keys\":[]}");
    var options = Serialization.unmarshal(data.get("agent.json"), java.util.Map.class);
    assertThat(options).containsEntry("revision", 7).containsEntry("workers", "8").hasSize(16);
  }

  @Test
  @DisplayName("evictions take one pod at a time, and a single pod does not block a drain")
  void disruptionBudget() {
    var spec = desired("{}").disruptionBudget().getSpec();
    assertThat(spec.getMaxUnavailable().getIntVal()).isEqualTo(1);
    assertThat(spec.getUnhealthyPodEvictionPolicy()).isEqualTo("AlwaysAllow");
    assertThat(spec.getSelector().getMatchLabels()).containsEntry("refork.io/pool", "shop");
  }

  @Test
  @DisplayName("a name that is too long for a label's value is refused with what to do")
  void longName() {
    var longest = "a".repeat(63);
    assertThat(of("metadata: {name: " + longest + "}")).isInstanceOf(Desired.class);
    assertThat(of("metadata: {name: " + longest + "b}"))
        .isEqualTo(
            new Invalid(
                Reason.TemplateInvalid,
                "the pool's name has 64 characters, but it is the value of its pods' label"
                    + " refork.io/pool, which takes at most 63: create the pool under a shorter"
                    + " name"));
  }

  @ParameterizedTest(name = "{0}: {1}")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "template: {spec: {containers: []}}|spec.template has no container",
        "template: null|spec.template has no container",
        "template: {spec: {containers: [{name: app, resources: {limits: {memory: ''}}}]}}|spec.template.spec.containers[0].resources.limits.memory cannot be read, so write it as Kubernetes wants it: Invalid quantity",
        "container: web|spec.container is \"web\", but the template's containers are \"app\": name",
        "template: {spec: {containers: [{name: app, image: x}]}}|\"app\" of spec.template has no command",
        "template: {spec: {containers: [{name: app, image: x, args: [y]}]}}|has no command",
        "listeners: [{name: x, port: 7300}]|listener \"x\" wants port 7300, which is the agent's",
        "template: {spec: {containers: [{name: app, command: [x]}, {name: side, ports: [{containerPort: 7300}]}]}}|\"side\" of spec.template has port 7300, which is the agent's",
        "template: {spec: {volumes: [{name: refork-agent}]}}|volume \"refork-agent\" of spec.template",
        "template: {spec: {initContainers: [{name: refork-agent}]}}|is called refork-agent, as the",
        "template: {spec: {containers: [{name: app, command: [x], env: [{name: REFORK_WORKERS}]}]}}|sets REFORK_WORKERS, which would outweigh",
        "template: {spec: {containers: [{name: app, command: [x], env: [{name: REFORK_CONTROL}]}]}}|sets REFORK_CONTROL",
        "template: {spec: {containers: [{name: app, command: [x], volumeMounts: [{name: v, mountPath: /opt/refork}]}]}}|mounts /opt/refork, which is the agent's",
      })
  void refused(String spec, String sentence) {
    assertThat(of("spec: {" + spec + "}"))
        .isInstanceOfSatisfying(
            Invalid.class,
            invalid -> {
              assertThat(invalid.reason()).isEqualTo(Reason.TemplateInvalid);
              assertThat(invalid.sentence()).contains(sentence);
            });
  }

  private static java.util.Map.Entry<String, String> pair(String key, String value) {
    return java.util.Map.entry(key, value);
  }

  private static Children of(String changes) {
    return Children.of(Pools.shop(changes), Settings.AGENT, "{\"keys\":[]}");
  }

  private static Desired desired(String changes) {
    return (Desired) of(changes);
  }
}
