package io.refork.agent.linux;

import io.refork.agent.linux.Kernel.ProcessInfo;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * /proc, scanned as bytes by hand: {@code split} and regular expressions cost six times as much in
 * an interpreted JVM. The root is injected, so that tests can use a directory of files. Not safe
 * for several threads: one each.
 */
public final class ProcFs {
  private final String root;
  private byte[] buffer = new byte[4096];

  public ProcFs(String root) {
    this.root = root;
  }

  /** pid → what {@code stat} says, of every process that could be read. */
  public Map<Integer, ProcessInfo> processes() {
    var found = new HashMap<Integer, ProcessInfo>();
    var names = new File(root).list();
    if (names == null) {
      return found;
    }
    for (var name : names) {
      var first = name.charAt(0);
      if (first >= '1' && first <= '9') {
        stat(name).ifPresent(process -> found.put(process.pid(), process));
      }
    }
    return found;
  }

  /** One process, or empty when it is gone. */
  public Optional<ProcessInfo> process(int pid) {
    return stat(Integer.toString(pid));
  }

  private Optional<ProcessInfo> stat(String pid) {
    var length = read(pid + "/stat");
    return length < 0 ? Optional.empty() : parseStat(buffer, length);
  }

  /**
   * {@code pid (comm) state ppid … starttime}: comm may hold spaces and brackets, so it ends at the
   * last bracket.
   */
  static Optional<ProcessInfo> parseStat(byte[] line, int length) {
    var open = 0;
    while (open < length && line[open] != '(') {
      open++;
    }
    var close = length - 1;
    while (close > open && line[close] != ')') {
      close--;
    }
    if (close <= open || close + 2 >= length) {
      return Optional.empty();
    }
    var state = (char) line[close + 2];
    var parent = Bytes.number(line, close + 4, length);
    var at = close + 4;
    // From ppid, the 4th field, to starttime, the 22nd.
    for (var field = 4; field < 22 && at < length; at++) {
      if (line[at] == ' ') {
        field++;
      }
    }
    return Optional.of(
        new ProcessInfo(
            (int) Bytes.number(line, 0, length),
            (int) parent,
            OsText.decode(line, open + 1, close - open - 1),
            state,
            Bytes.number(line, at, length)));
  }

  /** The bytes of a file below the root, or empty when it cannot be read. */
  public Optional<byte[]> bytes(String path) {
    var length = read(path);
    return length < 0 ? Optional.empty() : Optional.of(Arrays.copyOf(buffer, length));
  }

  private int read(String path) {
    try (var in = new FileInputStream(root + "/" + path)) {
      var length = 0;
      while (true) {
        var count = in.read(buffer, length, buffer.length - length);
        if (count <= 0) {
          return length;
        }
        length += count;
        if (length == buffer.length) {
          buffer = Arrays.copyOf(buffer, 2 * length);
        }
      }
    } catch (IOException gone) {
      return -1;
    }
  }
}
