package io.refork.agent.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StateDirectoryTest {
  @TempDir Path temp;

  /** Holds the directory in a JVM of its own until it is killed. */
  public static final class Holder {
    public static void main(String[] args) throws Exception {
      try (var state = StateDirectory.open(Path.of(args[0]))) {
        System.out.println("locked " + state.takenOver());
        Thread.sleep(Long.MAX_VALUE);
      }
    }
  }

  private static Process holder(Path directory) throws Exception {
    var process =
        new ProcessBuilder(
                System.getProperty("java.home") + "/bin/java",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Holder.class.getName(),
                directory.toString())
            .redirectError(new File("/dev/null"))
            .start();
    assertThat(process.inputReader().readLine()).startsWith("locked ");
    return process;
  }

  @Test
  @DisplayName("it is created private, with its parents, and is the same for who asks about it")
  void creates() throws Exception {
    var wanted = temp.resolve("a/b/state");
    assertThat(StateDirectory.locate(wanted)).isEqualTo(wanted);
    try (var state = StateDirectory.open(wanted)) {
      assertThat(state.path()).isEqualTo(wanted).isEqualTo(StateDirectory.locate(wanted));
      assertThat(mode(wanted)).isEqualTo("rwx------");
      assertThat(state.takenOver()).isFalse();
      assertThat(state.resolve("agent.sock")).isEqualTo(wanted.resolve("agent.sock"));
    }
  }

  @Test
  @DisplayName(
      "a directory that others may enter, a volume's root or the user's own, is left as it is; we use a private one in it")
  void keepsSharedDirectories() throws Exception {
    Files.setPosixFilePermissions(temp, PosixFilePermissions.fromString("rwxrwxrwx"));
    try (var state = StateDirectory.open(temp)) {
      assertThat(state.path())
          .isEqualTo(temp.resolve("refork"))
          .isEqualTo(StateDirectory.locate(temp));
      assertThat(mode(state.path())).isEqualTo("rwx------");
      assertThat(mode(temp)).isEqualTo("rwxrwxrwx");
    }
  }

  @Test
  @DisplayName(
      "PID-17 a living agent's directory is refused; one that a dead agent left is taken over")
  void locks() throws Exception {
    var directory = temp.resolve("state");
    var living = holder(directory);
    try {
      assertThatThrownBy(() -> StateDirectory.open(directory))
          .isInstanceOf(KernelException.class)
          .hasMessageContaining(
              "in use by another agent that is alive (it calls itself pid " + living.pid() + ")")
          .hasMessageContaining("--state-dir");
    } finally {
      living.destroyForcibly();
      assertThat(living.waitFor(10, TimeUnit.SECONDS)).isTrue();
    }
    try (var state = StateDirectory.open(directory)) {
      assertThat(state.takenOver()).isTrue();
      assertThatThrownBy(() -> StateDirectory.open(directory)).hasMessageContaining("alive");
    }
  }

  @Test
  @DisplayName(
      "PID-17 the lock decides, not a pid: a dead agent's pid that lives again means nothing")
  void ignoresPids() throws Exception {
    var directory = temp.resolve("state");
    StateDirectory.open(directory).close();
    Files.writeString(directory.resolve("lock"), "1\n");
    try (var state = StateDirectory.open(directory)) {
      assertThat(state.takenOver()).isTrue();
    }
    try (var state = StateDirectory.open(directory)) {
      assertThat(state.takenOver()).as("left cleanly").isFalse();
    }
  }

  @Test
  @DisplayName(
      "another user's directory, a link, a file and a read-only place are refused, each with its sentence")
  void refuses() throws Exception {
    var file = Files.writeString(temp.resolve("file"), "");
    assertThatThrownBy(() -> StateDirectory.open(file.resolve("state")))
        .hasMessageContaining("cannot use the state directory")
        .hasMessageContaining("--state-dir");
    assertThatThrownBy(() -> StateDirectory.open(file)).hasMessageContaining("Not a directory");
    var shared = Files.createDirectory(temp.resolve("shared"));
    Files.setPosixFilePermissions(shared, PosixFilePermissions.fromString("rwxrwxrwx"));
    var elsewhere = Files.createDirectory(temp.resolve("elsewhere"));
    Files.createSymbolicLink(shared.resolve("refork"), elsewhere);
    assertThatThrownBy(() -> StateDirectory.open(shared)).hasMessageContaining("symbolic link");
    Files.delete(shared.resolve("refork"));
    assumeTrue(Native.get().c.getuid() == 0, "giving a directory away needs root");
    Files.setAttribute(Files.createDirectory(shared.resolve("refork")), "unix:uid", 12345);
    assertThatThrownBy(() -> StateDirectory.open(shared))
        .hasMessageContaining("belongs to the user 12345");
    assertThatThrownBy(() -> StateDirectory.open(Path.of("/proc/refork")))
        .hasMessageContaining("cannot use the state directory /proc/refork: ");
  }

  private static String mode(Path path) throws Exception {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }
}
