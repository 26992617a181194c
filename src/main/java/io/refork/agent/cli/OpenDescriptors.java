package io.refork.agent.cli;

import io.refork.agent.linux.NetTable;
import io.refork.protocol.Escape;
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
import java.util.Set;
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

  /** Columns of /proc/net's tables, and what they say of a connection. */
  private static final int STATE_OF_TCP = 3;

  private static final String ESTABLISHED = "01";
  private static final int STATE_OF_UNIX = 5;
  private static final String CONNECTED = "03";

  private final String root;
  private final TreeSet<Integer> unreadable = new TreeSet<>();

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

  /** What every descriptor is, standard ones too. */
  List<String> targets(int pid) {
    var found = new ArrayList<String>();
    for (var fd : list(pid, "fd")) {
      target(fd).ifPresent(found::add);
    }
    return found;
  }

  /** Sockets beyond standard input, output and error, as {@code socket:[inode]}. */
  List<String> sockets(int pid) {
    var sockets = new ArrayList<String>();
    for (var fd : beyondStandard(pid)) {
      target(fd).filter(t -> t.startsWith("socket:[")).ifPresent(sockets::add);
    }
    return sockets;
  }

  /** Those of {@code sockets} that are connected, and to what; as the given process sees it. */
  Map<String, String> peers(int pid, Set<String> sockets) {
    var peers = new HashMap<String, String>();
    for (var table : List.of("tcp", "tcp6")) {
      NetTable.rows(
          Path.of(root, String.valueOf(pid), "net", table),
          STATE_OF_TCP,
          ESTABLISHED,
          row -> {
            var socket = row.length > 9 ? "socket:[" + row[9] + "]" : "";
            if (sockets.contains(socket)) {
              peers.put(socket, "the connection to " + address(row[2]));
            }
          });
    }
    NetTable.rows(
        Path.of(root, String.valueOf(pid), "net", "unix"),
        STATE_OF_UNIX,
        CONNECTED,
        row -> {
          var socket = row.length > 6 ? "socket:[" + row[6] + "]" : "";
          if (sockets.contains(socket)) {
            var path = row.length > 7 ? " " + Escape.plain(row[7], 120) : "";
            peers.put(socket, "a connected Unix socket" + path + " (inode " + row[6] + ")");
          }
        });
    return peers;
  }

  /** Processes with the same answer see the same tables; each for itself where that is unknown. */
  String network(int pid) {
    return target(Path.of(root, String.valueOf(pid), "ns", "net")).orElse("of pid " + pid);
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
