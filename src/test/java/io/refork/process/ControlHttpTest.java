package io.refork.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.refork.protocol.control.Forgeries;
import io.refork.protocol.control.Tokens;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** HTTP that is meant to confuse, to starve or to flood the control port of a real agent. */
class ControlHttpTest {
  private static SteeredAgent pod;

  @BeforeAll
  static void start() throws IOException {
    pod = SteeredAgent.start();
  }

  @AfterAll
  static void stop() {
    pod.close();
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  @ParameterizedTest(name = "{0}: {2}")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          length and encoding   | PUT /v1/desired HTTP/1.1~Host: x~Content-Length: 4~Transfer-Encoding: chunked~~0~~        | 400
          encoding              | PUT /v1/desired HTTP/1.1~Host: x~Transfer-Encoding: chunked~~0~~                          | 411
          two lengths           | PUT /v1/desired HTTP/1.1~Host: x~Content-Length: 4~Content-Length: 5~~abcde               | 400
          the same length twice | PUT /v1/desired HTTP/1.1~Host: x~Content-Length: 4~Content-Length: 4~~abcd                | 400
          a list of lengths     | PUT /v1/desired HTTP/1.1~Host: x~Content-Length: 4, 4~~abcd                               | 400
          a signed length       | PUT /v1/desired HTTP/1.1~Host: x~Content-Length: +4~~abcd                                 | 400
          a hexadecimal length  | PUT /v1/desired HTTP/1.1~Host: x~Content-Length: 0x4~~abcd                                | 400
          a huge length         | PUT /v1/desired HTTP/1.1~Host: x~Content-Length: 99999999999999999999~~abcd               | 413
          blank before colon    | GET /livez HTTP/1.1~Host : x~~                                                            | 400
          folded field          | GET /livez HTTP/1.1~Host: x~ y: z~~                                                       | 400
          no colon              | GET /livez HTTP/1.1~Host: x~hello~~                                                       | 400
          no host               | GET /livez HTTP/1.1~~                                                                     | 400
          two hosts             | GET /livez HTTP/1.1~Host: x~Host: y~~                                                     | 400
          absolute URI          | GET http://elsewhere/livez HTTP/1.1~Host: x~~                                             | 400
          authority             | CONNECT elsewhere:443 HTTP/1.1~Host: x~~                                                  | 400
          asterisk              | OPTIONS * HTTP/1.1~Host: x~~                                                              | 400
          upgrade               | GET /livez HTTP/1.1~Host: x~Connection: Upgrade~Upgrade: websocket~~                      | 400
          HTTP/2                | PRI * HTTP/2.0~~SM~~                                                                      | 400
          HTTP/1.2              | GET /livez HTTP/1.2~Host: x~~                                                             | 400
          no version            | GET /livez~~                                                                              | 400
          two blanks            | GET  /livez HTTP/1.1~Host: x~~                                                            | 400
          small letters         | get /livez HTTP/1.1~Host: x~~                                                             | 400
          expect                | PUT /v1/desired HTTP/1.1~Host: x~Content-Length: 4~Expect: 100-continue~~                 | 400
          """)
  @DisplayName(
      "TOK-18 what two readers could understand differently is refused, and the connection closed")
  void strict(String what, String request, int code) throws IOException {
    // Whatever a second reader would take for a second request is not answered.
    var smuggled = request.replace("~", "\r\n") + "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
    var answer = pod.send(bytes(smuggled));
    assertThat(answer.code()).as(answer.toString()).isEqualTo(code);
    assertThat(answer.head()).contains("Connection: close");
    assertThat(answer.body()).doesNotContain("HTTP/1.1").doesNotContain("refork_");
  }

  @Test
  @DisplayName("TOK-18 lone line ends, NUL and DEL are refused")
  void characters() throws IOException {
    for (var request :
        new String[] {
          "GET /livez HTTP/1.1\nHost: x\n\n",
          "GET /livez HTTP/1.1\r\nHost: x\rX: y\r\n\r\n",
          "GET /livez HTTP/1.1\r\nHost: x\0\r\n\r\n",
          "GET /liv\u007fez HTTP/1.1\r\nHost: x\r\n\r\n",
          "\r\nGET /livez HTTP/1.1\r\nHost: x\r\n\r\n",
          "\u0016\u0003\u0001\u0002\0\u0001\0\u0001"
        }) {
      assertThat(pod.send(bytes(request)).code()).isEqualTo(400);
    }
  }

  @Test
  @DisplayName(
      "TOK-14 TOK-18 heads, targets and bodies that are too large: 4xx at once, and no memory")
  void sizes() throws IOException {
    var many = new StringBuilder("GET /livez HTTP/1.1\r\nHost: x\r\n");
    for (int i = 0; i < 100_000; i++) {
      many.append("X-").append(i).append(": y\r\n");
    }
    assertThat(pod.send(bytes(many + "\r\n")).code()).isEqualTo(431);
    assertThat(pod.send(bytes("GET /livez HTTP/1.1\r\nX: " + "y".repeat(9_000))).code())
        .isEqualTo(431);
    assertThat(pod.send(bytes("GET /" + "y".repeat(9_000) + " HTTP/1.1\r\n")).code())
        .isEqualTo(414);
    for (var token : new String[] {"A".repeat(1_000_000), ".".repeat(1_000_000)}) {
      var answer =
          pod.send(
              SteeredAgent.request(
                  "PUT", Tokens.PATH, "Authorization: Bearer " + token + "\r\n", new byte[0]));
      assertThat(answer.code()).isEqualTo(431);
    }
    var large = new byte[1 << 20];
    var bearer = "Authorization: Bearer " + pod.token() + "\r\n";
    var answer = pod.send(SteeredAgent.request("PUT", Tokens.PATH, bearer, large));
    assertThat(answer.code()).isEqualTo(413);
    assertThat(Proc.smaps(pod.agent().pid(), "Private_Dirty")).isLessThan(40L << 20);
    assertThat(pod.probe()).isLessThan(1000);
  }

  @Test
  @DisplayName("TOK-18 200 slow clients, in heads and in bodies: probes answer within a second")
  void slow() throws IOException {
    var sockets = new ArrayList<Socket>();
    try {
      for (int i = 0; i < 200; i++) {
        var socket = new Socket("127.0.0.1", pod.agent().controlPort());
        sockets.add(socket);
        socket
            .getOutputStream()
            .write(
                bytes(
                    i % 2 == 0
                        ? "GET /livez HTTP/1.1\r\nHost: x\r\nX: "
                        : "PUT /v1/desired HTTP/1.1\r\nHost: x\r\nContent-Length: 30000\r\n"
                            + "Authorization: Bearer "
                            + (i < 20 ? pod.token() : "a.b.c")
                            + "\r\n\r\n{"));
      }
      long until = System.nanoTime() + Duration.ofSeconds(3).toNanos();
      while (System.nanoTime() < until) {
        assertThat(pod.probe()).isLessThan(1000);
        drip(sockets);
      }
      assertThat(pod.put(pod.token()).code()).isEqualTo(200);
    } finally {
      for (var socket : sockets) {
        socket.close();
      }
    }
  }

  private static void drip(ArrayList<Socket> sockets) {
    for (var socket : sockets) {
      try {
        socket.getOutputStream().write('x');
      } catch (IOException e) {
        // cut off: as it should be
      }
    }
  }

  @Test
  @DisplayName("TOK-18 half a head and half a body are cut off after two seconds")
  void half() throws IOException {
    long begun = System.nanoTime();
    assertThat(pod.send(bytes("GET /livez HTTP/1.1\r\nHos")).code()).isZero();
    var bearer = "Authorization: Bearer " + pod.token() + "\r\n";
    var head = "PUT /v1/desired HTTP/1.1\r\nHost: x\r\n" + bearer + "Content-Length: 400\r\n\r\n{";
    assertThat(pod.send(bytes(head)).code()).isEqualTo(408);
    assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofSeconds(12));
  }

  @Test
  @DisplayName(
      "requests in one packet are answered one after the other, and a connection may be kept")
  void keptAlive() throws IOException {
    try (var socket = new Socket("127.0.0.1", pod.agent().controlPort())) {
      socket.setSoTimeout(10_000);
      var get = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";
      socket
          .getOutputStream()
          .write(bytes(get + get + get.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")));
      var text = new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
      assertThat(text.split("HTTP/1.1 200 OK", -1)).hasSize(4);
    }
  }

  @Test
  @DisplayName(
      "TOK-19 a flood of forgeries from inside the pod: 429 beyond the budget, probes and workers answer")
  void flood() throws IOException {
    try (var flooded = SteeredAgent.start()) {
      flooded.agent().awaitReady(1);
      var body = new String(SteeredAgent.body(), StandardCharsets.UTF_8);
      var forged =
          Forgeries.of(flooded.key(), Instant.now(), body).stream()
              .filter(f -> f.what().equals("flipped bit"))
              .findFirst()
              .orElseThrow();
      var request =
          SteeredAgent.request(
              "PUT",
              Tokens.PATH,
              "Authorization: Bearer " + forged.token() + "\r\n",
              SteeredAgent.body());
      int tooMany = 0;
      for (int i = 0; i < 400; i++) {
        int code = flooded.send(request).code();
        assertThat(code).isIn(401, 429);
        tooMany += code == 429 ? 1 : 0;
        if (i % 50 == 0) {
          assertThat(flooded.probe()).isLessThan(1000);
          assertThat(Load.get(flooded.agent().port(), "/pid")).startsWith("pid ");
        }
      }
      assertThat(tooMany).isGreaterThan(200);
      assertThat(flooded.outcome("flooded")).isEqualTo(tooMany);
      assertThat(flooded.put(flooded.token()).code()).isEqualTo(200);
    }
  }

  @Test
  @DisplayName(
      "TOK-15 hostile strings in every place: the log has none of them, and series stay the same")
  void hostileStrings() throws IOException {
    var evil = "\u001b[31mPWNED ${jndi:ldap://x} <script>alert(1)</script>";
    var names = series();
    for (int i = 0; i < 60; i++) {
      var salt = Integer.toHexString(ThreadLocalRandom.current().nextInt());
      var header =
          "{\"alg\":\"EdDSA\",\"typ\":\"refork-desired+jwt\",\"kid\":\"" + salt + evil + "\"}";
      var claims = Tokens.claims(Instant.now(), "");
      claims.put("iss", Tokens.quoted(salt + evil));
      claims.put("jti", Tokens.quoted(salt + evil));
      var token = Tokens.signed(pod.key(), header, Tokens.json(claims));
      pod.send(
          SteeredAgent.request(
              "PUT",
              i % 2 == 0 ? Tokens.PATH : "/" + salt + "%1b[31m<script>${jndi:x}",
              "Authorization: Bearer " + token + "\r\nUser-Agent: PWNED " + salt + "\r\n",
              new byte[0]));
    }
    assertThat(series()).isEqualTo(names);
    assertThat(pod.agent().log())
        .doesNotContain("PWNED")
        .doesNotContain("jndi")
        .doesNotContain("\u001b");
  }

  private static java.util.Set<String> series() throws IOException {
    var all = new java.util.TreeSet<String>();
    Load.get(pod.agent().controlPort(), "/metrics")
        .lines()
        .filter(l -> l.startsWith("refork_control"))
        .forEach(l -> all.add(l.substring(0, l.lastIndexOf(' '))));
    return all;
  }
}
