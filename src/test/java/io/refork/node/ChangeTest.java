package io.refork.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** What replaces pods, and what does not. */
@OnNode
class ChangeTest {
  @Test
  @DisplayName(
      "K8S-04 workers and policies change in running pods; a new image replaces them; no failed request")
  void changes(Node node) {
    Release.shared(node);
    var pool = new Pool(node, node.namespace("k8s-04"), "shop");
    pool.apply(Shop.spec("{policy: Manual}")).awaitReady(2);
    var uids = pool.uids();
    try (var visitors = pool.visitors(40, Shop.PATHS)) {
      pool.patch("{\"workers\":2}")
          .await(
              "each pod has two workers",
              Duration.ofSeconds(30),
              s -> s.workers().desired() == 4 && s.workers().ready() == 4);
      assertThat(pool.uids()).isEqualTo(uids);

      // Heard by the agents: they refork by it.
      pool.patch(
              "{\"refork\":{\"policy\":\"Automatic\",\"afterRequests\":[20],\"minInterval\":\"0s\"}}")
          .await(
              "both pods have reforked by the new policy",
              Duration.ofSeconds(60),
              s ->
                  s.rollout().level() == 1
                      && s.generations().stream()
                          .allMatch(g -> g.generation() == 1 && g.workers() == 4));
      assertThat(pool.uids()).isEqualTo(uids);

      node.tag("docker.io/refork-example/shop:1", "docker.io/refork-example/shop:2");
      pool.apply(
              Shop.spec("{policy: Manual}")
                  .replace("shop:1", "shop:2")
                  .replace("workers: 4", "workers: 2"))
          .await(
              "both pods are of the new image",
              Duration.ofSeconds(90),
              s ->
                  Pool.is(s, "Ready")
                      && !Pool.is(s, "Reconciling")
                      && pool.pods().size() == 2
                      && pool.uids().stream().noneMatch(uids::contains));
      assertThat(pool.pods())
          .allSatisfy(
              pod ->
                  assertThat(pod.getSpec().getContainers().getFirst().getImage())
                      .endsWith("shop:2"));
      assertThat(visitors.failures()).isEmpty();
    }
    assertThat(pool.restarts()).isZero();
    node.leave(pool.namespace());
  }
}
