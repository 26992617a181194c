package io.refork.process;

import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/** A user who owns nothing else on this machine, for tests that root starts. */
final class Users {
  /** Another one in each run, so that what an earlier run has left does not count. */
  private static final int UID = ThreadLocalRandom.current().nextInt(200_000, 2_000_000);

  private Users() {}

  static boolean root() {
    return System.getProperty("user.name").equals("root");
  }

  /** A Python that this user may run; the test is skipped where there is none, or no agent. */
  static String python() throws IOException, InterruptedException {
    assumeTrue(
        may(AgentProcess.HOME.resolve("bin/refork").toString(), "--version"),
        "another user cannot reach target/agent");
    for (var python : List.of(Apps.PYTHON, "/usr/bin/python3")) {
      if (may(python, Apps.path("processes.py"))) {
        return python;
      }
    }
    return abort("another user can run no Python");
  }

  private static boolean may(String... command) throws IOException, InterruptedException {
    var words = new ArrayList<>(List.of(as()));
    words.add("env"); // setpriv itself has all rights until it execs
    words.addAll(List.of(command));
    return new ProcessBuilder(words)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start()
            .waitFor()
        == 0;
  }

  /** Goes in front of a command; it keeps no capability and can get none. */
  static String[] as() {
    return new String[] {
      "setpriv",
      "--reuid=" + UID,
      "--regid=" + UID,
      "--clear-groups",
      "--bounding-set=-all",
      "--inh-caps=-all",
      "--no-new-privs"
    };
  }

  /** A new directory that is this user's. */
  static Path directory() throws IOException {
    var path = Files.createTempDirectory("refork-user");
    Files.setAttribute(path, "unix:uid", UID);
    Files.setAttribute(path, "unix:gid", UID);
    return path;
  }
}
