package io.refork.agent.cli;

import io.refork.agent.log.Escape;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/**
 * What processes hold open, as /proc tells it. What has gone meanwhile or is not ours to see is
 * left out, and remembered.
 */
final class OpenDescriptors {
  /** O_WRONLY or O_RDWR of {@code fdinfo}'s octal flags. */
  private static final int WRITES = 03;

  /** Appending is safe to share: that is how logs are written. */
  private static final int APPENDS = 02000;

  private final String root;
  private final TreeSet<Integer> unreadable = new TreeSet<>();

  /**
   * inode → what it is connected to; filled for each process, because each may have a network
   * namespace of its own.
   */
  private final Map<String, String> peers = new HashMap<>();

  OpenDescriptors(String root) {
    this.root = root;
  }

  /** Pids whose descriptors could not be read. */
  TreeSet<Integer> unreadable() {
    return unreadable;
  }

  /** Whether it is an agent of ours; anybody may read a command line. */
  boolean isAgent(int pid) {
    var line = text(Path.of(root, String.valueOf(pid), "cmdline")).orElse("");
    return line.contains("/lib/refork.jar\0") || line.contains("io.refork.agent.Main\0");
  }

  /** Names of the threads, the main one first. */
  List<String> threads(int pid) {
    var names = new ArrayList<String>();
    for (var task : list(pid, "task")) {
      text(task.resolve("comm")).ifPresent(name -> names.add(name.strip()));
    }
    return names;
  }

  /** Connected sockets beyond standard input, output and error, as {@code socket:[inode]}. */
  List<String> connections(int pid) {
    readPeers(pid);
    var sockets = new ArrayList<String>();
    for (var fd : beyondStandard(pid)) {
      target(fd).filter(peers::containsKey).ifPresent(sockets::add);
    }
    return sockets;
  }

  /** What a socket of {@link #connections} is connected to. */
  String peer(String socket) {
    return peers.getOrDefault(socket, "a socket");
  }

  /** Regular files open for writing, but not for appending. */
  List<String> writtenFiles(int pid) {
    var files = new ArrayList<String>();
    for (var fd : beyondStandard(pid)) {
      var target = target(fd).filter(path -> path.startsWith("/") && !path.startsWith("/dev/"));
      if (target.isPresent() && !target.get().startsWith("/memfd:") && isWritten(pid, fd)) {
        files.add(target.get());
      }
    }
    return files;
  }

  private boolean isWritten(int pid, Path fd) {
    var info =
        text(Path.of(root, String.valueOf(pid), "fdinfo", fd.getFileName().toString())).orElse("");
    for (var line : info.split("\n")) {
      if (line.startsWith("flags:")) {
        int flags = Integer.parseInt(line.substring(6).strip(), 8);
        return (flags & WRITES) != 0 && (flags & APPENDS) == 0;
      }
    }
    return false;
  }

  private List<Path> beyondStandard(int pid) {
    return list(pid, "fd").stream()
        .filter(
            fd ->
                fd.getFileName().toString().length() > 1
                    || fd.getFileName().toString().charAt(0) > '2')
        .toList();
  }

  private List<Path> list(int pid, String what) {
    var entries = new ArrayList<Path>();
    try (var stream = Files.newDirectoryStream(Path.of(root, String.valueOf(pid), what))) {
      stream.forEach(entries::add);
    } catch (IOException | DirectoryIteratorException e) {
      unreadable.add(pid);
    }
    entries.sort((a, b) -> Long.compare(number(a), number(b)));
    return entries;
  }

  private static long number(Path path) {
    return Long.parseLong(path.getFileName().toString());
  }

  private static Optional<String> target(Path fd) {
    try {
      return Optional.of(Files.readSymbolicLink(fd).toString());
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** TCP rows in state ESTABLISHED (01), and connected Unix streams (state 03). */
  private void readPeers(int pid) {
    for (var table : List.of("tcp", "tcp6")) {
      for (var row : rows(pid, table)) {
        if (row.length > 9 && row[3].equals("01")) {
          peers.put("socket:[" + row[9] + "]", "the connection to " + address(row[2]));
        }
      }
    }
    for (var row : rows(pid, "unix")) {
      if (row.length > 6 && row[5].equals("03")) {
        var path = row.length > 7 ? " " + Escape.plain(row[7], 120) : "";
        peers.put(
            "socket:[" + row[6] + "]",
            "a connected Unix socket" + path + " (inode " + row[6] + ")");
      }
    }
  }

  private List<String[]> rows(int pid, String table) {
    return text(Path.of(root, String.valueOf(pid), "net", table))
        .orElse("")
        .lines()
        .skip(1)
        .map(line -> line.strip().split("\\s+"))
        .toList();
  }

  /**
   * {@code 0100007F:1538} → {@code 127.0.0.1:5432}: the address is four-byte words in the machine's
   * order.
   */
  static String address(String hex) {
    int colon = hex.indexOf(':');
    try {
      var words = HexFormat.of().parseHex(hex.substring(0, colon));
      for (int i = 0; i + 3 < words.length; i += 4) {
        swap(words, i, i + 3);
        swap(words, i + 1, i + 2);
      }
      var host = java.net.InetAddress.getByAddress(words).getHostAddress();
      int port = Integer.parseInt(hex.substring(colon + 1), 16);
      return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
    } catch (IllegalArgumentException
        | java.net.UnknownHostException
        | IndexOutOfBoundsException e) {
      return hex;
    }
  }

  private static void swap(byte[] bytes, int a, int b) {
    byte kept = bytes[a];
    bytes[a] = bytes[b];
    bytes[b] = kept;
  }

  private static Optional<String> text(Path file) {
    try {
      return Optional.of(Files.readString(file, StandardCharsets.ISO_8859_1));
    } catch (IOException e) {
      return Optional.empty();
    }
  }
}
