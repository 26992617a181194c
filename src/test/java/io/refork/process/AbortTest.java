package io.refork.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** GEN-05: a bad generation never takes the pool, with the real agent and servers. */
class AbortTest {
  @TempDir Path dir;

  @ParameterizedTest(
      name =
          "PY-01 GEN-05 new workers {1}: aborted {2}, the old generation serves throughout; {0}, PID 1: {3}")
  @CsvSource({
    "LOOP, crash, canary-died, false",
    "LOOP, crash, canary-died, true",
    "LOOP, never-ready, canary-not-ready, false",
    "LOOP, never-ready, canary-not-ready, true",
    "GTHREAD, crash, canary-died, false",
    "GTHREAD, never-ready, canary-not-ready, false",
    "SYNC, crash, canary-died, false",
    "SYNC, never-ready, canary-not-ready, false",
    "UVICORN, crash, canary-died, false",
    "UVICORN, never-ready, canary-not-ready, false",
  })
  void badNewborns(App app, String fault, String reason, boolean asInit) throws Exception {
    var file = Files.writeString(dir.resolve("fault"), fault + " 1");
    // It bounds loading too, and FastAPI alone takes a second of a CPU to import.
    var bootTimeout = app == App.UVICORN ? "10s" : "3s";
    try (var agent =
        app.agent()
            .options("--workers", "3", "--canary-soak", "200ms", "--boot-timeout", bootTimeout)
            .env("APP_FAULT", file.toString())
            .asInit(asInit)
            .start()) {
      agent.awaitReady(3);
      var before = agent.workerPids();
      try (var load = Load.newConnections(agent.port(), "/pid", 2)) {
        agent.signal("USR2");
        agent.awaitStatus(
            "aborted " + reason,
            s ->
                !s.isNull("refork")
                    && s.object("refork").text("outcome").equals("aborted")
                    && s.object("refork").text("reason").equals(reason));
        var after = agent.awaitGeneration(3, 0);
        assertThat(after.object("mold").integer("generation")).isZero();
        assertThat(agent.workerPids()).filteredOn(before::contains).hasSize(2);
        assertThat(load.stop().failures()).isEmpty();
      }
      assertThat(agent.stop()).isZero();
    }
  }

  @ParameterizedTest(
      name =
          "PY-01 GEN-05 new workers answer 500: aborted, only the canary''s replies are lost; {0}")
  @EnumSource
  void errors(App app) {
    try (var agent =
        app.agent()
            .options("--workers", "2", "--canary-soak", "60s")
            .env("APP_ERRORS_FROM", "1")
            .start()) {
      agent.awaitReady(2);
      try (var load = Load.newConnections(agent.port(), "/loads", 4)) {
        agent.signal("USR2");
        agent.awaitStatus(
            "aborted",
            s ->
                !s.isNull("refork")
                    && s.object("refork").text("outcome").equals("aborted")
                    && s.object("refork").text("reason").equals("canary-errors"));
        agent.awaitGeneration(2, 0);
        assertThat(load.stop().failures()).isNotEmpty().allMatch(f -> f.contains(" 500"));
      }
      assertThat(agent.stop()).isZero();
    }
  }

  @Test
  @DisplayName("GEN-05 after an abort the next try waits, and succeeds once the cause is mended")
  void tryAgain() throws Exception {
    var file = Files.writeString(dir.resolve("fault"), "crash 1");
    try (var agent =
        App.LOOP
            .agentReforkingAfter("20")
            .options("--workers", "2", "--canary-soak", "200ms")
            .env("APP_FAULT", file.toString())
            .start()) {
      agent.awaitReady(2);
      try (var load = Load.newConnections(agent.port(), "/pid", 2)) {
        agent.awaitStatus("a second abort", s -> agent.lines("refork aborted").size() == 2);
        Files.delete(file);
        agent.awaitStatus("completed", s -> s.integer("level") == 1);
        agent.awaitReady(2);
        assertThat(load.stop().failures()).isEmpty();
      }
      assertThat(agent.stop()).isZero();
    }
  }

  @Test
  @DisplayName("GEN-05 the failure budget: new workers that die after the canary abort the rollout")
  void failureBudget() throws Exception {
    try (var agent =
        App.LOOP
            .agent()
            .options("--workers", "3", "--canary-soak", "100ms", "--failure-budget", "2")
            .env("APP_READY_SECONDS", "1")
            .start()) {
      agent.awaitReady(3);
      agent.signal("USR2");
      for (int death = 1; death <= 2; death++) {
        var status =
            agent.awaitStatus(
                "rolling, with a new worker ready",
                s -> s.object("refork").text("phase").equals("rolling") && newborn(s) != 0);
        Proc.kill(newborn(status), "KILL");
        agent.awaitStatus("it is gone", s -> newborn(s) != newborn(status));
      }
      agent.awaitLine("refork aborted.*failure-budget");
      agent.awaitGeneration(3, 0);
      assertThat(agent.stop()).isZero();
    }
  }

  private static int newborn(Json status) {
    return status.list("workers").stream()
        .filter(w -> w.integer("generation") == 1 && w.text("state").equals("ready"))
        .mapToInt(w -> w.integer("pid"))
        .findFirst()
        .orElse(0);
  }
}
