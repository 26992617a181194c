package io.refork.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** One agent per state directory, decided by the kernel's lock: in containers both are pid 1. */
class StateDirectoryProcessTest {
  @TempDir private Path directory;

  @ParameterizedTest(
      name = "PID-17 a second agent on a living one''s directory is refused; PID 1: {0}")
  @ValueSource(booleans = {false, true})
  void refused(boolean asInit) throws Exception {
    try (var first = start(asInit)) {
      first.awaitReady(1);
      try (var second = start(asInit)) {
        assertThat(second.exitCode(AgentProcess.LONG)).isEqualTo(2);
        assertThat(second.lines("^refork run: ")).hasSize(1);
        assertThat(second.lines("^refork run: ").getFirst())
            .contains(directory.toString(), "another agent");
      }
      assertThat(first.status().text("phase")).isEqualTo("serving");
      assertThat(Load.get(first.port(), "/pid")).startsWith("pid ");
      assertThat(first.stop()).isZero();
    }
  }

  @ParameterizedTest(name = "PID-17 what a killed agent left behind is taken over; PID 1: {0}")
  @ValueSource(booleans = {false, true})
  void takenOver(boolean asInit) throws Exception {
    try (var first = start(asInit)) {
      first.awaitReady(1);
      var id = Proc.id(first.pid());
      first.signal("KILL");
      await().atMost(AgentProcess.LONG).until(() -> !id.equals(Proc.id(id.orElseThrow().pid())));
      assertThat(directory.resolve("mold.sock")).exists();
    }
    try (var second = start(asInit)) {
      second.awaitReady(1);
      second.awaitLine("agent started.*takenOver=true");
      assertThat(second.stop()).isZero();
    }
    try (var third = start(asInit)) {
      third.awaitReady(1);
      assertThat(third.lines("takenOver=true")).isEmpty();
      assertThat(third.stop()).isZero();
    }
  }

  @Test
  @DisplayName("a state directory that cannot be written: one sentence, exit code 2")
  void notWritable() {
    try (var agent = AgentProcess.loopApp().stateDir(Path.of("/proc/refork-state")).start()) {
      assertThat(agent.exitCode(AgentProcess.LONG)).isEqualTo(2);
      assertThat(agent.lines("^refork run: .*/proc/refork-state")).hasSize(1);
      assertThat(agent.log().lines()).hasSize(1);
    }
  }

  private AgentProcess start(boolean asInit) {
    return AgentProcess.loopApp()
        .stateDir(directory)
        .options("--workers", "1")
        .asInit(asInit)
        .start();
  }
}
