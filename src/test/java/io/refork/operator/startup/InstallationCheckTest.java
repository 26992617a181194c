package io.refork.operator.startup;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What helm test says of an installation, from what its Service answers. */
class InstallationCheckTest {
  private static final String LEADS = "refork_pools 1.0\nrefork_operator_leader 1.0\n";
  private static final String WAITS = "refork_operator_leader 0.0\nrefork_pools 1.0\n";

  private final HttpServer service = serve();
  private final String port = Integer.toString(service.getAddress().getPort());

  @AfterEach
  void stop() {
    service.stop(0);
  }

  @Test
  @DisplayName("K8S-08 helm test is content when an operator leads")
  void leads() throws InterruptedException {
    answer(200, LEADS);
    assertThat(InstallationCheck.fault("127.0.0.1", port, Duration.ZERO)).isEmpty();
  }

  @Test
  @DisplayName("K8S-08 helm test asks again: the next one asked may lead")
  void nextOne() throws InterruptedException {
    answer(200, WAITS, LEADS);
    assertThat(InstallationCheck.fault("127.0.0.1", port, Duration.ofSeconds(30))).isEmpty();
  }

  @Test
  @DisplayName("K8S-08 helm test says that all wait for the lease")
  void waits() throws InterruptedException {
    answer(200, WAITS);
    assertThat(InstallationCheck.fault("127.0.0.1", port, Duration.ZERO).orElseThrow())
        .startsWith(
            "no operator leads: for 0s http://127.0.0.1:" + port + "/metrics answers, but only")
        .doesNotContain("\n");
  }

  @Test
  @DisplayName("K8S-08 helm test says what something else answers")
  void somethingElse() throws InterruptedException {
    answer(404, "");
    assertThat(InstallationCheck.fault("127.0.0.1", port, Duration.ZERO).orElseThrow())
        .contains("answers 404; the last line of the operator's log says why");
  }

  @Test
  @DisplayName("K8S-08 helm test says that nobody answers")
  void nobody() throws InterruptedException {
    service.stop(0);
    assertThat(InstallationCheck.fault("127.0.0.1", port, Duration.ZERO).orElseThrow())
        .contains("does not answer (java.net.ConnectException: Connection refused)");
  }

  @ParameterizedTest(name = "{0} {1}")
  @CsvSource({"a b, 80", "a/b, 80", "$(REFORK_SERVICE_HOST), 80", "refork-operator, http"})
  @DisplayName("an address that is none is refused: the Service came after the pod")
  void noAddress(String host, String wrong) throws InterruptedException {
    assertThat(InstallationCheck.fault(host, wrong, Duration.ZERO))
        .contains("'" + host + "' and '" + wrong + "' are no address; allowed: a host and a port");
  }

  /** One answer after the other, the last one for ever. */
  private void answer(int code, String... bodies) {
    var asked = new AtomicInteger();
    service.createContext(
        "/metrics",
        exchange -> {
          var body = List.of(bodies).get(Math.min(asked.getAndIncrement(), bodies.length - 1));
          exchange.sendResponseHeaders(code, 0);
          exchange.getResponseBody().write(body.getBytes(StandardCharsets.UTF_8));
          exchange.close();
        });
  }

  private static HttpServer serve() {
    try {
      var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
      server.start();
      return server;
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
