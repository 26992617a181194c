package io.refork.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** PID: the duties of a process that others are re-parented to, whether it is PID 1 or not. */
class InitTest {
  private static final Duration SECOND = Duration.ofSeconds(1);

  @TempDir private Path directory;

  @ParameterizedTest(
      name = "PID-01 PID-03 orphans are adopted and reaped, however they end; PID 1: {0}")
  @ValueSource(booleans = {false, true})
  void orphansOfAnyExitCode(boolean asInit) throws Exception {
    try (var agent = AgentProcess.loopApp().options("--workers", "2").asInit(asInit).start()) {
      agent.awaitReady(2);
      var before = agent.workerPids();
      var ends = List.of("0", "3", "4", "255", "SIGSEGV", "SIGKILL", "SIGTERM", "SIGABRT");
      for (int i = 0; i < ends.size(); i++) {
        assertThat(Load.get(agent.port(), "/do/orphan/" + ends.get(i))).isEqualTo("orphan");
        awaitReaped(agent, i + 1); // one by one: which of several is reaped first, nobody knows
      }
      assertThat(agent.workerPids()).isEqualTo(before);
      assertThat(Proc.zombies(agent.pid())).isEmpty();
      // Five of a kind are told one by one, the rest is summed up in the next line.
      assertThat(agent.lines("orphan reaped")).hasSize(5);
      assertThat(agent.lines("orphan reaped.*code=(0|3|4|255|139)\\b")).hasSize(5);
      assertThat(Load.get(agent.port(), "/pid")).startsWith("pid ");
      assertThat(agent.stop()).isZero();
    }
  }

  @ParameterizedTest(
      name = "PID-02 3,000 orphans die at once: all reaped, a worker still replaced; PID 1: {0}")
  @ValueSource(booleans = {false, true})
  void manyOrphans(boolean asInit) throws Exception {
    var released = directory.resolve("released");
    try (var agent =
        AgentProcess.of(
                "sh",
                "-c",
                "%s -I -S %s 3000 %s & exec %s %s"
                    .formatted(
                        Apps.PYTHON,
                        Apps.path("orphans.py"),
                        released,
                        Apps.PYTHON,
                        Apps.path("loop_app.py")))
            .options("--workers", "2")
            .asInit(asInit)
            .start()) {
      agent.awaitLine("3000 orphans wait");
      // One that dies as soon as it is ready is a crash loop, and waits for its next try.
      agent.awaitStatus(
          "workers of some age",
          s ->
              s.list("workers").size() == 2
                  && s.list("workers").stream()
                      .allMatch(
                          w -> w.text("state").equals("ready") && w.real("ageSeconds") > 1.5));
      var before = agent.workerPids();
      Files.createFile(released);
      Proc.kill(agent.outer(before.getFirst()), "KILL");
      var killed = System.nanoTime();
      var after = agent.awaitReadyWithout(2, before.getFirst());
      assertThat(Duration.ofNanos(System.nanoTime() - killed)).as(agent.log()).isLessThan(SECOND);
      assertThat(after.list("workers").stream().map(w -> w.integer("pid")))
          .contains(before.getLast());
      awaitReaped(agent, 3000);
      assertThat(Proc.zombies(agent.pid())).isEmpty();
      assertThat(agent.lines("orphan reaped").size()).isLessThan(20);
      assertThat(agent.status().object("counters").integer("orphansReaped")).isLessThan(3100);
      assertThat(agent.lines("worker exited")).hasSize(1);
      assertThat(agent.stop()).isZero();
    }
  }

  @Test
  @DisplayName("PID-04 what exec sessions leave behind is reaped, and lives until then")
  void execSessions() throws Exception {
    try (var agent = AgentProcess.loopApp().options("--workers", "2").asInit(true).start()) {
      agent.awaitReady(2);
      var before = agent.workerPids();
      for (int i = 0; i < 5; i++) {
        inside(agent, "sleep 1000 & (exit 3) & exit 4");
      }
      var sleepers =
          await()
              .atMost(AgentProcess.LONG)
              .until(
                  () ->
                      Proc.children(agent.pid()).stream()
                          .filter(p -> Proc.comm(p).equals("sleep"))
                          .toList(),
                  s -> s.size() == 5);
      await().atMost(AgentProcess.LONG).until(() -> Proc.zombies(agent.pid()).isEmpty());
      assertThat(agent.workerPids()).isEqualTo(before);
      assertThat(sleepers).allMatch(Proc::alive);
      var left = Proc.id(sleepers.getFirst());
      assertThat(agent.stop()).isZero();
      assertThat(left).isNotEqualTo(Proc.id(sleepers.getFirst()));
    }
  }

  /** What {@code kubectl exec} does. */
  private static void inside(AgentProcess agent, String script)
      throws IOException, InterruptedException {
    var session =
        new ProcessBuilder(
                "nsenter", "-t", Integer.toString(agent.pid()), "-p", "-m", "sh", "-c", script)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    assertThat(session.waitFor()).isEqualTo(4);
  }

  private static void awaitReaped(AgentProcess agent, int count) {
    agent.awaitStatus(
        count + " orphans reaped", s -> s.object("counters").integer("orphansReaped") >= count);
  }
}
