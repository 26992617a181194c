package io.refork.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/** Mistakes of users: one clear sentence and exit code 2, and nothing was started. */
class BadInputTest {
  private static final String BAD_COMMAND = "this-is-never-started";

  @TempDir private Path directory;

  @Test
  @DisplayName("an unknown flag is named, with the one that was probably meant")
  void unknownFlag() {
    try (var agent = AgentProcess.of(BAD_COMMAND).options("--wrokers", "2").start()) {
      endsWith(agent, "--wrokers", "--workers");
    }
  }

  @Test
  @DisplayName("a port in use is named, with its holder")
  void portInUse() throws Exception {
    try (var holder = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        var agent =
            AgentProcess.of(BAD_COMMAND)
                .options("--listen", "127.0.0.1:" + holder.getLocalPort())
                .start()) {
      endsWith(
          agent,
          "127.0.0.1:" + holder.getLocalPort(),
          "pid " + ProcessHandle.current().pid() + " (java)");
    }
  }

  @Test
  @DisplayName("a broken configuration file is named, with line and field")
  void brokenConfig() throws Exception {
    var file = directory.resolve("refork.json");
    Files.writeString(file, "{\n  \"workers\": 2,\n  \"boot-timeout\": \"soon\"\n}\n");
    try (var agent = AgentProcess.of(BAD_COMMAND).options("--config", file.toString()).start()) {
      endsWith(agent, file.toString(), "line 3", "boot-timeout", "soon");
    }
  }

  @Test
  @EnabledIf(value = "io.refork.process.Users#root", disabledReason = "needs root, to mount a disk")
  @DisplayName("a full disk is a sentence, not a SIGBUS")
  void fullDisk() {
    var tiny =
        "mount -t tmpfs -o size=4k none %1$s && head -c 4096 /dev/zero >%1$s/full; exec \"$@\"";
    try (var agent =
        AgentProcess.loopApp()
            .inside("unshare", "--mount", "sh", "-c", tiny.formatted(directory), "sh")
            .stateDir(directory)
            .start()) {
      endsWith(agent, "No space left on device", directory.toString());
    }
  }

  private static void endsWith(AgentProcess agent, String... words) {
    assertThat(agent.exitCode(AgentProcess.LONG)).as(agent.log()).isEqualTo(2);
    assertThat(agent.log()).contains(words).doesNotContain("Exception", "\tat ");
    assertThat(agent.log()).doesNotContain("starting the application");
  }
}
