package io.refork.agent.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;

/**
 * The state directory of a trial's agent. A check that is killed, or interrupted by Ctrl-C, leaves
 * its own behind: the next check removes it.
 */
final class TrialDirectory {
  private static final String PREFIX = "refork-check";

  /** As the agent names it: held as long as it lives. */
  private static final String LOCK = "lock";

  /** No check lasts as long, so that a younger one may be another check that just begins. */
  private static final Duration OLD = Duration.ofMinutes(10);

  private TrialDirectory() {}

  /** A new one below {@code parent}, for us alone. Removes those that dead checks have left. */
  static Path create(Path parent) throws IOException {
    var directory =
        Files.createTempDirectory(
            parent,
            PREFIX,
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    var oldest = Instant.now().minus(OLD);
    try (var others = Files.newDirectoryStream(parent, PREFIX + "*")) {
      for (var other : others) {
        if (isLeft(other, owner(directory), oldest)) {
          remove(other);
        }
      }
    } catch (IOException | UncheckedIOException e) {
      // rubbish stays; the check itself can go on
    }
    return directory;
  }

  private static boolean isLeft(Path directory, Object owner, Instant oldest) {
    try {
      return Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)
          && owner(directory).equals(owner)
          && Files.getLastModifiedTime(directory, LinkOption.NOFOLLOW_LINKS)
              .toInstant()
              .isBefore(oldest)
          && !isHeld(directory.resolve(LOCK));
    } catch (IOException e) {
      return false;
    }
  }

  private static Object owner(Path path) throws IOException {
    return Files.getAttribute(path, "unix:uid", LinkOption.NOFOLLOW_LINKS);
  }

  private static boolean isHeld(Path file) throws IOException {
    try (var channel = FileChannel.open(file, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
        var lock = channel.tryLock()) {
      return lock == null;
    } catch (NoSuchFileException e) {
      return false;
    } catch (OverlappingFileLockException e) {
      return true;
    }
  }

  /** As much as can be removed of it; links are not followed. */
  static void remove(Path directory) {
    try (var files = Files.walk(directory)) {
      for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException | UncheckedIOException e) {
      // what is left lies in the temporary directory
    }
  }
}
