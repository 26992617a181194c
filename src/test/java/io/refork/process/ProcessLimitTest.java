package io.refork.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;

/** No process can be started any more, for a while. The limit counts per user: it has its own. */
@EnabledIf(value = "io.refork.process.Users#root", disabledReason = "needs root, for another uid")
class ProcessLimitTest {
  /** Below any hard limit, above what the tests start. */
  private static final int MANY = 1000;

  @Test
  @DisplayName(
      "PID-15 a mold cannot fork: a clear reason, backoff, recovery when the limit is lifted")
  void moldCannotFork() throws Exception {
    try (var agent = start()) {
      var status = agent.awaitReady(2);
      int mold = status.object("mold").integer("pid");
      limit(mold, 1);
      int victim = agent.workerPids().getFirst();
      Proc.kill(victim, "KILL");
      agent.awaitLine("spawn.*(process limit|temporarily unavailable)");
      agent.awaitStatus("backing off", s -> s.object("counters").real("backoffSeconds") > 0);
      assertThat(Load.get(agent.port(), "/pid")).startsWith("pid ");
      limit(mold, MANY);
      agent.awaitReadyWithout(2, victim);
      assertThat(agent.stop()).isZero();
    }
  }

  @Test
  @DisplayName("PID-15 the agent cannot start a boot mold: the same; and TERM still ends it")
  void agentCannotSpawn() throws Exception {
    try (var agent = start()) {
      var status = agent.awaitReady(2);
      // No worker may become mold, whichever answered.
      while (!agent.status().list("workers").stream().allMatch(w -> w.integer("served") > 0)) {
        Load.get(agent.port(), "/unsafe/a");
      }
      limit(agent.pid(), 1);
      Proc.kill(status.object("mold").integer("pid"), "KILL");
      agent.awaitLine("application did not start.*process limit reached");
      agent.awaitStatus("backing off", s -> s.object("counters").real("backoffSeconds") > 0);
      assertThat(Load.get(agent.port(), "/pid")).startsWith("pid ");
      limit(agent.pid(), MANY);
      agent.awaitStatus(
          "a mold again", s -> !s.isNull("mold") && s.object("mold").text("state").equals("ready"));
      limit(agent.pid(), 1);
      agent.signal("TERM");
      assertThat(agent.exitCode(Duration.ofSeconds(10))).isZero();
    }
  }

  private static AgentProcess start() throws IOException, InterruptedException {
    return AgentProcess.of(Users.python(), Apps.path("loop_app.py"))
        .inside(Users.as())
        .stateDir(Users.directory())
        .options("--workers", "2")
        .start();
  }

  /** The soft limit of one process, set as its own user may. */
  private static void limit(int pid, int processes) throws IOException, InterruptedException {
    var words = new ArrayList<>(List.of(Users.as()));
    words.addAll(List.of("prlimit", "--pid", Integer.toString(pid), "--nproc=" + processes + ":"));
    assertThat(new ProcessBuilder(words).inheritIO().start().waitFor()).isZero();
  }
}
