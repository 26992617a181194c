package io.refork.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** Numbers side by side for a terminal: a name to the left, cells to the right. */
public final class Table {
  private final List<List<String>> rows = new ArrayList<>();

  /** With these columns; the first one is that of the names. */
  public Table(String... columns) {
    rows.add(List.of(columns));
  }

  /** Another row; {@code cells} in the order of the columns. */
  public Table row(String name, Stream<String> cells) {
    rows.add(Stream.concat(Stream.of(name), cells).toList());
    return this;
  }

  /** The columns of {@link #traffic}. */
  public static List<String> trafficColumns() {
    return List.of("requests", "failures", "p50 ms", "p99 ms");
  }

  /** What was seen of the traffic, as cells. */
  public static Stream<String> traffic(Replies.Summary seen) {
    return Stream.of(
        "" + seen.requests(),
        "" + seen.failures(),
        String.format(Locale.ROOT, "%.1f", seen.p50Millis()),
        String.format(Locale.ROOT, "%.1f", seen.p99Millis()));
  }

  /** Bytes as whole MiB, for columns that say so. */
  public static String mebibytes(double bytes) {
    return Double.isNaN(bytes) ? "unknown" : "" + Math.round(bytes / (1 << 20));
  }

  /** A share from 0 to 1 as a whole percentage. */
  public static String percent(double share) {
    return Double.isNaN(share) ? "unknown" : Math.round(share * 100) + " %";
  }

  @Override
  public String toString() {
    var out = new StringBuilder();
    for (var row : rows) {
      for (int i = 0; i < row.size(); i++) {
        var cell = row.get(i);
        var gap = " ".repeat(width(i) - cell.length());
        out.append(i == 0 ? cell + gap : "   " + gap + cell);
      }
      out.append('\n');
    }
    return out.toString();
  }

  private int width(int column) {
    return rows.stream()
        .mapToInt(r -> column < r.size() ? r.get(column).length() : 0)
        .max()
        .orElse(0);
  }
}
