package io.refork.bench;

import java.util.Locale;

/**
 * One measured number.
 *
 * @param what the figure, in words
 * @param value measured; the median where there were several
 * @param spread of the single values, in words
 * @param unit of the value
 * @param bar the most (or least) it may be; NaN: none, it is recorded
 * @param atMost whether the bar is an upper one
 */
public record Figure(
    String what, double value, String spread, String unit, double bar, boolean atMost) {
  /** One that must not be above its bar. */
  public static Figure atMost(double bar, String what, double value, String spread, String unit) {
    return new Figure(what, value, spread, unit, bar, true);
  }

  /** One that must not be below its bar. */
  public static Figure atLeast(double bar, String what, double value, String spread, String unit) {
    return new Figure(what, value, spread, unit, bar, false);
  }

  /** One without a bar. */
  public static Figure recorded(String what, double value, String spread, String unit) {
    return new Figure(what, value, spread, unit, Double.NaN, true);
  }

  /** Also when it could not be measured. */
  public boolean missed() {
    return !Double.isNaN(bar) && (Double.isNaN(value) || (atMost ? value > bar : value < bar));
  }

  /** As a row of a table in Markdown. */
  public String row() {
    var limit = Double.isNaN(bar) ? "" : (atMost ? "≤ " : "≥ ") + number(bar);
    var verdict = Double.isNaN(bar) ? "" : missed() ? "**missed**" : "met";
    return "| %s | %s %s | %s | %s | %s |"
        .formatted(what, number(value), unit, spread, limit, verdict);
  }

  static String number(double value) {
    if (Double.isNaN(value)) {
      return "unknown";
    }
    return String.format(
        Locale.ROOT,
        Math.abs(value) >= 100 ? "%.0f" : Math.abs(value) >= 10 ? "%.1f" : "%.3f",
        value);
  }

  /** Smallest and largest of some values. */
  static String spread(double... values) {
    double min = Double.MAX_VALUE;
    double max = -Double.MAX_VALUE;
    for (double value : values) {
      min = Math.min(min, value);
      max = Math.max(max, value);
    }
    return values.length == 0 ? "" : number(min) + " … " + number(max) + ", n=" + values.length;
  }
}
