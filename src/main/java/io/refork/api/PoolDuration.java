package io.refork.api;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.time.Duration;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A span of time as users write it: {@code 0}, or whole numbers with {@code h}, {@code m}, {@code
 * s}, {@code ms}, in this order: {@code 90s}, {@code 1m30s}. Days are not among them: CEL's {@code
 * duration()} does not know them, and it checks the bounds.
 *
 * @param text as written
 */
public record PoolDuration(String text) {
  /**
   * What the schema allows, too. Six digits of hours are beyond every bound, and within the 292
   * years that CEL's {@code duration()} can hold.
   */
  public static final String PATTERN =
      "^(0|([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?([0-9]{1,6}ms)?)$";

  private static final Pattern SHAPE = Pattern.compile(PATTERN);

  @JsonCreator
  public PoolDuration {
    if (text.isEmpty() || !SHAPE.matcher(text).matches()) {
      throw new IllegalArgumentException(
          "not a duration: 0, or whole numbers with h, m, s or ms, such as 30s or 1m30s");
    }
  }

  public Duration value() {
    var parts = SHAPE.matcher(text);
    if (!parts.matches()) {
      throw new AssertionError("checked when it was made");
    }
    return Duration.ofHours(number(parts.group(2)))
        .plusMinutes(number(parts.group(3)))
        .plusSeconds(number(parts.group(4)))
        .plusMillis(number(parts.group(5)));
  }

  /** Of {@code "10s"} 10; a part that is not there is 0. */
  private static long number(@Nullable String part) {
    if (part == null) {
      return 0;
    }
    int digits = 0;
    while (digits < part.length() && Character.isDigit(part.charAt(digits))) {
      digits++;
    }
    return Long.parseLong(part, 0, digits, 10);
  }

  @JsonValue
  @Override
  public String toString() {
    return text;
  }
}
