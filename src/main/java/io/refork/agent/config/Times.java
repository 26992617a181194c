package io.refork.agent.config;

import java.time.Duration;

/** Durations as users write them. */
public final class Times {
  private Times() {}

  /**
   * The shortest text that {@code --…-timeout} would read back: {@code 90s} is {@code 1m30s};
   * milliseconds are the finest.
   */
  public static String text(Duration time) {
    long millis = time.toMillis();
    if (millis == 0) {
      return "0s";
    }
    var text = new StringBuilder();
    millis = unit(text, millis, 86_400_000, "d");
    millis = unit(text, millis, 3_600_000, "h");
    millis = unit(text, millis, 60_000, "m");
    millis = unit(text, millis, 1_000, "s");
    unit(text, millis, 1, "ms");
    return text.toString();
  }

  private static long unit(StringBuilder text, long millis, long size, String unit) {
    if (millis >= size) {
      text.append(millis / size).append(unit);
    }
    return millis % size;
  }
}
