package io.refork.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What an application gets from the agent, and what it does not: descriptors, signals, groups. */
class InheritanceTest {
  private static final Pattern SCOREBOARD = Pattern.compile("/dev/shm/refork-|/scoreboard");
  private static final String NONE = "0000000000000000";

  /** Whoever starts the agent ignores and blocks signals, and leaves descriptors open. */
  private static final String[] RUDE_PARENT = {
    "python3",
    "-c",
    """
    import os, signal, sys
    for s in (signal.SIGHUP, signal.SIGPIPE, signal.SIGUSR1): signal.signal(s, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM, signal.SIGUSR2})
    os.dup2(1, 7, inheritable=True)
    os.execvp(sys.argv[1], sys.argv[1:])
    """
  };

  @ParameterizedTest(
      name = "PID-13 a command starts with stdio and listeners only, default signals; PID 1: {0}")
  @ValueSource(booleans = {false, true})
  void command(boolean asInit) {
    // Programs that look at themselves before any code of an application runs.
    var status = run(asInit, "cat", "/proc/self/status");
    assertThat(field(status, "SigBlk")).isEqualTo(NONE);
    assertThat(field(status, "SigIgn")).isEqualTo(NONE);
    assertThat(field(status, "SigCgt")).isEqualTo(NONE);
    var list = run(asInit, "ls", "-l", "/proc/self/fd");
    assertThat(list.lines(" -> ").stream().map(l -> l.replaceAll(".* (\\d+ -> \\S+)$", "$1")))
        .hasSize(5)
        .contains("0 -> /dev/null")
        .anyMatch(l -> l.startsWith("1 -> pipe:"))
        .anyMatch(l -> l.startsWith("2 -> pipe:"))
        .anyMatch(l -> l.startsWith("3 -> socket:"))
        .anyMatch(l -> l.matches("4 -> /proc/\\d+/fd")); // what ls itself has opened
  }

  private static AgentProcess run(boolean asInit, String... command) {
    try (var agent = AgentProcess.of(command).inside(RUDE_PARENT).asInit(asInit).start()) {
      assertThat(agent.exitCode(AgentProcess.LONG)).as(agent.log()).isZero();
      return agent;
    }
  }

  @Test
  @DisplayName("PID-13 mold and workers: stdio, listeners, their own connection; mask empty")
  void application() {
    try (var agent = AgentProcess.loopApp().inside(RUDE_PARENT).options("--workers", "2").start()) {
      var status = agent.awaitReady(2);
      var pids = new ArrayList<>(agent.workerPids());
      pids.add(status.object("mold").integer("pid"));
      for (int pid : pids) {
        assertThat(Proc.descriptors(pid).stream().map(d -> kind(d.substring(d.indexOf(' ') + 1))))
            .as("descriptors of %s", Proc.comm(pid))
            .containsExactlyInAnyOrder(
                "/dev/null", "pipe", "pipe", "socket", "socket", "scoreboard");
        var text = Proc.file(pid, "status").orElseThrow();
        assertThat(text).contains("SigBlk:\t" + NONE);
        assertThat(Proc.file(pid, "maps").orElseThrow()).containsPattern("rw-s .*" + SCOREBOARD);
        assertThat(Proc.group(pid)).as("its own group").contains(pid);
      }
      assertThat(agent.stop()).isZero();
    }
  }

  private static String kind(String target) {
    // Python's mmap keeps a descriptor of what it maps.
    return SCOREBOARD.matcher(target).find() ? "scoreboard" : target.replaceAll(":.*", "");
  }

  private static String field(AgentProcess agent, String name) {
    var line = Pattern.compile("^" + name + ":\\s*(\\w+)");
    return agent.lines(line.pattern()).stream()
        .map(line::matcher)
        .filter(Matcher::find)
        .map(m -> m.group(1))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no " + name + "\n" + agent.log()));
  }
}
