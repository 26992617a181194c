package io.refork.operator.startup;

import io.refork.protocol.Escape;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;

/**
 * What the pod of {@code helm test} runs, {@code leads HOST PORT}: asks the operators' Service, as
 * Prometheus does, until one of them says that it leads. One leads when it has its rights, the CRD
 * that it knows, the lease and its key.
 *
 * <p>In plain Java and before Quarkus starts, so that it is a second's work in a small pod.
 */
final class InstallationCheck {
  /** The argument that asks for it; its own are the Service's address and port. */
  static final String COMMAND = "leads";

  /** A start takes seconds, and a lease that nobody gave back as long again. */
  static final Duration PATIENCE = Duration.ofSeconds(60);

  private static final Duration ONE_ANSWER = Duration.ofSeconds(5);
  private static final Duration PAUSE = Duration.ofSeconds(1);

  private final URI metrics;
  private final Duration patience;

  private InstallationCheck(URI metrics, Duration patience) {
    this.metrics = metrics;
    this.patience = patience;
  }

  /**
   * Asks, and returns the sentence that says why nobody leads; empty when one does.
   *
   * @param host name or address, also one of IPv6
   * @param port a number
   * @param patience for how long it is asked again
   */
  static Optional<String> fault(String host, String port, Duration patience)
      throws InterruptedException {
    if (!host.matches("[A-Za-z0-9.:-]+") || !port.matches("[0-9]{1,5}")) {
      return Optional.of(
          "'%s' and '%s' are no address; allowed: a host and a port"
              .formatted(Escape.plain(host, Escape.MAX), Escape.plain(port, Escape.MAX)));
    }
    var named = host.contains(":") ? "[" + host + "]" : host;
    return new InstallationCheck(
            URI.create("http://%s:%s/metrics".formatted(named, port)), patience)
        .ask();
  }

  private Optional<String> ask() throws InterruptedException {
    long end = System.nanoTime() + patience.toNanos();
    while (true) {
      var seen = once();
      if (seen.isEmpty()) {
        return seen;
      }
      if (System.nanoTime() - end >= 0) {
        return Optional.of(
            "no operator leads: for %ds %s %s; the last line of the operator's log says why"
                .formatted(patience.toSeconds(), metrics, seen.get()));
      }
      Thread.sleep(PAUSE);
    }
  }

  /** Empty: whoever answered leads. */
  private Optional<String> once() {
    try {
      var connection = (HttpURLConnection) metrics.toURL().openConnection();
      connection.setConnectTimeout((int) ONE_ANSWER.toMillis());
      connection.setReadTimeout((int) ONE_ANSWER.toMillis());
      // The next question may go to another operator.
      connection.setRequestProperty("Connection", "close");
      int code = connection.getResponseCode();
      return code == HttpURLConnection.HTTP_OK ? leads(connection) : Optional.of("answers " + code);
    } catch (IOException e) {
      return Optional.of("does not answer (" + Escape.plain(String.valueOf(e), Escape.MAX) + ")");
    }
  }

  private static Optional<String> leads(HttpURLConnection connection) throws IOException {
    try (var in =
        new BufferedReader(
            new InputStreamReader(connection.getInputStream(), StandardCharsets.UTF_8))) {
      return in.lines()
              .anyMatch(line -> line.matches("refork_operator_leader(\\{[^}]*})? 1(\\.0)?"))
          ? Optional.empty()
          : Optional.of("answers, but only operators that wait for the lease do");
    }
  }
}
