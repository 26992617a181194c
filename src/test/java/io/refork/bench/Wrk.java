package io.refork.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;

/** What wrk says of a run. */
record Wrk(double perSecond, double p99Millis, long errors) {
  private static final int CONNECTIONS = 64;

  /**
   * As many requests for {@code url} as it answers, from one thread, over kept-alive connections.
   */
  static Wrk run(String url, int seconds) throws IOException, InterruptedException {
    var process =
        new ProcessBuilder("wrk", "-t1", "-c" + CONNECTIONS, "-d" + seconds + "s", "--latency", url)
            .redirectErrorStream(true)
            .start();
    var text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor();
    return new Wrk(number(text, "Requests/sec:\\s+([\\d.]+)"), millis(text), errors(text));
  }

  private static double number(String text, String regex) {
    var m = Pattern.compile(regex).matcher(text);
    if (!m.find()) {
      throw new IllegalStateException("wrk said:\n" + text);
    }
    return Double.parseDouble(m.group(1));
  }

  private static double millis(String text) {
    var m = Pattern.compile("99%\\s+([\\d.]+)(us|ms|s)").matcher(text);
    if (!m.find()) {
      throw new IllegalStateException("wrk said:\n" + text);
    }
    double value = Double.parseDouble(m.group(1));
    return m.group(2).equals("us") ? value / 1000 : m.group(2).equals("s") ? value * 1000 : value;
  }

  private static long errors(String text) {
    var m =
        Pattern.compile(
                "Socket errors: connect (\\d+), read (\\d+), write (\\d+), timeout (\\d+)|Non-2xx or 3xx responses: (\\d+)")
            .matcher(text);
    long sum = 0;
    while (m.find()) {
      for (int i = 1; i <= m.groupCount(); i++) {
        sum += m.group(i) == null ? 0 : Long.parseLong(m.group(i));
      }
    }
    return sum;
  }
}
