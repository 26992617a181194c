package io.refork.process;

import static io.refork.process.AgentProcess.LONG;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** GEN: from a new mold to a pool of its forks, with the real agent and servers. */
class RolloutTest {
  @ParameterizedTest(
      name = "PY-01 GEN-04 workers take a second to get ready: one at most is not ready; {0}")
  @EnumSource
  void slowWorkers(App app) {
    try (var agent =
        app.agent()
            .options("--workers", "4", "--max-unavailable", "1", "--canary-soak", "200ms")
            .env("APP_READY_SECONDS", "1")
            .start()) {
      agent.awaitReady(4);
      try (var load = Load.newConnections(agent.port(), "/pid", 2)) {
        assertThat(leastReadyUntilGeneration(agent, 4, 1)).isEqualTo(3);
        assertThat(load.stop().failures()).isEmpty();
      }
      assertThat(agent.stop()).isZero();
    }
  }

  @ParameterizedTest(name = "GEN-11 none of {1} unavailable: all ready at every instant; {0}")
  @CsvSource({"LOOP, 1", "GTHREAD, 1", "LOOP, 3"})
  void noneUnavailable(App app, int workers) {
    try (var agent =
        app.agent()
            .options("--workers", "" + workers, "--max-unavailable", "0", "--canary-soak", "200ms")
            .env("APP_READY_SECONDS", "0.3")
            .start()) {
      agent.awaitReady(workers);
      try (var load = Load.newConnections(agent.port(), "/pid", 2)) {
        assertThat(leastReadyUntilGeneration(agent, workers, 1)).isEqualTo(workers);
        assertThat(load.stop().failures()).isEmpty();
      }
      assertThat(agent.stop()).isZero();
    }
  }

  /** Asks for a refork and looks at the pool as fast as it answers. */
  private static long leastReadyUntilGeneration(AgentProcess agent, int workers, int generation) {
    agent.signal("USR2");
    var over = new AtomicBoolean();
    var least =
        CompletableFuture.supplyAsync(
            () -> {
              long fewest = workers;
              while (!over.get()) {
                fewest = Math.min(fewest, ready(agent.status()));
              }
              return fewest;
            });
    try {
      agent.awaitGeneration(workers, generation);
    } finally {
      over.set(true);
    }
    return least.join();
  }

  private static long ready(Json status) {
    return status.list("workers").stream().filter(w -> w.text("state").equals("ready")).count();
  }

  @ParameterizedTest(
      name = "GEN-12 TERM while a refork is {0}: exit 0 in time, nothing left; PID 1: {1}")
  @CsvSource({
    "spare, false",
    "promoting, false",
    "canary, false",
    "soaking, false",
    "rolling, false",
    "promoting, true",
    "rolling, true",
  })
  void stopInAnyPhase(String phase, boolean asInit) {
    try (var agent =
        App.LOOP
            .agent()
            .options("--workers", "3", "--drain-timeout", "3s")
            .options("--canary-soak", phase.equals("soaking") ? "60s" : "100ms")
            .options("--max-unavailable", phase.equals("spare") ? "0" : "1")
            .env("APP_READY_SECONDS", "0.7")
            .env("APP_PROMOTE_SECONDS", phase.equals("promoting") ? "2" : "0")
            .asInit(asInit)
            .start()) {
      agent.awaitReady(3);
      agent.signal("USR2");
      agent.awaitStatus(
          phase, s -> !s.isNull("refork") && s.object("refork").text("phase").equals(phase));
      var family = Proc.tree(agent.pid());
      agent.signal("TERM");
      assertThat(agent.exitCode(java.time.Duration.ofSeconds(3 + 5))).isZero();
      assertThat(family).allMatch(id -> !Proc.id(id.pid()).equals(java.util.Optional.of(id)));
      assertThat(agent.lines("survive")).isEmpty();
    }
  }

  @ParameterizedTest(
      name = "GEN-13 a long request in a rollout finishes when the drain allows it; {0}")
  @EnumSource
  void longRequest(App app) throws Exception {
    try (var agent =
        app.agent()
            .options("--workers", "2", "--canary-soak", "100ms", "--drain-timeout", "20s")
            .start()) {
      agent.awaitReady(2);
      var slow = Load.later(agent.port(), "/sleep/4000");
      othersServe(agent);
      agent.signal("USR2");
      assertThat(slow.get(LONG.toSeconds(), java.util.concurrent.TimeUnit.SECONDS))
          .endsWith("slept");
      agent.awaitGeneration(2, 1);
      assertThat(agent.stop()).isZero();
    }
  }

  @ParameterizedTest(
      name =
          "GEN-13 a request that outlasts the drain is cut and reported; the rollout goes on; {0}")
  @ValueSource(strings = {"LOOP", "SYNC"})
  void endlessRequest(App app) throws Exception {
    try (var agent =
        app.agent()
            .options("--workers", "2", "--canary-soak", "100ms", "--drain-timeout", "1s")
            .start()) {
      agent.awaitReady(2);
      var slow = Load.later(agent.port(), "/sleep/30000");
      othersServe(agent);
      agent.signal("USR2");
      agent.awaitGeneration(2, 1);
      assertThat(slow.join()).contains("closed before a byte");
      assertThat(agent.lines("worker did not leave in time.*1 requests are cut")).hasSize(1);
      assertThat(agent.stop()).isZero();
    }
  }

  /** So that the worker with the slow request is not the one that served the most. */
  private static void othersServe(AgentProcess agent) throws java.io.IOException {
    agent.awaitStatus(
        "a slow request", s -> s.list("workers").stream().anyMatch(w -> w.integer("busy") == 1));
    for (int i = 0; i < 20; i++) {
      Load.get(agent.port(), "/pid");
    }
    agent.awaitStatus(
        "others have served",
        s -> s.list("workers").stream().mapToLong(w -> w.number("served")).sum() >= 20);
  }
}
