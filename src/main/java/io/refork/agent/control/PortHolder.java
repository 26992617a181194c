package io.refork.agent.control;

import io.refork.agent.log.Escape;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * Finds who listens on a TCP port, for the message that says that the port is taken. Reads /proc;
 * slow, for errors only.
 */
public final class PortHolder {
  private PortHolder() {}

  /**
   * {@code pid 123 (nginx)}; empty when nobody listens there or the holder belongs to somebody
   * else.
   */
  public static Optional<String> of(int port) {
    var inodes = new HashSet<String>();
    for (var table : List.of("/proc/net/tcp", "/proc/net/tcp6")) {
      try {
        listening(Files.readAllLines(Path.of(table)), port, inodes);
      } catch (IOException e) {
        // no IPv6, or no /proc: the message does without
      }
    }
    return inodes.isEmpty() ? Optional.empty() : process(inodes);
  }

  /** Adds the inodes of the rows in state LISTEN (0A) whose local port it is. */
  static void listening(List<String> rows, int port, Set<String> inodes) {
    var suffix = String.format(Locale.ROOT, ":%04X", port);
    for (var row : rows) {
      var columns = row.strip().split("\\s+");
      if (columns.length > 9 && columns[1].endsWith(suffix) && columns[3].equals("0A")) {
        inodes.add("socket:[" + columns[9] + "]");
      }
    }
  }

  private static Optional<String> process(Set<String> sockets) {
    try (var processes = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
      for (var process : processes) {
        if (holds(process, sockets)) {
          var comm = Files.readString(process.resolve("comm")).strip();
          return Optional.of(
              "pid " + process.getFileName() + " (" + Escape.plain(comm, Escape.MAX) + ")");
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      // it ended meanwhile
    }
    return Optional.empty();
  }

  private static boolean holds(Path process, Set<String> sockets) {
    try (var descriptors = Files.newDirectoryStream(process.resolve("fd"))) {
      for (var descriptor : descriptors) {
        if (sockets.contains(Files.readSymbolicLink(descriptor).toString())) {
          return true;
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      // not ours to look into, or gone
    }
    return false;
  }
}
