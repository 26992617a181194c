package io.refork.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** FORK-03, 04: a newborn, or the process between it and its mold, fails on its way to ready. */
class SpawnFaultsTest {
  /** What fork_faults.py can do wrong once. Its processes die, hang, or are killed before hello. */
  private static final List<String> FAULTS =
      List.of("newborn-dies", "newborn-hangs", "middle-dies", "middle-dies-late", "middle-hangs");

  private static final Duration SPAWN_TIMEOUT = Duration.ofSeconds(3);

  @TempDir Path dir;

  private AgentProcess.Builder app(int workers) {
    return AgentProcess.of(Apps.PYTHON, Apps.path("fork_faults.py"))
        .env("APP_SPAWN_FAULT", dir.resolve("fault").toString())
        .env("APP_FAULT", dir.resolve("late-fault").toString())
        .options(
            "--workers",
            Integer.toString(workers),
            "--spawn-timeout",
            SPAWN_TIMEOUT.toSeconds() + "s",
            "--kill-after",
            "500ms",
            "--refork-after",
            "off");
  }

  private void fault(String word) throws IOException {
    Files.writeString(dir.resolve("new"), word);
    Files.move(dir.resolve("new"), dir.resolve("fault"));
  }

  @ParameterizedTest(
      name = "FORK-03 a spawn that fails before hello costs that newborn only; PID 1: {0}")
  @ValueSource(booleans = {false, true})
  void beforeHello(boolean asInit) throws Exception {
    int workers = FAULTS.size() + 1;
    try (var agent = app(workers).asInit(asInit).start()) {
      var first = agent.awaitReady(workers);
      int mold = first.object("mold").integer("pid");
      var pids = new HashSet<>(agent.workerPids());
      for (int slot = 0; slot < FAULTS.size(); slot++) {
        var name = FAULTS.get(slot);
        int victim = first.list("workers").get(slot).integer("pid");
        assertThat(Load.get(agent.port(), "/orphans/5")).matches("\\d+(,\\d+){4}");
        fault(name);
        var begun = System.nanoTime();
        Proc.kill(agent.outer(victim), "KILL");
        int filled = slot;
        agent.awaitStatus(
            "slot " + slot + " filled after " + name,
            s ->
                s.list("workers").size() == workers
                    && s.list("workers").get(filled).text("state").equals("ready")
                    && s.list("workers").get(filled).integer("pid") != victim);
        var took = Duration.ofNanos(System.nanoTime() - begun);

        assertThat(dir.resolve("fault")).as(name + " has happened").doesNotExist();
        assertThat(took).as(name).isLessThan(SPAWN_TIMEOUT.plusSeconds(1));
        pids.remove(victim);
        assertThat(agent.workerPids()).as("nobody else was hit by " + name).containsAll(pids);
        assertThat(agent.status().object("mold").integer("pid")).as("mold").isEqualTo(mold);
      }
      await("nothing is left of the spawns")
          .atMost(AgentProcess.LONG)
          .until(
              () ->
                  Proc.children(agent.pid()).size() == workers + 1
                      && Proc.children(agent.pid()).stream()
                          .noneMatch(p -> Proc.comm(p).startsWith("rf:")));
      assertThat(agent.stop()).isZero();
    }
  }

  @ParameterizedTest(name = "FORK-03 TERM works while a spawn hangs; PID 1: {0}")
  @ValueSource(booleans = {false, true})
  void termMeanwhile(boolean asInit) throws Exception {
    fault("newborn-hangs");
    try (var agent = app(2).asInit(asInit).options("--drain-timeout", "1s").start()) {
      agent.awaitStatus("one slot hangs", s -> s.list("workers").size() > 0 && gone("fault"));
      var begun = System.nanoTime();
      assertThat(agent.stop()).isZero();
      assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofSeconds(6));
    }
  }

  private boolean gone(String file) {
    return !Files.exists(dir.resolve(file));
  }

  @Test
  @DisplayName("FORK-04 a newborn that never gets ready is killed at bootTimeout; others serve")
  void neverReady() throws Exception {
    var config = Files.writeString(dir.resolve("refork.json"), "{}");
    try (var agent = app(3).options("--config", config.toString()).start()) {
      var first = agent.awaitReady(3);
      Files.writeString(config, "{\"boot-timeout\": \"500ms\"}"); // too short for the boot itself
      agent.awaitLine("settings changed");
      Files.writeString(dir.resolve("late-fault"), "never-ready");
      int victim = first.list("workers").get(1).integer("pid");
      Proc.kill(victim, "KILL");
      try (var load = Load.newConnections(agent.port(), "/", 2)) {
        var twice =
            agent.awaitStatus(
                "two newborns have been given up",
                s ->
                    exits(s, "boot-timeout") >= 2
                        && s.object("counters").real("backoffSeconds") > 0);
        assertThat(twice.list("workers").stream().filter(w -> w.integer("slot") != 1))
            .allMatch(w -> w.text("state").equals("ready"));
        Files.delete(dir.resolve("late-fault"));
        agent.awaitReady(3);
        var result = load.stop();
        assertThat(result.failures()).isEmpty();
        assertThat(result.requests()).isPositive();
      }
      var now = agent.workerPids();
      assertThat(now.get(0)).isEqualTo(first.list("workers").get(0).integer("pid"));
      assertThat(now.get(2)).isEqualTo(first.list("workers").get(2).integer("pid"));
    }
  }

  private static int exits(Json status, String reason) {
    var counts = status.object("counters").object("workerExits");
    return counts.isNull(reason) ? 0 : counts.integer(reason);
  }
}
