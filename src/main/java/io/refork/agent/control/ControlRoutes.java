package io.refork.agent.control;

import io.refork.agent.control.Status.Phase;
import io.refork.agent.http.Bucket;
import io.refork.agent.http.Head;
import io.refork.agent.http.Lane;
import io.refork.agent.http.Reply;
import io.refork.agent.http.Routes;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * What the endpoint answers. Probes are answered from one {@link Status} value that the event loop
 * has left behind, so they never wait for the loop or for a worker.
 *
 * <table>
 * <caption>What is answered</caption>
 * <tr><td>GET /startupz</td><td>200 {@code started} once the pool has served for the first time, else 503 {@code starting}</td></tr>
 * <tr><td>GET /readyz</td><td>200 {@code ready} while the pool should get traffic, else 503 {@code unready}</td></tr>
 * <tr><td>GET /livez</td><td>200 {@code live}; 503 {@code stuck} when the event loop has not turned for 30 s</td></tr>
 * <tr><td>GET /metrics</td><td>200, Prometheus text; 503 {@code busy} while too many wait for theirs; beyond 5 a second the last text again</td></tr>
 * <tr><td>PUT /v1/desired</td><td>signed by the operator: 200 and the report. Else 401, 403, 409, 413 or 429: see {@link Gate}</td></tr>
 * <tr><td>another method</td><td>405</td></tr>
 * <tr><td>GET with a body</td><td>413, unread</td></tr>
 * <tr><td>another path</td><td>404</td></tr>
 * </table>
 *
 * Bodies are constant, but for metrics and reports.
 */
final class ControlRoutes implements Routes, AutoCloseable {
  /** Two scrapers and one more; a scrape takes 3 ms. */
  private static final int SCRAPES_WAITING = 2;

  /** Texts a second that are made anew, at 3 ms each: two scrapers need one a second at most. */
  private static final int SCRAPES = 5;

  private static final int SCRAPES_AT_ONCE = 10;

  private static final Reply STARTED = Reply.text(200, "started");
  private static final Reply STARTING = Reply.text(503, "starting");
  private static final Reply READY = Reply.text(200, "ready");
  private static final Reply UNREADY = Reply.text(503, "unready");
  private static final Reply LIVE = Reply.text(200, "live");
  private static final Reply HANGS = Reply.text(503, "stuck");
  private static final Reply BUSY = Reply.text(503, "busy");
  private static final Reply TOO_LARGE = Reply.text(413, "too large");
  private static final Reply NOT_FOUND = Reply.text(404, "not found");
  private static final Reply ONLY_GET = Reply.text(405, "method not allowed", "Allow: GET");
  private static final Reply ONLY_PUT = Reply.text(405, "method not allowed", "Allow: PUT");

  private final Supplier<Status> status;
  private final LongSupplier lastTurnNanos;
  private final Metrics metrics;
  private final Gate gate;
  private final Bucket fresh = new Bucket(SCRAPES_AT_ONCE, SCRAPES, System.nanoTime());
  private volatile Optional<Reply> last = Optional.empty();
  private final Lane scrapes = new Lane("refork-metrics", SCRAPES_WAITING, BUSY);

  ControlRoutes(Supplier<Status> status, LongSupplier lastTurnNanos, Metrics metrics, Gate gate) {
    this.status = status;
    this.lastTurnNanos = lastTurnNanos;
    this.metrics = metrics;
    this.gate = gate;
  }

  @Override
  public Optional<Reply> door(Head.Line line, Head.Peer peer) {
    return isSteering(line) ? gate.door(peer) : Optional.empty();
  }

  @Override
  public Decision decide(Head head) {
    if (isSteering(head.line())) {
      return gate.decide(head);
    }
    boolean get = head.line().method().equals("GET");
    if (get && head.contentLength() > 0) {
      return new Decision.Answer(TOO_LARGE); // other methods are refused by what they are
    }
    return switch (head.line().path()) {
      case "/startupz" -> probe(get, status.get().phase() == Phase.BOOTING ? STARTING : STARTED);
      case "/readyz" -> probe(get, status.get().ready() ? READY : UNREADY);
      case "/livez" -> probe(get, isStuck() ? HANGS : LIVE);
      case "/metrics" -> get ? scrape() : new Decision.Answer(ONLY_GET);
      case Gate.PATH -> new Decision.Answer(ONLY_PUT);
      default -> new Decision.Answer(NOT_FOUND);
    };
  }

  @Override
  public void close() {
    scrapes.close();
    gate.close();
  }

  private static boolean isSteering(Head.Line line) {
    return line.method().equals("PUT") && line.path().equals(Gate.PATH);
  }

  private static Decision probe(boolean get, Reply reply) {
    return new Decision.Answer(get ? reply : ONLY_GET);
  }

  private boolean isStuck() {
    return System.nanoTime() - lastTurnNanos.getAsLong() >= ControlServer.STUCK.toNanos();
  }

  /** Who asks more often than texts are made gets the last one: it is of this very second. */
  private Decision scrape() {
    if (!fresh.take(System.nanoTime())) {
      return new Decision.Answer(last.orElse(BUSY));
    }
    return new Decision.Work(
        scrapes,
        body -> {
          var text = metrics.scrape().getBytes(StandardCharsets.UTF_8);
          var reply = Reply.of(200, Metrics.CONTENT_TYPE, text);
          last = Optional.of(reply);
          return reply;
        },
        () -> {});
  }
}
