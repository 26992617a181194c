package io.refork.api;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.time.Duration;
import java.util.regex.Pattern;

/**
 * A span of time as users write it: a whole number and one of {@code ms}, {@code s}, {@code m},
 * {@code h}, {@code d}; or {@code 0}.
 *
 * @param text as written
 */
public record PoolDuration(String text) {
  /** What the schema allows, too. Nine digits of days fit a {@link Duration}. */
  public static final String PATTERN = "^(0|[0-9]{1,9}(ms|s|m|h|d))$";

  private static final Pattern SHAPE = Pattern.compile(PATTERN);

  @JsonCreator
  public PoolDuration {
    if (!SHAPE.matcher(text).matches()) {
      throw new IllegalArgumentException(
          "not a duration: a whole number and ms, s, m, h or d, such as 30s");
    }
  }

  public Duration value() {
    if (text.equals("0")) {
      return Duration.ZERO;
    }
    int digits = 0;
    while (Character.isDigit(text.charAt(digits))) {
      digits++;
    }
    long number = Long.parseLong(text, 0, digits, 10);
    return switch (text.substring(digits)) {
      case "ms" -> Duration.ofMillis(number);
      case "s" -> Duration.ofSeconds(number);
      case "m" -> Duration.ofMinutes(number);
      case "h" -> Duration.ofHours(number);
      default -> Duration.ofDays(number);
    };
  }

  @JsonValue
  @Override
  public String toString() {
    return text;
  }
}
