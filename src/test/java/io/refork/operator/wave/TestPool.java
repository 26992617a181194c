package io.refork.operator.wave;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.refork.api.WaveLedger;
import io.refork.api.WaveLedger.Outcome;
import io.refork.api.WorkerPool;
import io.refork.api.WorkerPoolStatus;
import io.refork.cluster.Cluster;
import io.refork.cluster.Reforks.Refork;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** A pool in the test cluster, and what may be said of its waves. */
record TestPool(Cluster cluster, String namespace, String name) {
  /** A wave over ten pods takes twenty seconds; the machine may be ten times busier. */
  static final Duration WAVE_BOUND = Duration.ofMinutes(3);

  /** {@code pods} of two workers; two of them may refork at once. */
  static TestPool create(Cluster cluster, String namespace, String name, int pods) {
    var pool =
        Serialization.unmarshal(
            """
            apiVersion: refork.io/v1alpha1
            kind: WorkerPool
            metadata: {namespace: %s, name: %s}
            spec:
              replicas: %d
              workers: 2
              rollout: {pods: {maxConcurrent: 2, canarySoak: 1s, progressDeadline: 10m}}
              template:
                spec:
                  containers:
                  - name: app
                    image: registry.example/shop:1
                    command: [python, -m, refork, gunicorn, shop.wsgi]
            """
                .formatted(namespace, name, pods),
            GenericKubernetesResource.class);
    cluster.controlPlane().client().resource(pool).create();
    return new TestPool(cluster, namespace, name);
  }

  /** {@code namespace/name}. */
  String key() {
    return namespace + "/" + name;
  }

  Resource<WorkerPool> resource() {
    return cluster
        .controlPlane()
        .client()
        .resources(WorkerPool.class)
        .inNamespace(namespace)
        .withName(name);
  }

  Optional<WorkerPoolStatus> status() {
    return Optional.ofNullable(resource().get()).map(WorkerPool::getStatus);
  }

  Optional<WaveLedger.Request> request() {
    return status()
        .map(WorkerPoolStatus::rollout)
        .map(WorkerPoolStatus.Rollout::ledger)
        .map(WaveLedger::request);
  }

  /** Waits until that many pods are ready and report. */
  TestPool awaitPods(int pods) {
    await(key() + " has " + pods + " pods that report")
        .atMost(WAVE_BOUND)
        .pollInterval(Duration.ofMillis(250))
        .untilAsserted(
            () ->
                assertThat(status())
                    .hasValueSatisfying(
                        status -> {
                          assertThat(status.readyReplicas()).isEqualTo(pods);
                          assertThat(status.memory().pods()).isEqualTo(pods);
                        }));
    return this;
  }

  /** A wave is about pods that are older than it, and creation has whole seconds. */
  private void awaitNextSecond() {
    var youngest =
        cluster.controlPlane().client().pods().inNamespace(namespace).list().getItems().stream()
            .map(pod -> Instant.parse(pod.getMetadata().getCreationTimestamp()))
            .max(Comparator.naturalOrder());
    await()
        .pollInterval(Duration.ofMillis(50))
        .until(() -> youngest.isEmpty() || Instant.now().isAfter(youngest.get().plusSeconds(1)));
  }

  void patch(String merge) {
    resource().patch(PatchContext.of(PatchType.JSON_MERGE), merge);
  }

  /** Asks for a wave. */
  void ask(String token) {
    awaitNextSecond();
    patch("{\"spec\":{\"refork\":{\"requestedAt\":\"" + token + "\"}}}");
  }

  boolean ended(String token) {
    return request()
        .filter(r -> r.token().equals(token) && r.outcome() != Outcome.Running)
        .isPresent();
  }

  /** Waits for the end of a wave that was asked for. */
  Outcome awaitEnd(String token) {
    await("the wave " + token + " of " + key() + " ends")
        .atMost(WAVE_BOUND)
        .pollInterval(Duration.ofMillis(250))
        .untilAsserted(
            () ->
                assertThat(ended(token))
                    .as("%s; turned away by agents: %s", status(), cluster.agents().refused())
                    .isTrue());
    return request().orElseThrow().outcome();
  }

  /** Waits until the canary has proven itself and others follow. */
  void awaitRolling(String token) {
    await("the wave " + token + " goes beyond its canary")
        .atMost(WAVE_BOUND)
        .pollInterval(Duration.ofMillis(50))
        .until(() -> request().filter(r -> r.token().equals(token) && r.proven()).isPresent());
  }

  List<Refork> reforks() {
    return cluster.agents().reforks().of(key());
  }

  List<Refork> reforks(String token) {
    return reforks().stream().filter(r -> r.request().equals(Optional.of(token))).toList();
  }

  /**
   * What holds whatever happens: once per pod and request, never more at once, the canary alone.
   */
  void assertPromisesKept() {
    assertThat(
            reforks().stream()
                .collect(
                    Collectors.groupingBy(r -> r.uid() + " " + r.request(), Collectors.counting())))
        .allSatisfy((podAndRequest, times) -> assertThat(times).isEqualTo(1));
    assertThat(cluster.agents().reforks().maxConcurrent(key())).isLessThanOrEqualTo(2);
    var tokens =
        reforks().stream().map(Refork::request).flatMap(Optional::stream).distinct().toList();
    for (var token : tokens) {
      var canary = reforks(token).getFirst();
      assertThat(reforks())
          .filteredOn(other -> !other.uid().equals(canary.uid()))
          .noneMatch(
              other ->
                  other.began() < canary.ended().orElse(Long.MAX_VALUE)
                      && other.ended().orElse(Long.MAX_VALUE) > canary.began());
    }
  }

  /** Every pod that is there has done its part. */
  void assertAllDone(String token) {
    var pods = cluster.agents().in(namespace).stream().map(a -> a.pod().uid()).toList();
    assertThat(reforks(token)).extracting(Refork::uid).containsAll(pods);
  }

  /** Not waiting: the next test has a namespace of its own. */
  void delete() {
    resource().delete();
  }
}
