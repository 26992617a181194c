package io.refork.process;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** FORK: spawning and slots, with the real agent and real processes. */
class SpawningTest {
  @ParameterizedTest(
      name = "FORK-01 workers are the agent''s children and the mold''s siblings; PID 1: {0}")
  @ValueSource(booleans = {false, true})
  void siblings(boolean asInit) {
    try (var agent = AgentProcess.loopApp().options("--workers", "8").asInit(asInit).start()) {
      var status = agent.awaitReady(8);
      for (var worker : status.list("workers")) {
        int pid = agent.outer(worker.integer("pid"));
        assertThat(Proc.parent(pid)).contains(agent.pid());
        assertThat(Proc.comm(pid)).isEqualTo("refork w" + worker.integer("slot") + " g0");
        assertThat(Proc.file(pid, "cmdline").orElse(""))
            .as("the full title: setproctitle is installed for the tests")
            .startsWith("refork: worker " + worker.integer("slot") + ", generation 0");
      }
      int mold = agent.outer(status.object("mold").integer("pid"));
      assertThat(Proc.parent(mold)).contains(agent.pid());
      assertThat(Proc.comm(mold)).isEqualTo("refork mold g0");
      assertThat(Proc.file(mold, "cmdline").orElse("")).startsWith("refork: mold, generation 0");
      assertThat(agent.stop()).isZero();
    }
  }

  @Test
  @DisplayName("FORK-02 the application is loaded once for eight workers")
  void loadedOnce() throws Exception {
    try (var agent = AgentProcess.loopApp().options("--workers", "8").start()) {
      agent.awaitReady(8);
      for (int i = 0; i < 40; i++) {
        assertThat(Load.get(agent.port(), "/loads")).isEqualTo("loads 1");
      }
    }
  }
}
