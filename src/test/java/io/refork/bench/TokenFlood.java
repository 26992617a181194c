package io.refork.bench;

import io.refork.process.AgentProcess;
import io.refork.process.SteeredAgent;
import io.refork.protocol.control.Forgeries;
import io.refork.protocol.control.Forgeries.Forgery;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

/**
 * TOK-19: an application that sends its own agent a thousand bad tokens a second. What the agent
 * spends on them is bounded, probes answer, and the workers go on.
 */
final class TokenFlood {
  private static final int PER_SECOND = 1000;
  private static final int CLIENTS = 4;
  private static final Duration SPAN = Duration.ofSeconds(20);

  /**
   * Paced below what one worker serves, so that the time of a request is seen and not a queue's.
   */
  private static final double TRAFFIC = 50;

  private TokenFlood() {}

  static List<Figure> measure() throws Exception {
    var figures = new ArrayList<Figure>();
    try (var pod =
        SteeredAgent.start(
            AgentProcess.loopApp().options("--workers", "2", "--refork-after", "off"))) {
      pod.agent().awaitReady(2);
      try (var traffic = new Traffic(pod.agent().port(), List.of("/pid"), 2, TRAFFIC)) {
        Thread.sleep(3_000);
        long quiet = System.nanoTime();
        Thread.sleep(SPAN);
        long flooded = System.nanoTime();
        double cpu = AgentCost.cpuSeconds(pod.agent().pid());
        var codes = flood(pod);
        long end = System.nanoTime();
        double seconds = (end - flooded) / 1e9;
        double share = (AgentCost.cpuSeconds(pod.agent().pid()) - cpu) / seconds;
        int sent = codes.values().stream().mapToInt(Integer::intValue).sum();
        var before = traffic.between(quiet, flooded);
        var during = traffic.between(flooded, end);
        figures.add(Figure.recorded("TOK-19 bad tokens sent", sent / seconds, codes + "", "/s"));
        figures.add(
            Figure.atMost(30, "TOK-19 agent's CPU meanwhile", share * 100, "of one core", "%"));
        figures.add(
            Figure.atMost(
                1000, "TOK-19 slowest probe meanwhile", slowest, "one each 100 ms", "ms"));
        figures.add(
            Figure.recorded(
                "TOK-19 workers' p99 before",
                before.p99Millis(),
                before.requests() + " requests",
                "ms"));
        figures.add(
            Figure.atMost(
                1.5,
                "TOK-19 workers' p99 during ÷ before",
                during.p99Millis() / before.p99Millis(),
                during.failures()
                    + " of "
                    + during.requests()
                    + " failed; the flood's client has its share",
                ""));
      }
      var after = pod.put(pod.token());
      figures.add(
          Figure.recorded("TOK-19 the operator's request afterwards", after.code(), "", ""));
    }
    return figures;
  }

  private static volatile double slowest;

  private static Map<String, Integer> flood(SteeredAgent pod) throws Exception {
    var body = new String(SteeredAgent.body(), StandardCharsets.UTF_8);
    var requests =
        Forgeries.of(pod.key(), Instant.now(), body).stream()
            .filter(f -> f.token().length() < 1500 && f.token().matches("[\\x20-\\x7e]*"))
            .map(TokenFlood::request)
            .toList();
    var codes = new ConcurrentHashMap<String, Integer>();
    var threads = new ArrayList<Thread>();
    long begun = System.nanoTime();
    for (int i = 0; i < CLIENTS; i++) {
      int offset = i;
      threads.add(Thread.ofPlatform().start(() -> client(pod, requests, codes, begun, offset)));
    }
    double worst = 0;
    while (System.nanoTime() - begun < SPAN.toNanos()) {
      worst = Math.max(worst, probe(pod));
      Thread.sleep(100);
    }
    slowest = worst;
    for (var thread : threads) {
      thread.join();
    }
    return new TreeMap<>(codes);
  }

  private static byte[] request(Forgery forgery) {
    var body = new String(SteeredAgent.body(), StandardCharsets.UTF_8);
    return ("PUT /v1/desired HTTP/1.1\r\nHost: pod\r\nAuthorization: Bearer "
            + forgery.token()
            + "\r\nContent-Length: "
            + body.length()
            + "\r\nConnection: close\r\n\r\n"
            + body)
        .getBytes(StandardCharsets.ISO_8859_1);
  }

  private static void client(
      SteeredAgent pod, List<byte[]> requests, Map<String, Integer> codes, long begun, int offset) {
    long interval = 1_000_000_000L * CLIENTS / PER_SECOND;
    long due = begun + interval * offset / CLIENTS;
    for (int n = offset; System.nanoTime() - begun < SPAN.toNanos(); n++) {
      java.util.concurrent.locks.LockSupport.parkNanos(due - System.nanoTime());
      due += interval;
      codes.merge(ask(pod, requests.get(n % requests.size())), 1, Integer::sum);
    }
  }

  private static double probe(SteeredAgent pod) {
    long begun = System.nanoTime();
    var get = "GET /livez HTTP/1.1\r\nHost: pod\r\nConnection: close\r\n\r\n";
    boolean good = ask(pod, get.getBytes(StandardCharsets.US_ASCII)).equals("200");
    return good ? (System.nanoTime() - begun) / 1e6 : Double.POSITIVE_INFINITY;
  }

  private static String ask(SteeredAgent pod, byte[] request) {
    try (var socket = new Socket()) {
      socket.connect(new InetSocketAddress("127.0.0.1", pod.agent().controlPort()), 5_000);
      socket.setSoTimeout(5_000);
      socket.getOutputStream().write(request);
      var head = socket.getInputStream().readNBytes(12);
      return head.length < 12 ? "cut off" : new String(head, 9, 3, StandardCharsets.US_ASCII);
    } catch (IOException e) {
      return "failed";
    }
  }
}
