package io.refork.demo;

import io.refork.bench.MemoryPlot.Point;
import java.util.List;

/** A line of blocks for a terminal, from 0 to the largest value. */
final class Sparkline {
  private static final String BLOCKS = "▁▂▃▄▅▆▇█";
  private static final int WIDTH = 50;

  private Sparkline() {}

  static String of(List<Point> points) {
    double most = points.stream().mapToDouble(Point::value).max().orElse(1);
    var out = new StringBuilder();
    for (int i = 0; i < Math.min(WIDTH, points.size()); i++) {
      double value = points.get(i * points.size() / Math.min(WIDTH, points.size())).value();
      out.append(BLOCKS.charAt((int) Math.min(7, 8 * value / most)));
    }
    return out.toString();
  }
}
