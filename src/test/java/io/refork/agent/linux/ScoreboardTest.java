package io.refork.agent.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.refork.agent.linux.Scoreboard.Row;
import io.refork.agent.linux.Scoreboard.State;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ScoreboardTest {
  @TempDir Path directory;

  /** A row as docs/protocol.md has it, written as another process would. */
  private static void write(Scoreboard board, int row, int pid, int state) throws IOException {
    var bytes = ByteBuffer.allocate(Scoreboard.ROW).order(ByteOrder.LITTLE_ENDIAN);
    bytes.put(0, (byte) 1).put(1, (byte) state);
    bytes.putInt(4, 3).putInt(8, pid).putInt(12, 2);
    bytes.putLong(16, 1_000).putLong(24, 2_000).putLong(32, 500).putLong(40, 4);
    try (var channel = FileChannel.open(board.file(), StandardOpenOption.WRITE)) {
      channel.write(bytes, (long) row * Scoreboard.ROW);
    }
  }

  @Test
  @DisplayName(
      "a row says what its process wrote, as soon as that has written and no longer than it is leased")
  void reads() throws Exception {
    try (var board = Scoreboard.create(directory.resolve("board"), 4)) {
      assertThat(Files.size(board.file())).isEqualTo(4 * 64);
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(board.file())))
          .isEqualTo("rw-------");
      assertThat(board.lease(11)).hasValue(0);
      assertThat(board.lease(12)).hasValue(1);
      assertThat(board.rows()).as("nothing written yet").isEmpty();
      write(board, 1, 12, 2);
      var expected = new Row(1, 12, 3, State.ACCEPTING, 2, 1_000, 2_000, 500, 4);
      assertThat(board.rows()).containsExactly(expected);
      assertThat(board.read(1)).contains(expected);
      assertThat(board.read(0)).isEmpty();
      board.release(1);
      assertThat(board.read(1)).isEmpty();
      assertThat(board.rows()).isEmpty();
    }
    assertThat(directory.resolve("board")).doesNotExist();
  }

  @Test
  @DisplayName("a row is zeroed before it is leased again; none is left when all are leased")
  void leases() throws Exception {
    try (var board = Scoreboard.create(directory.resolve("board"), 2)) {
      board.lease(11);
      write(board, 0, 11, 2);
      board.release(0);
      assertThat(board.lease(11)).hasValue(0);
      assertThat(board.read(0)).as("its predecessor's words are gone").isEmpty();
      assertThat(board.lease(12)).hasValue(1);
      assertThat(board.lease(13)).isEqualTo(OptionalInt.empty());
      board.release(0);
      write(board, 1, 12, 4);
      assertThat(board.rows()).extracting(Row::state).containsExactly(State.DRAINING);
    }
  }

  @Test
  @DisplayName(
      "what the application writes is not trusted: another pid, an unknown state, negative numbers, a cut file")
  void distrusts() throws Exception {
    try (var board = Scoreboard.create(directory.resolve("board"), 128)) {
      for (var pid = 1; pid <= 128; pid++) {
        board.lease(pid);
      }
      write(board, 0, 99, 2);
      write(board, 1, 2, 77);
      write(board, 2, 3, 1);
      try (var channel = FileChannel.open(board.file(), StandardOpenOption.WRITE)) {
        channel.write(ByteBuffer.allocate(8).putLong(0, -1), 2 * 64 + 32);
      }
      assertThat(board.rows())
          .extracting(Row::row, Row::served)
          .containsExactly(org.assertj.core.groups.Tuple.tuple(2, 0L));
      try (var channel = FileChannel.open(board.file(), StandardOpenOption.WRITE)) {
        channel.truncate(0);
      }
      assertThat(board.rows()).isEmpty();
      board.release(127);
      assertThat(board.lease(500)).hasValue(127);
      assertThat(board.read(127)).isEmpty();
    }
  }

  @Test
  @DisplayName("PID-17 what a dead agent left in its place is replaced")
  void replaces() throws Exception {
    var file = Files.writeString(directory.resolve("board"), "old");
    try (var board = Scoreboard.create(file, 1)) {
      assertThat(Files.size(file)).isEqualTo(64);
    }
  }

  @Test
  @DisplayName("a full disk is a sentence, and not a SIGBUS later")
  void fullDisk() throws Exception {
    var mount = Files.createDirectory(directory.resolve("full"));
    assumeTrue(
        run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", mount.toString()),
        "mounting needs root");
    try {
      try (var filler =
          FileChannel.open(
              mount.resolve("filler"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
        assertThatThrownBy(
                () -> {
                  while (true) filler.write(ByteBuffer.allocate(4096));
                })
            .isInstanceOf(IOException.class);
      }
      assertThatThrownBy(() -> Scoreboard.create(mount.resolve("board"), 64))
          .isInstanceOf(KernelException.class)
          .hasMessage(
              "cannot create the scoreboard "
                  + mount.resolve("board")
                  + ": No space left on device; make room there or choose another --state-dir");
      assertThatThrownBy(() -> StateDirectory.open(mount.resolve("state")))
          .isInstanceOf(KernelException.class)
          .hasMessageContaining(
              "cannot use the state directory "
                  + mount.resolve("state")
                  + ": No space left on device");
    } finally {
      assertThat(run("umount", mount.toString())).isTrue();
    }
  }

  @Test
  @DisplayName("its place is tmpfs: the state directory's, else /dev/shm, else a warning")
  void chooses() throws Exception {
    var shm = Path.of("/dev/shm");
    assumeTrue(Files.isWritable(shm), "/dev/shm is not writable");
    var onTmpfs = Files.createTempDirectory(shm, "refork-test");
    try {
      assertThat(ScoreboardPlace.choose(onTmpfs).file()).isEqualTo(onTmpfs.resolve("scoreboard"));
    } finally {
      Files.delete(onTmpfs);
    }
    var onDisk = Files.createDirectory(Path.of("target").resolve("place-" + System.nanoTime()));
    assumeTrue(!Files.getFileStore(onDisk).type().equals("tmpfs"), "the build lies on tmpfs");
    var inShm = ScoreboardPlace.choose(onDisk);
    assertThat(inShm.file()).hasParentRaw(shm);
    assertThat(inShm.warning()).isEmpty();
    assertThat(ScoreboardPlace.choose(onDisk)).as("the same after a restart").isEqualTo(inShm);
    var poor = ScoreboardPlace.choose(onDisk, onDisk.resolve("no-shm"));
    assertThat(poor.file()).isEqualTo(onDisk.resolve("scoreboard"));
    assertThat(poor.warning().orElseThrow()).contains("is on a disk", "medium: Memory");
    Files.delete(onDisk);
  }

  private static boolean run(String... command) throws Exception {
    var process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(new File("/dev/null"))
            .start();
    return process.waitFor(10, TimeUnit.SECONDS) && process.exitValue() == 0;
  }
}
