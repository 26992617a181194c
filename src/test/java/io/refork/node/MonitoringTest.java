package io.refork.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.refork.cluster.Prometheus;
import io.refork.operation.HealthyPool;
import io.refork.operation.Queries;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** A plain Prometheus that finds its targets as the chart's monitors say. */
@OnNode
class MonitoringTest {
  private static final Duration EVERY = Duration.ofSeconds(1);

  @Test
  @DisplayName(
      "K8S-07 Prometheus finds operator and pods by the monitors; every panel and alert is answered, no alert is up")
  void queries(Node node) {
    Release.shared(node);
    var pool = new Pool(node, node.namespace("k8s-07"), "shop");
    pool.apply(Shop.spec("{afterRequests: [20], minInterval: 0s}")).awaitReady(2);
    try (var visitors = pool.visitors(40, Shop.PATHS);
        var prometheus = Prometheus.scraping(EVERY, Monitors.scrapeConfigs(node, Release.HOME))) {
      pool.await(
          "both pods have reforked by themselves",
          Duration.ofSeconds(90),
          s ->
              s.rollout().level() >= 1
                  && s.generations().stream().allMatch(g -> g.generation() >= 1));
      pool.request("seen")
          .await("the wave has ended", Duration.ofSeconds(60), s -> pool.ended("seen").isPresent());
      assertThat(prometheus.up())
          .containsExactlyInAnyOrder("refork-agents", "refork-agents", "refork-operator");

      var asked =
          new ArrayList<>(
              Queries.ofDashboards(
                  Map.of("namespace", pool.namespace(), "pool", "shop", "installation", ".+"),
                  EVERY));
      asked.addAll(Queries.ofMetrics());
      Node.await("every query has data")
          .pollInterval(Duration.ofSeconds(1))
          .untilAsserted(
              () -> {
                var answers = Queries.ask(prometheus.address(), asked);
                assertThat(answers.failed()).isEmpty();
                assertThat(answers.empty()).isSubsetOf(HealthyPool.SILENT.keySet());
              });
      assertThat(Queries.ask(prometheus.address(), Queries.ofAlerts()).failed()).isEmpty();
      Node.await("a healthy pool has no alert, firing or pending")
          .untilAsserted(
              () -> assertThat(prometheus.alerts(pool.namespace(), "refork-system")).isEmpty());
      assertThat(visitors.failures()).isEmpty();
    }
    node.leave(pool.namespace());
  }
}
