package io.refork.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.refork.cluster.ControlPlane;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Specs that cannot work: a real API server refuses each, names the field and says why. */
class RefusedSpecsTest {
  private static ControlPlane cluster;
  private static String namespace;

  @BeforeAll
  static void start() {
    cluster = ControlPlane.shared();
    namespace = cluster.namespace();
  }

  @ParameterizedTest(name = "OP-01 {0} is refused: {1}: {2}")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "replicas: -1 | spec.replicas | should be greater than or equal to 0",
        "replicas: 10001 | spec.replicas | should be less than or equal to 10000",
        "workers: 0 | spec.workers | 0 is neither auto nor a whole number from 1 to 512",
        "workers: 513 | spec.workers | 513 is neither auto nor a whole number from 1 to 512",
        "workers: many | spec.workers | many is neither auto nor a whole number from 1 to 512",
        "workers: '8' | spec.workers | 8 is neither auto nor a whole number from 1 to 512",
        "container: web | spec.container | web is none of spec.template.spec.containers: name one of them",
        "container: '' | spec.container | should be at least 1 chars long",
        "listeners: [] | spec.listeners | should have at least 1 items",
        "listeners: [{name: http}] | spec.listeners[0].port | Required value",
        "listeners: [{port: 8000}] | spec.listeners[0].name | Required value",
        "listeners: [{name: a, port: 1}, {name: a, port: 2}] | spec.listeners[1] | Duplicate value",
        "listeners: [{name: a, port: 1}, {name: b, port: 1}] | spec.listeners | every listener needs a port of its own",
        "listeners: [{name: a, port: 0}] | spec.listeners[0].port | should be greater than or equal to 1",
        "listeners: [{name: a, port: 65536}] | spec.listeners[0].port | should be less than or equal to 65535",
        "listeners: [{name: a, port: 7300}] | spec.listeners[0].port | port 7300 is the agent's own: choose another one",
        "listeners: [{name: refork, port: 80}] | spec.listeners[0].name | refork is the name of the agent's own port: choose another one",
        "listeners: [{name: Http, port: 80}] | spec.listeners[0].name | a listener's name is made of lower-case letters, digits and single dashes between them, and begins with a letter",
        "listeners: [{name: a--b, port: 80}] | spec.listeners[0].name | a listener's name is made of lower-case letters",
        "listeners: [{name: abcdefghijklmnop, port: 80}] | spec.listeners[0].name | may not be more than 15",
        "refork: {policy: Sometimes} | spec.refork.policy | supported values: \"Automatic\", \"Manual\", \"Never\"",
        "refork: {afterRequests: [], afterLast: Repeat} | spec.refork.afterRequests | afterLast: Repeat needs at least one number in afterRequests to repeat",
        "refork: {afterRequests: [500, 0]} | spec.refork.afterRequests[1] | should be greater than or equal to 1",
        "refork: {afterRequests: [1000000001]} | spec.refork.afterRequests[0] | should be less than or equal to",
        "refork: {belowSharedPercent: 0} | spec.refork.belowSharedPercent | should be greater than or equal to 1",
        "refork: {belowSharedPercent: 100} | spec.refork.belowSharedPercent | should be less than or equal to 99",
        "refork: {minInterval: 1d} | spec.refork.minInterval | \"1d\" is not a time from 0s to 720h with its unit, such as 500ms, 10s or 1m30s",
        "refork: {minInterval: 721h} | spec.refork.minInterval | \"721h\" is not a time from 0s to 720h",
        "refork: {minInterval: 600} | spec.refork.minInterval | must be of type string",
        "refork: {requestedAt: ''} | spec.refork.requestedAt | should be at least 1 chars long",
        "refork: {requestedAt: \"a\\nb\"} | spec.refork.requestedAt | requestedAt must be visible ASCII characters, such as a time: 2026-11-21T13:20:00Z",
        "refork: {requestedAt: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx} | spec.refork.requestedAt | may not be more than 64",
        "rollout: {workers: {maxUnavailable: 101%}} | spec.rollout.workers.maxUnavailable | 101% is neither a whole number from 0 to 512 nor a percentage from 0% to 100%",
        "rollout: {workers: {maxUnavailable: -1}} | spec.rollout.workers.maxUnavailable | -1 is neither a whole number from 0 to 512",
        "rollout: {workers: {maxSurge: 513}} | spec.rollout.workers.maxSurge | should be less than or equal to 512",
        "rollout: {workers: {failureBudget: 0}} | spec.rollout.workers.failureBudget | should be greater than or equal to 1",
        "rollout: {workers: {canarySoak: 61m}, pods: {progressDeadline: 2h}} | spec.rollout.workers.canarySoak | \"61m\" is not a time from 0s to 1h",
        "rollout: {workers: {canarySoak: 30m}} | spec.rollout.workers.canarySoak | rollout.workers.canarySoak must be shorter than rollout.pods.progressDeadline, or no pod can finish in time",
        "rollout: {pods: {maxConcurrent: 0}} | spec.rollout.pods.maxConcurrent | should be greater than or equal to 1",
        "rollout: {pods: {maxConcurrent: 33}} | spec.rollout.pods.maxConcurrent | should be less than or equal to 32",
        "rollout: {pods: {canarySoak: 31m}} | spec.rollout.pods.canarySoak | rollout.pods.canarySoak must not be longer than progressDeadline",
        "rollout: {pods: {progressDeadline: 500ms, canarySoak: 0s}, workers: {canarySoak: 0s}} | spec.rollout.pods.progressDeadline | \"500ms\" is not a time from 1s to 168h",
        "timeouts: {boot: 0} | spec.timeouts.boot | must be of type string",
        "timeouts: {boot: '0'} | spec.timeouts.boot | \"0\" is not a time from 100ms to 24h",
        "timeouts: {spawn: ''} | spec.timeouts.spawn | \"\" is not a time from 100ms to 1h",
        "timeouts: {promote: 5s1m} | spec.timeouts.promote | \"5s1m\" is not a time from 100ms to 1h",
        "timeouts: {request: 50ms} | spec.timeouts.request | \"50ms\" is neither 0 (off) nor a time from 100ms to 24h",
        "timeouts: {drain: -1s} | spec.timeouts.drain | \"-1s\" is not a time from 0s to 24h",
        "timeouts: {shutdownDelay: 2h} | spec.timeouts.shutdownDelay | \"2h\" is not a time from 0s to 1h",
        "recycle: {maxRequests: 10, jitter: 10} | spec.recycle.jitter | recycle.jitter must be smaller than recycle.maxRequests",
        "recycle: {jitter: 1} | spec.recycle.jitter | recycle.jitter must be smaller than recycle.maxRequests",
        "recycle: {maxRequests: -1} | spec.recycle.maxRequests | should be greater than or equal to 0",
        "transparentHugePages: Off | spec.transparentHugePages | supported values: \"Never\", \"Keep\"",
        "paused: soon | spec.paused | must be of type boolean",
        "agent: {image: a b} | spec.agent.image | agent.image must be the name of an image, without blanks",
        "template: null | spec.template | Required value",
        "template: {spec: null} | spec.template.spec | Required value",
        "template: {spec: {containers: []}} | spec.template.spec.containers | should have at least 1 items",
        "template: {spec: {containers: [{image: a}]}} | spec.template.spec.containers[0].name | Required value",
        "template: {spec: {containers: [{name: a}, {name: a}]}} | spec.template.spec.containers[1] | Duplicate value",
        "template: {spec: {hostPID: true}} | spec.template.spec.hostPID | hostPID must not be true: the agent has to be process 1 of its container",
        "template: {spec: {shareProcessNamespace: true}} | spec.template.spec.shareProcessNamespace | shareProcessNamespace must not be true: the agent has to be process 1 of its container",
        "template: {spec: {hostNetwork: true}} | spec.template.spec.hostNetwork | hostNetwork must not be true: the agent's port would be the node's",
        "template: {spec: {restartPolicy: Never}} | spec.template.spec.restartPolicy | restartPolicy must be Always, or left out",
        "template: {spec: {containers: [{name: a, resources: {limits: {memory: ''}}}]}} | spec.template.spec.containers[0].resources.limits.memory | in body should match",
        "template: {spec: {containers: [{name: a, resources: {requests: {cpu: two}}}]}} | spec.template.spec.containers[0].resources.requests.cpu | in body should match",
        "template: {spec: {volumes: [{name: a, emptyDir: {sizeLimit: 1K}}]}} | spec.template.spec.volumes[0].emptyDir.sizeLimit | in body should match",
        "agent: {resources: {limits: {memory: 1e999999999}}} | spec.agent.resources.limits.memory | in body should match",
        "template: {spec: {containers: [{name: a, ports: [{containerPort: 80800000000}]}]}} | spec.template.spec.containers[0].ports[0].containerPort | should be less than or equal to 2147483647",
        "template: {spec: {containers: [{name: a, livenessProbe: {httpGet: {port: 80800000000}}}]}} | spec.template.spec.containers[0].livenessProbe.httpGet.port | should be less than or equal to 2147483647",
        "template: {spec: {securityContext: {fsGroup: 9223372036854775808}}} | spec.template.spec.securityContext.fsGroup | must be of type integer",
      })
  void refused(String spec, String field, String sentence) {
    var refusal = create(spec);
    assertThat(refusal).as("the API server takes it").isNotNull();
    assertThat(refusal.getStatus().getDetails().getCauses())
        .anySatisfy(
            cause -> {
              assertThat(cause.getField()).isEqualTo(field);
              assertThat(cause.getMessage()).contains(sentence);
            });
  }

  @ParameterizedTest(name = "OP-01 {0} is at a limit, and taken")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{replicas: 0, workers: 512}",
        "{container: app, listeners: [{name: a-b, port: 65535}]}",
        "{refork: {policy: Never, afterRequests: [], minInterval: 0s, belowSharedPercent: 99}}",
        "{rollout: {workers: {maxUnavailable: 0, maxSurge: 0, canarySoak: '0'}, pods: {maxConcurrent: 32, canarySoak: 30m}}}",
        "{rollout: {workers: {maxUnavailable: 100%}, pods: {progressDeadline: 168h}}}",
        "{timeouts: {boot: 24h, spawn: 100ms, promote: 1h, request: '0', drain: 0s, shutdownDelay: 59m60s}}",
        "{recycle: {maxRequests: 1000000000, jitter: 999999999}}",
        "{template: {spec: {hostPID: false, hostNetwork: false, restartPolicy: Always}}}",
        "{template: {spec: {securityContext: {fsGroup: 9223372036854775807}, priority: 2147483647}}}",
        "{agent: {resources: {limits: {cpu: 1, memory: 1.5e3, ephemeral-storage: .5Gi}}}}",
      })
  void taken(String spec) {
    assertThat(create(spec)).isNull();
  }

  @Test
  @DisplayName("OP-01 a misspelt field is refused by kubectl, not dropped")
  void misspelt() {
    var pool = Pools.merged(WorkerPoolAdmissionTest.minimal("misspelt"), "spec: {wrokers: 3}");
    var said =
        cluster.kubectl(
            cluster.kubeconfig(), pool, "-n", namespace, "apply", "--dry-run=server", "-f", "-");
    assertThat(said.exit()).isNotZero();
    assertThat(said.err()).contains("unknown field \"spec.wrokers\"");
  }

  private static KubernetesClientException create(String spec) {
    var changes = spec.startsWith("{") ? "spec: " + spec : "spec: {" + spec + "}";
    var pool = Pools.merged(WorkerPoolAdmissionTest.minimal("refused"), changes);
    // Not as records: they would refuse some of it themselves.
    var resource = Serialization.unmarshal(pool, GenericKubernetesResource.class);
    return catchThrowableOfType(
        KubernetesClientException.class,
        () -> cluster.client().resource(resource).inNamespace(namespace).dryRun().create());
  }
}
