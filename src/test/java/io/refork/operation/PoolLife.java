package io.refork.operation;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.refork.api.WorkerPool;
import io.refork.api.WorkerPoolStatus;
import io.refork.cluster.Cluster;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Predicate;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;

/** A pool from its creation to its end, as a user would have it. */
final class PoolLife {
  private static final Duration BOUND = Duration.ofSeconds(60);

  private final Cluster cluster;
  private final String namespace;

  PoolLife(Cluster cluster, String namespace) {
    this.cluster = cluster;
    this.namespace = namespace;
  }

  /** Creates it, with as many pods. */
  PoolLife create(int replicas) {
    apply(
        """
        apiVersion: refork.io/v1alpha1
        kind: WorkerPool
        metadata: {name: shop, namespace: %s}
        spec:
          replicas: %d
          workers: 2
          listeners: [{name: http, port: 8000}]
          refork: {policy: Manual}
          rollout: {pods: {maxConcurrent: 1, canarySoak: 1s}}
          template:
            spec:
              containers:
              - name: app
                image: registry.example/shop:1
                command: [python, -m, refork, gunicorn, shop.wsgi]
        """
            .formatted(namespace, replicas));
    return this;
  }

  PoolLife awaitReady(int pods) {
    return await(
        "the pool is ready", s -> s.readyReplicas() == pods && s.summary().equals("Ready"));
  }

  PoolLife scale(int replicas) {
    patch("{\"spec\":{\"replicas\":" + replicas + "}}");
    return this;
  }

  /** Asks for a wave and waits until it has ended. */
  PoolLife wave(String token) {
    patch("{\"spec\":{\"refork\":{\"requestedAt\":\"" + token + "\"}}}");
    return await(
        "the wave has ended",
        status ->
            Optional.ofNullable(status.rollout().ledger())
                .flatMap(ledger -> Optional.ofNullable(ledger.request()))
                .filter(request -> request.token().equals(token) && request.endedAt() != null)
                .isPresent());
  }

  /** A pod loses its readiness and gets it back: the same Event as before, again. */
  PoolLife stumble() {
    var pod =
        cluster.controlPlane().client().pods().inNamespace(namespace).list().getItems().stream()
            .map(p -> p.getMetadata().getName())
            .findFirst()
            .orElseThrow();
    cluster.kubelet().ready(namespace, pod, false);
    await("the pool is not ready", s -> !s.summary().equals("Ready"));
    cluster.kubelet().ready(namespace, pod, true);
    return await("the pool is ready again", s -> s.summary().equals("Ready"));
  }

  void delete() {
    pools().withName("shop").delete();
    Awaitility.await("the children are gone")
        .atMost(BOUND)
        .until(
            () ->
                cluster
                    .controlPlane()
                    .client()
                    .apps()
                    .deployments()
                    .inNamespace(namespace)
                    .list()
                    .getItems()
                    .stream()
                    .map(HasMetadata::getMetadata)
                    .noneMatch(m -> m.getName().equals("shop")));
  }

  private PoolLife await(String what, Predicate<WorkerPoolStatus> until) {
    try {
      Awaitility.await(what)
          .atMost(BOUND)
          .pollInterval(Duration.ofMillis(100))
          .until(() -> status().filter(until).isPresent());
    } catch (ConditionTimeoutException e) {
      throw new AssertionError(
          e.getMessage() + "\n" + Serialization.asYaml(status().orElse(null)), e);
    }
    return this;
  }

  private Optional<WorkerPoolStatus> status() {
    return Optional.ofNullable(pools().withName("shop").get()).map(WorkerPool::getStatus);
  }

  private io.fabric8.kubernetes.client.dsl.NonNamespaceOperation<
          WorkerPool,
          io.fabric8.kubernetes.api.model.KubernetesResourceList<WorkerPool>,
          io.fabric8.kubernetes.client.dsl.Resource<WorkerPool>>
      pools() {
    return cluster.controlPlane().client().resources(WorkerPool.class).inNamespace(namespace);
  }

  private void apply(String yaml) {
    var admin = cluster.controlPlane();
    admin.kubectl(admin.kubeconfig(), yaml, "apply", "-f", "-").succeeded();
  }

  private void patch(String json) {
    cluster
        .controlPlane()
        .kubectl("patch", "-n", namespace, "wp", "shop", "--type=merge", "-p", json)
        .succeeded();
  }
}
