package io.refork.agent.linux;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;

/**
 * A table of sockets: {@code net/tcp}, {@code net/tcp6} or {@code net/unix} of /proc. Read row by
 * row: after much traffic it has 100,000 of them, for connections that are long over, and the
 * agent's heap is small.
 */
public final class NetTable {
  private NetTable() {}

  /**
   * Hands over the words of every row whose word {@code column} (from 0) is {@code value}. A table
   * that is not there has no rows.
   */
  public static void rows(Path table, int column, String value, Consumer<String[]> row) {
    var wanted = value.getBytes(StandardCharsets.ISO_8859_1);
    try (var in = Files.newInputStream(table)) {
      read(in, column, wanted, row);
    } catch (IOException e) {
      // the process is gone, or this kernel has no such table
    }
  }

  private static void read(InputStream in, int column, byte[] wanted, Consumer<String[]> row)
      throws IOException {
    var buffer = new byte[1 << 16];
    int filled = 0;
    for (int n = in.read(buffer); n >= 0; n = in.read(buffer, filled, buffer.length - filled)) {
      filled += n;
      int start = 0;
      for (int i = filled - n; i < filled; i++) {
        if (buffer[i] == '\n') {
          line(buffer, start, i, column, wanted, row);
          start = i + 1;
        }
      }
      if (start == 0 && filled == buffer.length) {
        filled = 0; // no row is that long: it is no table
      } else {
        System.arraycopy(buffer, start, buffer, 0, filled - start);
        filled -= start;
      }
    }
    line(buffer, 0, filled, column, wanted, row);
  }

  private static void line(
      byte[] bytes, int from, int to, int column, byte[] wanted, Consumer<String[]> row) {
    int at = from;
    for (int word = 0; at < to; word++) {
      while (at < to && bytes[at] == ' ') {
        at++;
      }
      int start = at;
      while (at < to && bytes[at] != ' ') {
        at++;
      }
      if (word == column) {
        if (java.util.Arrays.equals(bytes, start, at, wanted, 0, wanted.length)) {
          var text = new String(bytes, from, to - from, StandardCharsets.ISO_8859_1);
          row.accept(text.strip().split("\\s+"));
        }
        return;
      }
    }
  }
}
