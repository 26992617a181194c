package io.refork.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Nobody reads the agent's log any more. Its CPU time then is a figure of the benchmarks. */
class LogPipeTest {
  /** Standard output and error become a pipe of one page whose reader never reads. */
  private static final String[] TINY_PIPE = {
    "python3",
    "-c",
    """
    import fcntl, os, sys
    reading, writing = os.pipe()
    fcntl.fcntl(writing, 1031, 4096)
    os.set_inheritable(reading, True)
    os.dup2(writing, 1); os.dup2(writing, 2)
    os.execvp(sys.argv[1], sys.argv[1:])
    """
  };

  @Test
  @DisplayName("PID-14 a full log pipe: lines are dropped and counted, the pool lives, TERM works")
  void full() throws Exception {
    try (var agent =
        AgentProcess.loopApp()
            .inside(TINY_PIPE)
            .unread()
            .options("--workers", "16", "--max-unavailable", "100%")
            .start()) {
      agent.awaitReady(16);
      // Each worker that is replaced is two lines; the queue holds 512.
      agent.awaitStatus(
          "lines dropped",
          s -> {
            agent.signal("HUP");
            return dropped(s) > 10;
          });
      agent.awaitReady(16);
      assertThat(Load.get(agent.port(), "/pid")).startsWith("pid ");
      agent.signal("TERM");
      // A second for the log's last try, which is in vain, and the stop itself.
      assertThat(agent.exitCode(Duration.ofSeconds(5))).isZero();
    }
  }

  private static int dropped(Json status) {
    return status.object("counters").integer("logLinesDropped");
  }
}
