package io.refork.process;

import static io.refork.process.AgentProcess.LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** GEN: reforks that succeed, and promotions that are refused, with the real agent and servers. */
class ReforkTest {
  @TempDir Path dir;

  @ParameterizedTest(
      name =
          "PY-01 GEN-01 thresholds 50 and 100 under load: generation 1, 2, no more; {0}, PID 1: {1}")
  @CsvSource({"LOOP, false", "LOOP, true", "GTHREAD, false", "SYNC, false", "UVICORN, false"})
  void thresholds(App app, boolean asInit) {
    try (var agent =
        app.agentReforkingAfter("50,100")
            .options("--workers", "4", "--canary-soak", "200ms")
            .asInit(asInit)
            .start()) {
      agent.awaitReady(4);
      try (var load = Load.newConnections(agent.port(), "/pid", 4)) {
        agent.awaitGeneration(4, 2);
        agent.awaitStatus(
            "much more served than any threshold",
            s -> s.list("workers").stream().allMatch(w -> w.number("served") >= 300));
        assertThat(load.stop().failures()).isEmpty();
      }
      assertThat(agent.awaitGeneration(4, 2).integer("level")).isEqualTo(2);
      assertThat(agent.lines("promotion begins")).hasSize(2);
      assertThat(agent.stop()).isZero();
    }
  }

  @ParameterizedTest(
      name =
          "PY-01 GEN-02 four reforks under load, new and kept connections: no failed request; {0}")
  @EnumSource
  void underLoad(App app) {
    try (var agent = app.agent().options("--workers", "4", "--canary-soak", "300ms").start()) {
      agent.awaitReady(4);
      try (var fresh = Load.newConnections(agent.port(), "/pid", 4);
          var kept = Load.keepAlive(agent.port(), "/pid", 4)) {
        for (int generation = 1; generation <= 4; generation++) {
          agent.signal("USR2");
          agent.awaitGeneration(4, generation);
        }
        var results = List.of(fresh.stop(), kept.stop());
        assertThat(results).allSatisfy(r -> assertThat(r.failures()).isEmpty());
        assertThat(results).allSatisfy(r -> assertThat(r.requests()).isGreaterThan(100));
      }
      assertThat(agent.stop()).isZero();
    }
  }

  @ParameterizedTest(
      name =
          "PY-01 GEN-03 a worker that promotes begins no request, and leaves when its mold is ready; {0}")
  @EnumSource
  void outOfRotation(App app) throws Exception {
    try (var agent =
        app.agent()
            .options("--workers", "3", "--canary-soak", "200ms")
            .env("APP_PROMOTE_SECONDS", "1.5")
            .env("APP_PREPARE_SECONDS", "1")
            .start()) {
      var before = agent.awaitReady(3);
      for (int i = 0; i < 30; i++) {
        Load.get(agent.port(), "/pid");
      }
      agent.awaitStatus("all counted", s -> served(s) == 30);
      var most = agent.status().list("workers").stream().mapToLong(w -> w.number("served")).max();
      agent.signal("USR2");
      int candidate = pid(agent.awaitLine("worker left rotation"));
      assertThat(before.list("workers"))
          .filteredOn(w -> w.integer("pid") == candidate)
          .singleElement();
      assertThat(
              agent.status().list("workers").stream()
                  .filter(w -> w.integer("pid") == candidate)
                  .mapToLong(w -> w.number("served"))
                  .max())
          .isEqualTo(most);

      while (Proc.alive(candidate) && agent.lines("mold ready.*generation=1").isEmpty()) {
        assertThat(Load.get(agent.port(), "/pid")).doesNotStartWith("pid " + candidate + " ");
      }
      agent.awaitGeneration(3, 1);
      assertThat(Proc.alive(candidate)).isFalse();
      // The log is written beside what happens, but in its order.
      var exited = "worker exited.*pid=" + candidate + "\\b";
      agent.awaitLine(exited);
      assertThat(agent.lines("mold ready.*generation=1|" + exited).getFirst())
          .as("it lives until its mold is ready")
          .contains("mold ready");
      assertThat(agent.stop()).isZero();
    }
  }

  @ParameterizedTest(
      name = "PY-01 GEN-03 a request in flight at the promotion is finished first; {0}")
  @EnumSource
  void inFlight(App app) throws Exception {
    try (var agent = app.agent().options("--workers", "2", "--canary-soak", "200ms").start()) {
      agent.awaitReady(2);
      // One after the other: of two at once, one worker of a single thread may take both and keep
      // the second waiting.
      var first = Load.later(agent.port(), "/sleep/3000");
      agent.awaitStatus("one in flight", s -> busy(s) == 1);
      var second = Load.later(agent.port(), "/sleep/3000");
      agent.awaitStatus("both in flight", s -> busy(s) == 2);
      agent.signal("USR2");
      agent.awaitLine("promotion begins");
      assertThat(first.join()).endsWith("slept");
      assertThat(second.join()).endsWith("slept");
      agent.awaitGeneration(2, 1);
      assertThat(agent.stop()).isZero();
    }
  }

  private static int busy(Json status) {
    return status.list("workers").stream().mapToInt(w -> w.integer("busy")).sum();
  }

  @ParameterizedTest(name = "GEN-06 promotion refused: {1}; the workers serve on; {0}")
  @CsvSource({
    "LOOP, threads",
    "LOOP, children",
    "LOOP, not-fork-safe",
    "LOOP, hook-failed",
    "LOOP, timeout",
    "GTHREAD, threads",
    "GTHREAD, not-fork-safe",
    "GTHREAD, hook-failed",
    "GTHREAD, timeout",
    "SYNC, threads",
    "SYNC, hook-failed",
  })
  void refused(App app, String reason) throws Exception {
    var fault = dir.resolve("fault");
    var builder = app.agent().options("--workers", "2").env("APP_FAULT", fault.toString());
    if (reason.equals("timeout")) {
      builder.options("--promote-timeout", "1s").env("APP_PROMOTE_SECONDS", "2");
    }
    try (var agent = builder.start()) {
      agent.awaitReady(2);
      var before = agent.workerPids();
      switch (reason) {
        case "hook-failed" -> Files.writeString(fault, "hook");
        case "threads" -> everyWorker(agent, "/thread/extra");
        case "children" -> everyWorker(agent, "/child");
        case "not-fork-safe" -> everyWorker(agent, "/unsafe/because");
        default -> {}
      }
      try (var load = Load.newConnections(agent.port(), "/pid", 2)) {
        agent.signal("USR2");
        agent.awaitStatus(
            "refused " + reason,
            s ->
                !s.isNull("refork")
                    && s.object("refork").text("outcome").equals("refused")
                    && s.object("refork").text("reason").equals(reason));
        // It accepts again: both answer.
        load.awaitBodies(
            bodies ->
                before.stream()
                    .allMatch(p -> bodies.stream().anyMatch(b -> b.startsWith("pid " + p + " "))));
        assertThat(load.stop().failures()).isEmpty();
      }
      assertThat(agent.awaitReady(2).integer("generation")).isZero();
      assertThat(agent.workerPids()).isEqualTo(before);
      assertThat(agent.stop()).isZero();
    }
  }

  @Test
  @DisplayName("GEN-07 twenty triggers in 100 ms from signal, socket and count: one refork")
  void manyTriggers() {
    try (var agent =
        App.LOOP
            .agentReforkingAfter("20")
            .options("--workers", "2", "--canary-soak", "1s")
            .start()) {
      agent.awaitReady(2);
      try (var load = Load.newConnections(agent.port(), "/pid", 2)) {
        for (int i = 0; i < 10; i++) {
          agent.signal("USR2");
          LocalStatus.askRefork(agent.stateDir());
        }
        agent.awaitGeneration(2, 1);
        assertThat(load.stop().failures()).isEmpty();
      }
      assertThat(agent.lines("promotion begins")).hasSize(1);
      assertThat(agent.lines("mold ready.*generation=1")).hasSize(1);
      assertThat(agent.stop()).isZero();
    }
  }

  @Test
  @DisplayName(
      "GEN-09 the candidate is killed while promoting: refilled from the current mold; later try")
  void candidateKilled() {
    try (var agent =
        App.LOOP
            .agent()
            .options("--workers", "2", "--canary-soak", "200ms")
            .env("APP_PROMOTE_SECONDS", "1")
            .start()) {
      agent.awaitReady(2);
      agent.signal("USR2");
      Proc.kill(pid(agent.awaitLine("worker left rotation")), "KILL");
      agent.awaitStatus(
          "refused",
          s -> !s.isNull("refork") && s.object("refork").text("reason").equals("candidate-died"));
      assertThat(agent.awaitGeneration(2, 0).object("mold").integer("generation")).isZero();

      agent.signal("USR2");
      agent.awaitGeneration(2, 2);
      assertThat(agent.stop()).isZero();
    }
  }

  // --- words -----------------------------------------------------------------------------------

  private static long served(Json status) {
    return status.list("workers").stream().mapToLong(w -> w.number("served")).sum();
  }

  static int pid(String line) {
    return Integer.parseInt(line.replaceAll(".*\\bpid=(\\d+).*", "$1"));
  }

  /** Asks until every worker has answered this path at least once. */
  private static void everyWorker(AgentProcess agent, String path) {
    await()
        .atMost(LONG)
        .until(
            () -> {
              Load.get(agent.port(), path);
              return agent.status().list("workers").stream().allMatch(w -> w.number("served") >= 1);
            });
  }
}
