package io.refork.agent.cli;

import io.refork.agent.config.UsageException;
import io.refork.protocol.Escape;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;

/**
 * What the user of {@code refork check} wants to be asked of the application.
 *
 * @param paths in turns; at least one
 * @param headers whole lines
 * @param time of the load before the refork, and as long again after it
 */
record TrialLoadPlan(List<String> paths, List<String> headers, Duration time) {
  /** Long enough for most caches to fill and threads to start. */
  static final Duration TIME = Duration.ofSeconds(4);

  private static final Duration MOST = Duration.ofSeconds(15);
  private static final Pattern PATH = Pattern.compile("/[!-~]*");
  private static final Pattern HEADER = Pattern.compile("[!-9;-~]+: *[ -~]+");
  private static final Pattern SECONDS = Pattern.compile("(\\d{1,5})(ms|s)");

  TrialLoadPlan {
    paths = List.copyOf(paths);
    headers = List.copyOf(headers);
  }

  /** From the options' texts; {@code times} holds at most one. */
  static TrialLoadPlan of(List<String> paths, List<String> headers, List<String> times)
      throws UsageException {
    for (var path : paths) {
      if (!PATH.matcher(path).matches()) {
        throw wrong("--path", path, "one like /healthz");
      }
    }
    for (var header : headers) {
      if (!HEADER.matcher(header).matches()) {
        throw wrong("--header", header, "one like 'Host: shop.example'");
      }
    }
    var time = times.isEmpty() ? TIME : time(times.getFirst());
    return new TrialLoadPlan(paths.isEmpty() ? List.of("/") : paths, headers, time);
  }

  private static Duration time(String text) throws UsageException {
    var match = SECONDS.matcher(text);
    if (match.matches()) {
      long number = Long.parseLong(match.group(1));
      var time =
          match.group(2).equals("s") ? Duration.ofSeconds(number) : Duration.ofMillis(number);
      if (!time.isZero() && time.compareTo(MOST) <= 0) {
        return time;
      }
    }
    throw wrong("--load", text, "a time up to 15s");
  }

  private static UsageException wrong(String option, String value, String allowed) {
    return new UsageException(
        option + ": " + Escape.quoted(value) + " is not allowed; give " + allowed);
  }
}
