package io.refork.operation;

import static org.assertj.core.api.Assertions.assertThat;

import io.refork.cluster.Cluster;
import io.refork.cluster.OperatorProcess;
import io.refork.cluster.Prometheus;
import io.refork.cluster.Prometheus.Target;
import io.refork.process.AgentProcess;
import io.refork.process.Apps;
import io.refork.process.Load;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * A real Prometheus scrapes the real operator, whose pods are played, and real agents beside them
 * under the pool's name: what dashboards, alerts and docs ask for is there.
 */
class QueriesTest {
  private static final Duration EVERY = Duration.ofSeconds(2);

  /** A busy machine misses scrapes. */
  private static final Duration BOUND = Duration.ofSeconds(120);

  /** The agents of this test run under no memory limit; on a node they do. */
  private static final Set<String> NO_LIMIT =
      Set.of(
          "pool: Fullest pod",
          "pool: Pods J",
          "refork_container_memory_limit_bytes",
          "refork_container_memory_bytes");

  private final Cluster cluster = Cluster.shared();
  private final String namespace = cluster.controlPlane().namespace();

  @Test
  @DisplayName(
      "K8S-07 every query of dashboards and alerts runs; on a healthy pool the expected ones have data, and no alert is up")
  void queries() throws Exception {
    try (var operator = OperatorProcess.of(cluster).start().awaitReady();
        var warm = warm();
        var refusing = refusing();
        var prometheus =
            Prometheus.start(
                EVERY,
                List.of(operator(operator), agent(warm, "shop-a"), agent(refusing, "shop-b")))) {
      var pool = new PoolLife(cluster, namespace).create(2).awaitReady(2);
      pool.wave("first").awaitReady(2);
      reforkUnderLoad(warm);
      allAnswered(prometheus);
      // One that is pending for a moment, as when an agent is asked while it starts, tells nobody.
      Awaitility.await("a healthy pool has no alert, firing or pending")
          .atMost(BOUND)
          .untilAsserted(() -> assertThat(prometheus.alerts(namespace, "refork-system")).isEmpty());

      cluster.agents().behave(namespace, b -> b.aborts("canary-died"));
      pool.wave("second");
      refusing.signal("USR2");
      Awaitility.await("the trouble is seen")
          .atMost(BOUND)
          .untilAsserted(
              () -> {
                var empty = ask(prometheus).empty();
                assertThat(empty).doesNotContain("pool: Trouble", "fleet: Trouble");
                assertThat(empty).doesNotContain("pool: Promotions refused");
                assertThat(prometheus.alerts(namespace, "refork-system"))
                    .containsExactly("ReforkAborted");
              });
      documented(prometheus);
    }
  }

  /** Everything a refork leaves behind: requests, a generation, workers that are gone. */
  private void reforkUnderLoad(AgentProcess agent) throws Exception {
    agent.awaitReady(2);
    for (int i = 0; i < 20; i++) {
      Load.get(agent.port(), "/");
    }
    agent.signal("USR2");
    agent.awaitGeneration(2, 1);
  }

  private void allAnswered(Prometheus prometheus) {
    var silent = new HashSet<>(HealthyPool.SILENT.keySet());
    silent.addAll(NO_LIMIT);
    Awaitility.await("every query has data")
        .atMost(BOUND)
        .pollInterval(Duration.ofSeconds(1))
        .untilAsserted(
            () -> {
              var answers = ask(prometheus);
              assertThat(answers.failed()).isEmpty();
              assertThat(answers.empty()).isSubsetOf(silent);
            });
    var alerts = Queries.ask(prometheus.address(), Queries.ofAlerts());
    assertThat(alerts.failed()).isEmpty();
    var places = new TreeSet<String>();
    asked().forEach(query -> places.add(query.where()));
    assertThat(places).as("the exceptions are of queries that exist").containsAll(silent);
  }

  private Queries.Answers ask(Prometheus prometheus) {
    return Queries.ask(prometheus.address(), asked());
  }

  private List<Queries.Query> asked() {
    var all =
        new ArrayList<>(
            Queries.ofDashboards(
                Map.of("namespace", namespace, "pool", "shop", "installation", ".+"), EVERY));
    all.addAll(Queries.ofMetrics());
    return all;
  }

  /** What is exported is documented, and the other way round. */
  private static void documented(Prometheus prometheus) {
    var exported = new TreeSet<String>();
    prometheus.names().stream()
        .filter(name -> name.startsWith("refork_") && !name.endsWith("_max"))
        .forEach(exported::add);
    var documented = new TreeSet<>(OperatorDocs.metrics());
    documented.addAll(OperatorDocs.agentMetrics());
    documented.removeAll(NO_LIMIT);
    exported.removeAll(NO_LIMIT);
    assertThat(exported).as("docs/operator.md and docs/operations.md").isEqualTo(documented);
  }

  private static AgentProcess warm() {
    return AgentProcess.loopApp()
        .options("--workers", "2", "--refork-after", "off", "--canary-soak", "100ms")
        .start();
  }

  /** Its worker is not fit to become a mold, and has nobody to share with. */
  private static AgentProcess refusing() {
    return AgentProcess.of(Apps.PYTHON, Apps.path("careless_app.py"))
        .options("--workers", "1", "--refork-after", "off", "--canary-soak", "100ms")
        .env("APP_FORK_THREAD", "heartbeats")
        .start();
  }

  private Target agent(AgentProcess agent, String pod) {
    return new Target(
        "refork-agents",
        agent.controlPort(),
        Map.of("namespace", namespace, "pod", pod, "pool", "shop"));
  }

  private static Target operator(OperatorProcess operator) {
    return new Target(
        "refork-operator",
        operator.port(),
        Map.of("namespace", "refork-system", "pod", "refork-operator-1"));
  }
}
