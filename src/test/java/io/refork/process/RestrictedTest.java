package io.refork.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The rights that a pod has under the restricted standard. */
@EnabledIf(value = "io.refork.process.Users#root", disabledReason = "needs root, to give rights up")
class RestrictedTest {
  @ParameterizedTest(
      name = "PID-16 read-only root, another uid, no capabilities: a refork; PID 1: {0}")
  @ValueSource(booleans = {false, true})
  void everythingWorks(boolean asInit) throws Exception {
    var stateDir = Users.directory();
    try (var agent =
        AgentProcess.of(Users.python(), Apps.path("loop_app.py"))
            .inside(restricted(stateDir))
            .stateDir(stateDir)
            .asInit(asInit)
            .options("--workers", "2", "--canary-soak", "200ms", "--refork-min-interval", "0s")
            .start()) {
      agent.awaitReady(2);
      int pid = agent.pid();
      assertThat(Proc.file(pid, "status").orElseThrow())
          .contains("CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1");
      Load.get(agent.port(), "/pid");
      agent.signal("USR2");
      agent.awaitGeneration(2, 1);
      agent.awaitStatus(
          "memory known",
          s ->
              s.list("workers").stream().noneMatch(w -> w.object("memory").isNull("privateBytes")));
      assertThat(Load.get(agent.port(), "/pid")).contains("generation 1");
      assertThat(agent.stop()).isZero();
      assertThat(agent.log()).doesNotContain("Exception");
    }
  }

  @Test
  @DisplayName("PID-16 memory that cannot be read is unknown, with the reason; all else works")
  void unreadable() throws Exception {
    var undumpable =
        "import ctypes, sys; sys.argv = sys.argv[1:]; ctypes.CDLL(None).prctl(4, 0);"
            + " import runpy; runpy.run_path(sys.argv[0], run_name='__main__')";
    var stateDir = Users.directory();
    try (var agent =
        AgentProcess.of(Users.python(), "-c", undumpable, Apps.path("loop_app.py"))
            .env("PYTHONPATH", Apps.directory())
            .inside(Users.as())
            .stateDir(stateDir)
            .options("--workers", "2", "--canary-soak", "200ms", "--refork-min-interval", "0s")
            .start()) {
      agent.awaitReady(2);
      Load.get(agent.port(), "/pid");
      agent.signal("USR2");
      agent.awaitGeneration(2, 1);
      var status =
          agent.awaitStatus(
              "unknown, with a reason",
              s ->
                  s.list("workers").stream()
                      .map(w -> w.object("memory"))
                      .allMatch(
                          m ->
                              m.isNull("privateBytes")
                                  && m.text("privateBytesReason").equals("not-readable")));
      assertThat(status.object("memory").isNull("sharedRatio")).isTrue();
      assertThat(agent.stop()).isZero();
    }
  }

  /** A mount namespace whose root is read-only but for the state directory. */
  private static String[] restricted(Path stateDir) {
    var words =
        new ArrayList<>(
            List.of(
                "unshare",
                "--mount",
                "sh",
                "-c",
                "mount --bind %1$s %1$s && mount -o remount,bind,ro / && ! touch /tmp/x 2>/dev/null"
                        .formatted(stateDir)
                    + " && exec \"$@\"",
                "sh"));
    words.addAll(List.of(Users.as()));
    return words.toArray(String[]::new);
  }
}
