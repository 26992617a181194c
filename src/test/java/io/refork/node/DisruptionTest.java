package io.refork.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.refork.api.WorkerPoolStatus.State;
import io.refork.cluster.Ran;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Two pods under load; something goes away. */
@OnNode
class DisruptionTest {
  private static final Duration LONG = Duration.ofSeconds(90);

  private static Pool pool;

  @BeforeAll
  static void create(Node node) {
    Release.shared(node);
    pool = new Pool(node, node.namespace("k8s-05"), "shop");
    pool.apply(Shop.spec("{policy: Manual}")).awaitReady(2);
  }

  @AfterAll
  static void delete(Node node) {
    node.leave("k8s-05");
  }

  @Test
  @DisplayName("K8S-05 a pod is deleted: no failed request")
  void deleted(Node node) {
    pool.awaitReady(2);
    try (var visitors = pool.visitors(60, Shop.PATHS)) {
      var victim = pool.readyPods().getFirst();
      node.client().pods().inNamespace(pool.namespace()).withName(victim).delete();
      pool.await(
          "another pod has taken its place",
          LONG,
          s -> !names().contains(victim) && pool.readyPods().size() == 2);
      assertThat(visitors.failures()).isEmpty();
      assertThat(visitors.requests()).isPositive();
    }
  }

  @Test
  @DisplayName(
      "K8S-05 pods are evicted one by one, without cordon: the budget holds, no failed request")
  void evicted(Node node) {
    pool.awaitReady(2);
    var refused = new ArrayList<String>();
    try (var visitors = pool.visitors(60, Shop.PATHS)) {
      for (var victim : pool.readyPods()) {
        Node.await(victim + " may be evicted")
            .until(
                () -> {
                  // What a budget of one missing pod means: the other one serves.
                  assertThat(pool.readyPods()).isNotEmpty();
                  var answer = evict(node, victim);
                  boolean gone = answer.exit() == 0;
                  if (!gone) {
                    assertThat(answer.err()).contains("disruption budget");
                    refused.add(victim);
                  }
                  return gone;
                });
      }
      pool.await(
          "two other pods serve", LONG, s -> pool.readyPods().size() == 2 && names().size() == 2);
      assertThat(visitors.failures()).isEmpty();
    }
    assertThat(refused).as("the second one had to wait for the first one's successor").isNotEmpty();
  }

  @Test
  @DisplayName(
      "K8S-05 the operator is deleted during a wave: the wave completes, no failed request")
  void operatorDeleted(Node node) {
    pool.awaitReady(2);
    int generation = generationOfBoth();
    var uids = pool.uids();
    try (var visitors = pool.visitors(60, Shop.PATHS)) {
      pool.request("without-operator")
          .await("the wave has begun", LONG, s -> s.rollout().state() == State.Canary);
      node.client()
          .pods()
          .inNamespace(Release.HOME)
          .withLabel("app.kubernetes.io/name", "refork-operator")
          .delete();
      assertThat(pool.ended("without-operator")).as("the wave runs still").isEmpty();
      pool.await("the wave has ended", LONG, s -> pool.ended("without-operator").isPresent());
      assertThat(pool.ended("without-operator")).contains("Completed");
      pool.awaitReady(2);
      assertThat(visitors.failures()).isEmpty();
    }
    // Each pod once, though two operators had a hand in it.
    assertThat(generationOfBoth()).isEqualTo(generation + 1);
    assertThat(pool.uids()).as("the same pods").isEqualTo(uids);
    assertThat(pool.restarts()).isZero();
  }

  /** The one generation of both pods, once the workers of an older one have gone. */
  private static int generationOfBoth() {
    return pool.await(
            "both pods have one generation",
            LONG,
            s -> s.generations().size() == 1 && s.generations().getFirst().pods() == 2)
        .generations()
        .getFirst()
        .generation();
  }

  /** As a drain does it. Once: the Java client would try again by itself until it may. */
  private static Ran evict(Node node, String pod) {
    return node.kubectlWith(
        """
        {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "%s", "namespace": "%s"}}
        """
            .formatted(pod, pool.namespace()),
        "create",
        "-f",
        "-",
        "--raw",
        "/api/v1/namespaces/" + pool.namespace() + "/pods/" + pod + "/eviction");
  }

  private static List<String> names() {
    return pool.pods().stream().map(pod -> pod.getMetadata().getName()).toList();
  }
}
