package io.refork.bench;

import java.util.List;
import java.util.Locale;

/** Memory over time as SVG: some lines, and events that are marked. */
public final class MemoryPlot {
  private static final int WIDTH = 900;
  private static final int HEIGHT = 380;
  private static final int LEFT = 70;
  private static final int TOP = 50;
  private static final int RIGHT = 20;
  private static final int BOTTOM = 45;

  private MemoryPlot() {}

  /** {@code seconds} since the start, {@code value} in MiB. */
  public record Point(double seconds, double value) {}

  public record Line(String name, String colour, List<Point> points) {}

  public record Mark(double seconds, String text) {}

  public static String svg(String title, List<Line> lines, List<Mark> marks) {
    double maxX =
        lines.stream()
            .flatMap(l -> l.points().stream())
            .mapToDouble(Point::seconds)
            .max()
            .orElse(1);
    double maxY =
        nice(
            lines.stream()
                    .flatMap(l -> l.points().stream())
                    .mapToDouble(Point::value)
                    .max()
                    .orElse(1)
                * 1.05);
    var out = new StringBuilder();
    add(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\">",
        WIDTH,
        HEIGHT);
    add(out, "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>");
    add(
        out,
        "<text x=\"%d\" y=\"20\" font-size=\"15\" font-weight=\"bold\">%s</text>",
        LEFT,
        escaped(title));
    for (int i = 0; i <= 5; i++) {
      double value = maxY * i / 5;
      double y = y(value, maxY);
      add(
          out,
          "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/>",
          LEFT,
          WIDTH - RIGHT,
          y,
          y);
      add(
          out,
          "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.0f MiB</text>",
          LEFT - 6,
          y + 4,
          value);
    }
    int step = Math.max(5, (int) Math.ceil(maxX / 10 / 5) * 5);
    for (int s = 0; s <= maxX; s += step) {
      add(
          out,
          "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%d s</text>",
          x(s, maxX),
          HEIGHT - BOTTOM + 18,
          s);
    }
    for (var mark : marks) {
      double x = x(mark.seconds(), maxX);
      add(
          out,
          "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\" stroke=\"#888\" stroke-dasharray=\"4 3\"/>",
          x,
          x,
          TOP,
          HEIGHT - BOTTOM);
      add(
          out,
          "<text x=\"%.1f\" y=\"%d\" fill=\"#555\">%s</text>",
          x + 4,
          TOP + 12,
          escaped(mark.text()));
    }
    int legend = LEFT;
    for (var line : lines) {
      var points = new StringBuilder();
      line.points()
          .forEach(
              p ->
                  points.append(
                      String.format(
                          Locale.ROOT, "%.1f,%.1f ", x(p.seconds(), maxX), y(p.value(), maxY))));
      add(
          out,
          "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" points=\"%s\"/>",
          line.colour(),
          points);
      add(
          out,
          "<rect x=\"%d\" y=\"%d\" width=\"14\" height=\"4\" fill=\"%s\"/>",
          legend,
          HEIGHT - 14,
          line.colour());
      add(out, "<text x=\"%d\" y=\"%d\">%s</text>", legend + 20, HEIGHT - 8, escaped(line.name()));
      legend += 30 + 7 * line.name().length();
    }
    return out.append("</svg>\n").toString();
  }

  private static void add(StringBuilder out, String format, Object... values) {
    out.append(String.format(Locale.ROOT, format, values)).append('\n');
  }

  private static double x(double seconds, double max) {
    return LEFT + (WIDTH - LEFT - RIGHT) * seconds / max;
  }

  private static double y(double value, double max) {
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / max;
  }

  /** The next number that reads well on an axis. */
  private static double nice(double value) {
    double power = Math.pow(10, Math.floor(Math.log10(Math.max(1, value))));
    for (double factor : new double[] {1, 1.5, 2, 3, 4, 5, 6, 8, 10}) {
      if (factor * power >= value) {
        return factor * power;
      }
    }
    return 10 * power;
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
  }
}
