package io.refork.operator.agents;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.refork.protocol.control.ReportCodec;
import io.refork.protocol.control.TokenSigner;
import java.net.ServerSocket;
import java.security.KeyPairGenerator;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Over real sockets: what an application may put in its agent's place. */
class HostileAgentsTest {
  private static final Duration LONG = Duration.ofSeconds(30);
  private static final String GOOD = "127.1.0.1";

  private final HostileAgents hostile = new HostileAgents();
  private final Queue<ResourceID> news = new ConcurrentLinkedQueue<>();
  private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
  private final Agents agents = agents(hostile.port());

  /** The poller's, once it has told something. */
  private volatile Optional<Thread> thread = Optional.empty();

  private Agents agents(int port) {
    try {
      var key = KeyPairGenerator.getInstance("Ed25519").generateKeyPair().getPrivate();
      var signer = new TokenSigner(key, "k1", "here", InstantSource.system(), new SecureRandom());
      var settings =
          new PollSettings(Duration.ofMillis(200), Duration.ofMillis(700), 64, port, true);
      return Agents.overHttp(settings, signer, registry, this::told);
    } catch (java.security.NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private void told(ResourceID pool) {
    thread = Optional.of(Thread.currentThread());
    news.add(pool);
  }

  @AfterEach
  void close() {
    agents.close();
    hostile.close();
  }

  private static byte[] report(String uid) {
    return ReportCodec.encode(Sample.report(uid));
  }

  private static byte[] edited(String old, String now) {
    var text = new String(report("bad"), UTF_8);
    assertThat(text).contains(old);
    return text.replace(old, now).getBytes(UTF_8);
  }

  /** By name: what the pod's agent does, and a word of what is then said of it. */
  private static Map<String, Map.Entry<HostileAgents.Behaviour, String>> invalid() {
    var all = new LinkedHashMap<String, Map.Entry<HostileAgents.Behaviour, String>>();
    all.put("10^9 workers", lie(edited("\"ready\":8}", "\"ready\":1000000000}"), "workers.ready"));
    all.put("negative workers", lie(edited("\"ready\":8}", "\"ready\":-8}"), "workers.ready"));
    all.put("NaN bytes", lie(edited("\"saved\":314572800", "\"saved\":NaN"), "no report"));
    all.put("1e999 bytes", lie(edited("\"saved\":314572800", "\"saved\":1e999"), "no report"));
    all.put("a ratio of 7", lie(edited("\"sharedRatio\":0.9", "\"sharedRatio\":7"), "sharedRatio"));
    all.put(
        "control characters",
        lie(edited("\"0.1.0\"", "\"\\u001b[2J\\r\\nINFO all is well\""), "version"));
    all.put(
        "a session with markup",
        lie(edited("\"session1\"", "\"<script>alert(1)</script>\""), "session"));
    all.put("deep JSON", lie("{\"a\":".repeat(3000).getBytes(UTF_8), "no report"));
    all.put("a list", lie("[]".getBytes(UTF_8), "no report"));
    all.put("nothing", lie(new byte[0], "no report"));
    all.put("no UTF-8", lie(new byte[] {'{', (byte) 0xff, (byte) 0xfe, '}'}, "no report"));
    all.put("another pod's UID", lie(report("good"), "another pod"));
    all.put("1 MB", lie(new byte[1 << 20], "longer than a report"));
    all.put(
        "an announced length of 10^18",
        Map.entry(
            (socket, out) -> {
              out.write(HostileAgents.head(200, "application/json", 1_000_000_000_000_000_000L));
              out.write(new byte[20_000]);
              Thread.sleep(5_000);
            },
            "longer than a report"));
    all.put(
        "an endless body",
        Map.entry(
            (socket, out) -> {
              out.write("HTTP/1.1 200 X\r\nContent-Type: application/json\r\n\r\n".getBytes(UTF_8));
              while (true) {
                out.write(new byte[1024]);
              }
            },
            "longer than a report"));
    all.put(
        "HTML",
        Map.entry(
            (socket, out) -> {
              var body = report("bad");
              out.write(HostileAgents.head(200, "text/html", body.length));
              out.write(body);
            },
            "not application/json"));
    all.put(
        "a redirect to the good one",
        Map.entry(
            (socket, out) ->
                HostileAgents.status(
                        307,
                        "Location: http://"
                            + GOOD
                            + ":"
                            + socket.getLocalPort()
                            + "/v1/desired\r\n")
                    .answer(socket, out),
            "HTTP 307"));
    for (int status : List.of(204, 400, 401, 403, 404, 409, 429, 500, 503)) {
      all.put("HTTP " + status, Map.entry(HostileAgents.status(status, ""), "HTTP " + status));
    }
    all.put(
        "a refusal with its sentence",
        refusal(
            "--workers: 9 are too many\u001b[2J\n",
            "says \"--workers: 9 are too many\\u001b[2J\""));
    all.put("a refusal without end", refusal("x".repeat(1 << 20), "(HTTP 422) and says \"xxx"));
    all.put(
        "TLS",
        Map.entry(
            HostileAgents.raw(new byte[] {0x15, 3, 1, 0, 2, 2, 70, '\r', '\n', '\r', '\n'}),
            "does not speak HTTP"));
    all.put(
        "SSH",
        Map.entry(
            HostileAgents.raw("SSH-2.0-OpenSSH_9.6\r\n\r\n".getBytes(UTF_8)),
            "does not speak HTTP"));
    all.put(
        "100 kB of headers",
        Map.entry(
            HostileAgents.raw(
                ("HTTP/1.1 200 X\r\n" + "X-A: aaaaaaaaaaaaaaaaaaaa\r\n".repeat(4000) + "\r\n")
                    .getBytes(UTF_8)),
            "does not speak HTTP"));
    return all;
  }

  private static Map.Entry<HostileAgents.Behaviour, String> refusal(String text, String word) {
    return Map.entry(
        (socket, out) -> {
          var body = text.getBytes(UTF_8);
          out.write(HostileAgents.head(422, "text/plain", body.length));
          out.write(body);
        },
        word);
  }

  private static Map<String, Map.Entry<HostileAgents.Behaviour, String>> silent() {
    var all = new LinkedHashMap<String, Map.Entry<HostileAgents.Behaviour, String>>();
    all.put("a hang-up", Map.entry((socket, out) -> {}, "ended before"));
    all.put(
        "half an answer",
        Map.entry(
            (socket, out) -> {
              out.write(HostileAgents.head(200, "application/json", 500));
              out.write(new byte[100]);
            },
            "ended before"));
    all.put("silence", Map.entry((socket, out) -> Thread.sleep(5_000), "no whole answer in time"));
    all.put(
        "a slow drip",
        Map.entry(
            (socket, out) -> {
              out.write(HostileAgents.head(200, "application/json", 10_000));
              while (true) {
                out.write(' ');
                out.flush();
                Thread.sleep(50);
              }
            },
            "no whole answer in time"));
    all.put(
        "headers by drip",
        Map.entry(
            (socket, out) -> {
              out.write("HTTP/1.1 200 X\r\nX-A: ".getBytes(UTF_8));
              while (true) {
                out.write('a');
                out.flush();
                Thread.sleep(50);
              }
            },
            "no whole answer in time"));
    return all;
  }

  private static Map.Entry<HostileAgents.Behaviour, String> lie(byte[] body, String word) {
    return Map.entry(HostileAgents.json(body), word);
  }

  /** All at once against one poller, which at the same time asks a good agent. */
  @TestFactory
  @DisplayName("OP-12 what is no report of the pod is Invalid or Unreachable, with a reason")
  Stream<DynamicTest> lies() {
    var why = new LinkedHashMap<String, String>();
    var targets = new ArrayList<Target>();
    var kinds = new LinkedHashMap<String, Class<? extends AgentReport>>();
    invalid().keySet().forEach(name -> kinds.put(name, AgentReport.Invalid.class));
    silent().keySet().forEach(name -> kinds.put(name, AgentReport.Unreachable.class));
    var behaviours = new LinkedHashMap<>(invalid());
    behaviours.putAll(silent());
    int number = 0;
    for (var one : behaviours.entrySet()) {
      var ip = "127.2.0." + ++number;
      hostile.at(ip, one.getValue().getKey());
      why.put(one.getKey(), one.getValue().getValue());
      targets.add(bad(number, ip));
    }
    hostile.at(GOOD, HostileAgents.json(report("good")));
    targets.add(Sample.target("good", GOOD));
    var names = List.copyOf(behaviours.keySet());
    agents.start();
    agents.steer(Sample.POOL, targets);

    var tests = new ArrayList<DynamicTest>();
    for (int i = 0; i < names.size(); i++) {
      var name = names.get(i);
      var uid = targets.get(i).uid();
      tests.add(
          dynamicTest(
              "OP-12 " + name,
              () -> {
                var report =
                    await()
                        .atMost(LONG)
                        .until(() -> agents.report(uid, true), Optional::isPresent)
                        .get();
                assertThat(report).isInstanceOf(kinds.get(name));
                assertThat(why(report)).contains(why.get(name)).matches("[ -~…]*");
              }));
    }
    tests.add(
        dynamicTest(
            "OP-12 the good agent is asked and believed all the while",
            () -> {
              int before = hostile.requests(GOOD);
              await().atMost(LONG).until(() -> hostile.requests(GOOD) > before + 5);
              assertThat(agents.report("good", true))
                  .get()
                  .extracting(r -> ((AgentReport.Reported) r).report())
                  .isEqualTo(Sample.report("good"));
            }));
    return tests.stream();
  }

  /** Its agent's lies are told with the UID "bad" where a UID matters. */
  private static Target bad(int number, String ip) {
    return Sample.target("bad" + number, ip);
  }

  private static String why(AgentReport report) {
    return switch (report) {
      case AgentReport.Reported(var r, _) -> "reported: " + r;
      case AgentReport.Unreachable(var why, _) -> why;
      case AgentReport.Invalid(var why, _) -> why;
    };
  }

  @Test
  @DisplayName("OP-12 a port that nothing listens on")
  void refused() throws Exception {
    int free;
    try (var socket = new ServerSocket(0)) {
      free = socket.getLocalPort();
    }
    try (var lonely = agents(free)) {
      lonely.start();
      lonely.steer(Sample.POOL, List.of(Sample.target("u", "127.3.0.1")));
      var report =
          await().atMost(LONG).until(() -> lonely.report("u", true), Optional::isPresent).get();
      assertThat(why(report)).contains("connection refused");
    }
  }

  @Test
  @DisplayName("OP-09 a pass that ends after the poller was closed does no harm")
  void closed() {
    hostile.at(GOOD, HostileAgents.json(report("good")));
    agents.start();
    agents.steer(Sample.POOL, List.of(Sample.target("good", GOOD)));
    await().atMost(LONG).until(() -> thread.isPresent());
    agents.close();
    await().atMost(LONG).until(() -> !thread.get().isAlive());
    int before = hostile.requests(GOOD);
    agents.steer(Sample.POOL, List.of(Sample.target("again", GOOD)));
    agents.forget(Sample.POOL);
    agents.close();
    assertThat(hostile.requests(GOOD)).isEqualTo(before);
  }

  @Test
  @DisplayName("OP-12 a black hole: the handshake is never answered")
  void blackHole() throws Exception {
    // A full accept queue drops what comes, as a firewall does.
    try (var full = new ServerSocket()) {
      full.bind(new java.net.InetSocketAddress("127.3.0.2", 0), 1);
      var fillers = new ArrayList<java.nio.channels.SocketChannel>();
      for (int i = 0; i < 8; i++) {
        var filler = java.nio.channels.SocketChannel.open();
        filler.configureBlocking(false);
        filler.connect(full.getLocalSocketAddress());
        fillers.add(filler);
      }
      try (var lonely = agents(full.getLocalPort())) {
        lonely.start();
        lonely.steer(Sample.POOL, List.of(Sample.target("u", "127.3.0.2")));
        var report =
            await().atMost(LONG).until(() -> lonely.report("u", true), Optional::isPresent).get();
        assertThat(why(report)).contains("no whole answer in time");
      } finally {
        for (var filler : fillers) {
          filler.close();
        }
      }
    }
  }
}
