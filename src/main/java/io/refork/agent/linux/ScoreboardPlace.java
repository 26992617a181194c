package io.refork.agent.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Where the scoreboard lies: on tmpfs, because a page of a file on a disk is written back, and the
 * worker that touches it at that moment waits.
 *
 * @param file the scoreboard's path
 * @param warning for the log, when it is not on tmpfs
 */
public record ScoreboardPlace(Path file, Optional<String> warning) {
  private static final long TMPFS_MAGIC = 0x01021994L;
  private static final long RAMFS_MAGIC = 0x858458f6L;
  private static final int STATFS = 256;

  /**
   * The state directory if it is on tmpfs, else /dev/shm, else the state directory with a warning.
   */
  public static ScoreboardPlace choose(Path stateDirectory) {
    return choose(stateDirectory, Path.of("/dev/shm"));
  }

  static ScoreboardPlace choose(Path stateDirectory, Path sharedMemory) {
    var inState = stateDirectory.resolve("scoreboard");
    if (onTmpfs(stateDirectory)) {
      return new ScoreboardPlace(inState, Optional.empty());
    }
    var shared = sharedMemory.resolve(nameFor(stateDirectory));
    if (onTmpfs(sharedMemory) && Files.isWritable(sharedMemory) && removable(shared)) {
      return new ScoreboardPlace(shared, Optional.empty());
    }
    return new ScoreboardPlace(
        inState,
        Optional.of(
            "the scoreboard %s is on a disk, where workers may wait for it: give --state-dir a tmpfs (an emptyDir with medium: Memory)"
                .formatted(inState)));
  }

  /**
   * One name per state directory, because the containers of a pod share /dev/shm and each has a pid
   * 1. The directory's lock makes the name ours, so what a dead agent left there is replaced and
   * nothing piles up.
   */
  private static String nameFor(Path stateDirectory) {
    try {
      var attributes = Files.readAttributes(stateDirectory, "unix:dev,ino");
      return "refork-%x-%x".formatted((Long) attributes.get("dev"), (Long) attributes.get("ino"));
    } catch (IOException | UnsupportedOperationException e) {
      return "refork-" + Integer.toHexString(stateDirectory.toAbsolutePath().hashCode());
    }
  }

  /**
   * /dev/shm is everybody's: a file that another user put there under our name cannot be removed
   * and is not used.
   */
  private static boolean removable(Path file) {
    try {
      Files.deleteIfExists(file);
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private static boolean onTmpfs(Path directory) {
    var os = Native.get();
    var result = Native.allocate(STATFS);
    if (os.c.statfs(directory.toString(), result) < 0) {
      return false;
    }
    var type = result.getLong(0);
    return type == TMPFS_MAGIC || type == RAMFS_MAGIC;
  }
}
