package io.refork.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.refork.protocol.control.Forgeries;
import io.refork.protocol.control.Reason;
import io.refork.protocol.control.Tokens;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tokens against the real agent; each forgery's exact reason is ForgeriesTest's. */
class ControlTokensTest {
  private static SteeredAgent pod;

  @BeforeAll
  static void start() throws IOException {
    pod = SteeredAgent.start();
  }

  @AfterAll
  static void stop() {
    pod.close();
  }

  private static void assertUnauthorized(SteeredAgent.Answer answer) {
    assertThat(answer.code()).isEqualTo(401);
    assertThat(answer.body()).isEqualTo("unauthorized\n");
    assertThat(answer.head()).contains("WWW-Authenticate: Bearer");
  }

  @Test
  @DisplayName("a signed request is answered with 200 and JSON, and counted")
  void accepted() throws IOException {
    double before = pod.outcome("accepted");
    var answer = pod.put(pod.token());
    assertThat(answer.code()).as(answer + pod.agent().log()).isEqualTo(200);
    assertThat(answer.head()).contains("application/json").contains("Date: ");
    assertThat(pod.outcome("accepted")).isEqualTo(before + 1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "Authorization:\r\n",
        "Authorization: Bearer\r\n",
        "Authorization: Bearer \r\n",
        "Authorization: Basic dXNlcjpwYXNz\r\n",
        "Authorization: TOKEN\r\n",
        "Authorization: Bearer TOKEN, Bearer TOKEN\r\n",
        "Authorization: Bearer TOKEN\r\nAuthorization: Bearer TOKEN\r\n",
        "Authorization: Bearer TOKEN\r\nauthorization: Basic dXNlcjpwYXNz\r\n",
        "X-Authorization: Bearer TOKEN\r\n",
        "Cookie: token=TOKEN\r\n"
      })
  @DisplayName("TOK-01 no, empty, Basic or two Authorization fields: 401, one constant body")
  void missing(String fields) throws IOException {
    var given = fields.replace("TOKEN", pod.token());
    var request = SteeredAgent.request("PUT", Tokens.PATH, given, SteeredAgent.body());
    assertUnauthorized(pod.send(request));
  }

  @Test
  @DisplayName(
      "TOK-02 TOK-03 TOK-04 TOK-05 TOK-06 TOK-07 TOK-08 TOK-09 TOK-10 TOK-12 TOK-13 TOK-14 every"
          + " forgery is answered 401 with the same body, and nothing is opened or taken")
  void forged() throws IOException {
    var body = new String(SteeredAgent.body(), StandardCharsets.UTF_8);
    double accepted = pod.outcome("accepted");
    var wrong = new ArrayList<String>();
    try (var bait = new ServerSocket(1, 1, java.net.InetAddress.getLoopbackAddress())) {
      bait.setSoTimeout(1); // jku and x5u of TOK-07 lead here
      for (var forgery : Forgeries.of(pod.key(), Instant.now(), body)) {
        var answer = pod.put(forgery.token().replaceAll("[\r\n\0]", "?"));
        int code = forgery.reason() == Reason.TOO_LARGE ? 413 : 401;
        boolean constant = code == 413 || answer.body().equals("unauthorized\n");
        if (answer.code() != code && answer.code() != 431 || !constant && answer.code() == 401) {
          wrong.add(forgery + ": " + answer);
        }
      }
      org.assertj.core.api.Assertions.assertThatThrownBy(bait::accept)
          .isInstanceOf(java.net.SocketTimeoutException.class);
    }
    assertThat(wrong).isEmpty();
    assertThat(pod.outcome("accepted")).isEqualTo(accepted);
    assertThat(pod.outcome("signature")).isGreaterThanOrEqualTo(8);
    assertThat(pod.put(pod.token()).code()).isEqualTo(200);
  }

  @Test
  @DisplayName(
      "TOK-06 an unknown kid is a name and no path: no file is opened, the log has no line of it")
  void kidIsNoPath() throws IOException {
    var claims =
        Tokens.json(
            Tokens.claims(Instant.now(), new String(SteeredAgent.body(), StandardCharsets.UTF_8)));
    var bait = Files.createTempFile("refork", "bait.json");
    Files.copy(pod.keysFile(), bait, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    Files.setAttribute(bait, "lastAccessTime", java.nio.file.attribute.FileTime.fromMillis(0));
    for (var kid : List.of(bait.toString(), "../../.." + bait, "file://" + bait)) {
      assertUnauthorized(pod.put(Tokens.signed(pod.key(), Tokens.header(kid), claims)));
    }
    assertThat((java.nio.file.attribute.FileTime) Files.getAttribute(bait, "lastAccessTime"))
        .isEqualTo(java.nio.file.attribute.FileTime.fromMillis(0));
    assertThat(pod.agent().log()).doesNotContain("bait.json");
  }

  @Test
  @DisplayName("TOK-11 the same token twice is 409, with another body 401")
  void replayed() throws IOException {
    var token = pod.token();
    assertThat(pod.put(token).code()).isEqualTo(200);
    var again = pod.put(token);
    assertThat(again.code()).isEqualTo(409);
    assertThat(again.body()).isEqualTo("used before\n");
    assertUnauthorized(pod.put(token, "{}".getBytes(StandardCharsets.UTF_8)));
  }

  @Test
  @DisplayName("TOK-11 a token from before the agent's start is refused, though still valid")
  void beforeStart() throws IOException {
    var before = Instant.now().minusSeconds(1);
    try (var young = SteeredAgent.start()) {
      var body = new String(SteeredAgent.body(), StandardCharsets.UTF_8);
      var claims = Tokens.claims(before, body);
      claims.put("exp", Long.toString(before.getEpochSecond() + 60));
      assertUnauthorized(
          young.put(Tokens.signed(young.key(), Tokens.header(), Tokens.json(claims))));
      assertThat(young.outcome("clock")).isEqualTo(1);
      assertThat(young.put(young.token()).code()).isEqualTo(200);
    }
  }

  @Test
  @DisplayName("TOK-12 a right token on another method, query or body is refused")
  void otherRequest() throws IOException {
    var bearer = "Authorization: Bearer " + pod.token() + "\r\n";
    var body = SteeredAgent.body();
    assertUnauthorized(pod.send(SteeredAgent.request("PUT", "/v1/desired?dry=1", bearer, body)));
    assertThat(pod.send(SteeredAgent.request("POST", Tokens.PATH, bearer, body)).code())
        .isEqualTo(405);
    assertThat(pod.send(SteeredAgent.request("PUT", "/v1/../v1/desired", bearer, body)).code())
        .isEqualTo(404);
    assertUnauthorized(
        pod.send(SteeredAgent.request("PUT", Tokens.PATH, bearer, new byte[body.length])));
  }

  @Test
  @DisplayName("TOK-16 current and next key are taken, a retired one is not")
  void rotation() throws IOException {
    try (var rotated = SteeredAgent.start()) {
      var next = Tokens.newKey();
      var body = new String(SteeredAgent.body(), StandardCharsets.UTF_8);
      var both = new LinkedHashMap<>(Map.of("k1", rotated.key(), "k2", next));
      rotated.writeKeys(both);
      await()
          .atMost(AgentProcess.LONG)
          .pollInterval(Duration.ofMillis(700))
          .until(() -> rotated.put(young(next, body)).code() == 200);
      assertThat(rotated.put(rotated.token()).code()).isEqualTo(200);
      both.remove("k1");
      rotated.writeKeys(both);
      await()
          .atMost(AgentProcess.LONG)
          .pollInterval(Duration.ofMillis(700))
          .until(() -> rotated.put(rotated.token()).code() == 401);
      assertThat(rotated.put(young(next, body)).code()).isEqualTo(200);
      Files.writeString(rotated.keysFile(), "{\"issuer\":");
      rotated.agent().awaitLine("public keys|endpoint");
      await()
          .atMost(AgentProcess.LONG)
          .pollInterval(Duration.ofMillis(300))
          .until(
              () -> {
                rotated.put(rotated.token());
                return !rotated.agent().lines("the public keys stay as they were").isEmpty();
              });
      assertThat(rotated.put(young(next, body)).code()).isEqualTo(200);
      Files.delete(rotated.keysFile());
      await()
          .atMost(AgentProcess.LONG)
          .pollInterval(Duration.ofMillis(300))
          .until(() -> rotated.put(young(next, body)).code() == 403);
    }
  }

  private static String young(java.security.KeyPair next, String body) {
    return Tokens.signed(
        next, Tokens.header("k2"), Tokens.json(Tokens.claims(Instant.now(), body)));
  }

  @Test
  @DisplayName("TOK-17 a clock that is 5 minutes off is refused and counted, one of seconds is not")
  void clocks() throws IOException {
    double before = pod.outcome("clock");
    assertUnauthorized(pod.put(pod.token(Duration.ofMinutes(5))));
    assertUnauthorized(pod.put(pod.token(Duration.ofMinutes(-5))));
    assertThat(pod.outcome("clock")).isEqualTo(before + 2);
    assertThat(pod.put(pod.token(Duration.ofSeconds(28))).code()).isEqualTo(200);
    // The other way once the agent has run that long: before, it may have been used.
    await()
        .atMost(AgentProcess.LONG)
        .pollInterval(Duration.ofMillis(500))
        .until(() -> pod.put(pod.token(Duration.ofSeconds(-3))).code() == 200);
  }

  @Test
  @DisplayName("without a key, or without the file of keys, every request is 403")
  void noKeys() throws IOException {
    try (var agent = AgentProcess.loopApp().options("--workers", "1").start()) {
      agent.awaitReady(1);
      var socket = SteeredAgent.request("PUT", Tokens.PATH, "", new byte[0]);
      try (var client = new java.net.Socket("127.0.0.1", agent.controlPort())) {
        client.setSoTimeout(10_000);
        client.getOutputStream().write(socket);
        var answer = new String(client.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(answer).startsWith("HTTP/1.1 403 ").endsWith("this pod has no key\n");
      }
    }
  }
}
