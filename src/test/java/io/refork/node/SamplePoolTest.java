package io.refork.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** The product's main job on a real node. */
@OnNode
class SamplePoolTest {
  @Test
  @DisplayName(
      "K8S-02 a pool under load: ready within 20 s, two generations by themselves and a requested wave, no failed request")
  void life(Node node) {
    Release.shared(node);
    var pool = new Pool(node, node.namespace("k8s-02"), "shop");
    long began = System.nanoTime();
    pool.apply(Shop.spec("{afterRequests: [40, 80], minInterval: 0s}")).awaitReady(2);
    var took = Duration.ofNanos(System.nanoTime() - began);
    System.out.println("K8S-02 from apply to Ready: " + took.toMillis() + " ms");
    assertThat(took).isLessThan(Duration.ofSeconds(20));

    try (var visitors = pool.visitors(80, Shop.PATHS)) {
      pool.await(
          "both pods have reforked twice by themselves",
          Duration.ofSeconds(120),
          s ->
              s.rollout().level() >= 2
                  && s.generations().stream().allMatch(g -> g.generation() >= 2));
      pool.request("first")
          .await(
              "the requested wave has ended",
              Duration.ofSeconds(60),
              s -> pool.ended("first").isPresent());
      assertThat(pool.ended("first")).contains("Completed");
      var shown =
          Node.await("what kubectl shows")
              .until(
                  pool::row,
                  row -> row.get("STATUS").equals("Ready") && !row.get("SAVED").isEmpty());
      System.out.println("K8S-02 " + shown);
      assertThat(shown)
          .containsEntry("DESIRED", "2")
          .containsEntry("READY", "2")
          .containsEntry("WORKERS", "8");
      assertThat(Integer.parseInt(shown.get("GEN"))).isGreaterThanOrEqualTo(3);
      assertThat(Integer.parseInt(shown.get("SHARED%"))).isBetween(1, 100);
      assertThat(shown.get("SAVED")).matches("[1-9][0-9]*[KMG]i");

      assertThat(visitors.failures()).isEmpty();
      System.out.println("K8S-02 " + visitors.requests() + " requests, none failed");
      assertThat(visitors.requests()).isGreaterThan(8 * 80);
    }
    assertThat(pool.restarts()).isZero();
    node.leave(pool.namespace());
  }
}
