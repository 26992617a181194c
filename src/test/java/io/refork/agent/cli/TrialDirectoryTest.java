package io.refork.agent.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Directories of earlier checks: which of them go. */
class TrialDirectoryTest {
  private static final FileTime LONG_AGO =
      FileTime.from(Instant.now().minus(Duration.ofMinutes(20)));

  @TempDir private Path parent;

  private Path left(String name) throws IOException {
    var directory = Files.createDirectory(parent.resolve(name));
    Files.createFile(directory.resolve("lock"));
    Files.createFile(directory.resolve("agent.sock"));
    Files.setLastModifiedTime(directory, LONG_AGO);
    return directory;
  }

  @Test
  @DisplayName("what a killed check has left is removed by the next one")
  void dead() throws Exception {
    var dead = left("refork-check1");
    var bare = Files.createDirectory(parent.resolve("refork-check2"));
    Files.setLastModifiedTime(bare, LONG_AGO);
    var own = TrialDirectory.create(parent);
    assertThat(dead).doesNotExist();
    assertThat(bare).doesNotExist();
    assertThat(own).isDirectory();
    TrialDirectory.remove(own);
    assertThat(parent).isEmptyDirectory();
  }

  @Test
  @DisplayName("a directory stays when its agent lives, when it is new, a link or not of a check")
  void stays() throws Exception {
    var living = left("refork-check1");
    var fresh = left("refork-check2");
    Files.setLastModifiedTime(fresh, FileTime.from(Instant.now()));
    var other = left("refork-shop");
    var linked = left("linked");
    var link = Files.createSymbolicLink(parent.resolve("refork-check3"), linked);
    try (var channel = FileChannel.open(living.resolve("lock"), StandardOpenOption.WRITE);
        var lock = channel.lock()) {
      assertThat(lock.isValid()).isTrue();
      TrialDirectory.create(parent);
      assertThat(living.resolve("agent.sock")).exists();
    }
    assertThat(fresh.resolve("agent.sock")).exists();
    assertThat(other.resolve("agent.sock")).exists();
    assertThat(linked.resolve("agent.sock")).exists();
    assertThat(link).isSymbolicLink();
  }
}
