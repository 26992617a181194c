package io.refork.agent.linux;

import io.refork.protocol.Escape;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/**
 * Who listens on a port, as far as /proc lets us see: processes of other users and namespaces keep
 * it to themselves.
 */
public final class PortHolder {
  /** The column of a socket's state, and the state of one that listens. */
  private static final int STATE = 3;

  private static final String LISTEN = "0A";
  private final String root;
  private final ProcFs proc;

  /** {@code root} is {@code /proc}, or a directory of files in a test. */
  PortHolder(String root) {
    this.root = root;
    proc = new ProcFs(root);
  }

  /** For example {@code pid 123 (gunicorn)}. Slow; for errors only. */
  public static Optional<String> of(int port) {
    return new PortHolder("/proc").find(port);
  }

  Optional<String> find(int port) {
    var sockets = new HashSet<String>();
    inodes("net/tcp", port, sockets);
    inodes("net/tcp6", port, sockets);
    var pids = sockets.isEmpty() ? null : new File(root).list();
    if (pids == null) {
      return Optional.empty();
    }
    for (var pid : pids) {
      if (Character.isDigit(pid.charAt(0)) && holds(pid, sockets)) {
        return Optional.of("pid " + pid + command(pid));
      }
    }
    return Optional.empty();
  }

  /**
   * Rows look like {@code sl local_address rem_address st … inode}; the local port is hexadecimal.
   */
  private void inodes(String file, int port, Set<String> found) {
    var end = ":%04X".formatted(port);
    NetTable.rows(
        Path.of(root, file),
        STATE,
        LISTEN,
        words -> {
          if (words.length > 9 && words[1].endsWith(end)) {
            found.add("socket:[" + words[9] + "]");
          }
        });
  }

  private boolean holds(String pid, Set<String> sockets) {
    var directory = root + "/" + pid + "/fd";
    var descriptors = new File(directory).list();
    if (descriptors == null) {
      return false;
    }
    for (var descriptor : descriptors) {
      try {
        if (sockets.contains(Files.readSymbolicLink(Path.of(directory, descriptor)).toString())) {
          return true;
        }
      } catch (IOException closedMeanwhile) {
        continue;
      }
    }
    return false;
  }

  /** The name only: a command line may hold passwords, and this goes into a log. */
  private String command(String pid) {
    return proc.process(Integer.parseInt(pid))
        .map(process -> " (" + Escape.plain(process.comm(), 20) + ")")
        .orElse("");
  }
}
