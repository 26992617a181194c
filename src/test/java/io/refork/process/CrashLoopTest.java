package io.refork.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** FORK-05, 06: workers that die in service, and newborns that all die. */
class CrashLoopTest {
  @TempDir Path dir;

  @ParameterizedTest(
      name =
          "FORK-05 a worker that ends is replaced by a warm fork, the reason counted; PID 1: {0}")
  @ValueSource(booleans = {false, true})
  void replaced(boolean asInit) throws Exception {
    try (var agent = AgentProcess.loopApp().options("--workers", "3").asInit(asInit).start()) {
      var before = agent.awaitReady(3);
      int mold = before.object("mold").integer("pid");
      for (var way : List.of("exit/3", "crash")) {
        int sofar = crashes(agent.awaitReady(3));
        // Whoever gets it dies without a reply.
        assertThatThrownBy(() -> Load.get(agent.port(), "/" + way)).isInstanceOf(IOException.class);
        agent.awaitStatus(way, s -> crashes(s) == sofar + 1);
      }
      int killed = agent.awaitReady(3).list("workers").getFirst().integer("pid");
      Proc.kill(agent.outer(killed), "KILL");
      agent.awaitStatus("killed one gone", s -> crashes(s) == 3 && !pids(s, killed));

      var after = agent.awaitReady(3);
      assertThat(after.object("mold").integer("pid")).isEqualTo(mold);
      assertThat(after.integer("generation")).isZero();
      assertThat(Load.get(agent.port(), "/loads")).isEqualTo("loads 1");
      assertThat(agent.lines("worker exited .*reason=crashed.*signal KILL")).isNotEmpty();
      assertThat(after.list("failures"))
          .anyMatch(
              f ->
                  f.text("what").equals("worker exited: signal KILL")
                      && f.text("reason").equals("crashed"));
    }
  }

  private static boolean pids(Json status, int pid) {
    return status.list("workers").stream()
        .anyMatch(w -> !w.isNull("pid") && w.integer("pid") == pid);
  }

  private static int crashes(Json status) {
    var counts = status.object("counters").object("workerExits");
    return counts.isNull("crashed") ? 0 : counts.integer("crashed");
  }

  @Test
  @DisplayName(
      "FORK-06 when all newborns crash the pool backs off, says so, and recovers by itself")
  void allCrash() throws Exception {
    var fault = dir.resolve("fault");
    Files.writeString(fault, "crash");
    try (var agent =
        AgentProcess.loopApp()
            .env("APP_FAULT", fault.toString())
            .options("--workers", "2")
            .start()) {
      var begun = System.nanoTime();
      var looping =
          agent.awaitStatus(
              "backing off for more than two seconds",
              s -> s.object("counters").real("backoffSeconds") > 2);
      var seconds = (System.nanoTime() - begun) / 1e9;
      // 1 s, 1.5 s, 2.25 s … after each death: so by now a slot has been tried four times at most.
      assertThat(crashes(looping)).as("tries in %.1f s", seconds).isBetween(4, 2 * 5);
      assertThat(looping.text("phase")).isNotEqualTo("running");
      assertThat(looping.list("failures")).isNotEmpty();
      assertThat(agent.metric("refork_backoff_seconds")).isPositive();

      Files.delete(fault);
      agent.awaitReady(2);
      assertThat(Load.get(agent.port(), "/loads")).isEqualTo("loads 1");
      agent.awaitStatus("no backoff", s -> s.object("counters").real("backoffSeconds") == 0);
    }
  }
}
