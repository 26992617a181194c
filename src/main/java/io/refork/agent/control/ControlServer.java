package io.refork.agent.control;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.refork.agent.config.HostPort;
import io.refork.agent.control.Status.Phase;
import io.refork.agent.linux.PortHolder;
import io.refork.protocol.Escape;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * The agent's HTTP endpoint. It answers from one {@link Status} value that the event loop has left
 * behind, so it never waits for the loop or for a worker.
 *
 * <table>
 * <caption>What is answered</caption>
 * <tr><td>GET /startupz</td><td>200 {@code started} once the pool has served for the first time, else 503 {@code starting}</td></tr>
 * <tr><td>GET /readyz</td><td>200 {@code ready} while the pool should get traffic, else 503 {@code unready}</td></tr>
 * <tr><td>GET /livez</td><td>200 {@code live}; 503 {@code stuck} when the event loop has not turned for 30 s</td></tr>
 * <tr><td>GET /metrics</td><td>200, Prometheus text; 503 {@code busy} while two others are being answered</td></tr>
 * <tr><td>another method</td><td>405</td></tr>
 * <tr><td>another path</td><td>404</td></tr>
 * </table>
 *
 * Bodies are constant. Later the operator's signed PUT /v1/desired is another case of {@link
 * #answer}.
 */
public final class ControlServer implements AutoCloseable {
  /**
   * The loop turns every few seconds when nothing happens. Ten times that is a loop that will not
   * come back; a machine that is merely slow must not have its container killed.
   */
  static final Duration STUCK = Duration.ofSeconds(30);

  /** Two for scrapes, the others are always free for probes. */
  private static final int THREADS = 4;

  private static final int SCRAPES = 2;

  /**
   * Requests that wait for a thread; more are closed unanswered. A probe in it waits milliseconds.
   */
  private static final int WAITING = 32;

  private static final long STACK = 256 * 1024;

  private final HttpServer server;
  private final ThreadPoolExecutor pool;
  private final Supplier<Status> status;
  private final LongSupplier lastTurnNanos;
  private final Metrics metrics;
  private final Semaphore scrapes = new Semaphore(SCRAPES);

  private ControlServer(
      HttpServer server,
      ThreadPoolExecutor pool,
      Supplier<Status> status,
      LongSupplier lastTurnNanos) {
    this.server = server;
    this.pool = pool;
    this.status = status;
    this.lastTurnNanos = lastTurnNanos;
    this.metrics = new Metrics(status);
  }

  /**
   * Binds and answers from now on.
   *
   * @param status the newest; called from several threads, must not wait
   * @param lastTurnNanos {@link System#nanoTime()} (CLOCK_MONOTONIC) at the event loop's last turn,
   *     which is at most ten seconds ago in a healthy agent; must not wait
   * @throws IOException with a sentence for the user when the address cannot be bound
   */
  public static ControlServer start(
      HostPort address, Supplier<Status> status, LongSupplier lastTurnNanos) throws IOException {
    limitClients();
    var server = bind(address);
    var control = new ControlServer(server, threads(), status, lastTurnNanos);
    server.setExecutor(control.pool);
    server.createContext("/", control::handle);
    server.start();
    return control;
  }

  private static HttpServer bind(HostPort address) throws IOException {
    try {
      var host = InetAddress.getByName(address.host());
      return HttpServer.create(new InetSocketAddress(host, address.port()), 64);
    } catch (IOException e) {
      var why = String.valueOf(e.getMessage());
      var holder = PortHolder.of(address.port());
      throw new IOException(
          "cannot listen on "
              + address
              + " for --control: "
              + Escape.plain(why, Escape.MAX)
              + holder.map(by -> " (held by " + by + ")").orElse("")
              + "; give another HOST:PORT",
          e);
    }
  }

  /**
   * Settings of the JDK's server, read once when its classes load: clients that are slow, silent or
   * many are cut off instead of holding a thread. Seconds, but for the timer.
   */
  private static void limitClients() {
    set("sun.net.httpserver.maxReqTime", "2");
    set("sun.net.httpserver.maxRspTime", "5");
    set(
        "sun.net.httpserver.idleInterval",
        "90"); // longer than a scrape interval, so that Prometheus keeps its connection
    set("sun.net.httpserver.maxIdleConnections", "16");
    set("sun.net.httpserver.maxReqHeaders", "64");
    set("sun.net.httpserver.maxReqHeaderSize", "16384");
    set("sun.net.httpserver.drainAmount", "4096");
    set("jdk.httpserver.maxConnections", "128");
    set("sun.net.httpserver.nodelay", "true");
  }

  private static void set(String name, String value) {
    if (System.getProperty(name) == null) {
      System.setProperty(name, value);
    }
  }

  private static ThreadPoolExecutor threads() {
    var number = new AtomicInteger();
    var pool =
        new ThreadPoolExecutor(
            THREADS,
            THREADS,
            30,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(WAITING),
            task -> {
              var thread = new Thread(null, task, "refork-http-" + number.incrementAndGet(), STACK);
              thread.setDaemon(true);
              return thread;
            });
    pool.allowCoreThreadTimeOut(true);
    return pool;
  }

  /** The port that is really listened on. */
  public int port() {
    return server.getAddress().getPort();
  }

  /** Where the event loop leaves durations of spawns and reforks. */
  public Metrics metrics() {
    return metrics;
  }

  /** Stops at once; connections are closed. */
  @Override
  public void close() {
    server.stop(0);
    pool.shutdownNow();
  }

  private record Answer(int code, String type, String body) {
    static Answer word(boolean good, String yes, String no) {
      return new Answer(good ? 200 : 503, TEXT, good ? yes : no);
    }
  }

  private static final String TEXT = "text/plain; charset=utf-8";

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      var answer = answer(exchange);
      var body = answer.body().getBytes(StandardCharsets.UTF_8);
      var headers = exchange.getResponseHeaders();
      headers.set("Content-Type", answer.type());
      headers.set("Cache-Control", "no-store");
      if (answer.code() >= 400 && answer.code() < 500) {
        headers.set("Connection", "close"); // whatever body it sends, it is not read
      }
      if (answer.code() == 405) {
        headers.set("Allow", "GET");
      }
      exchange.sendResponseHeaders(answer.code(), body.length);
      exchange.getResponseBody().write(body);
    }
  }

  private Answer answer(HttpExchange exchange) {
    var path = String.valueOf(exchange.getRequestURI().getRawPath());
    boolean get = exchange.getRequestMethod().equals("GET");
    return switch (path) {
      case "/startupz", "/readyz", "/livez", "/metrics" ->
          get ? known(path) : new Answer(405, TEXT, "method not allowed\n");
      default -> new Answer(404, TEXT, "not found\n");
    };
  }

  private Answer known(String path) {
    return switch (path) {
      case "/startupz" ->
          Answer.word(status.get().phase() != Phase.BOOTING, "started\n", "starting\n");
      case "/readyz" -> Answer.word(status.get().ready(), "ready\n", "unready\n");
      case "/livez" ->
          Answer.word(
              System.nanoTime() - lastTurnNanos.getAsLong() < STUCK.toNanos(), "live\n", "stuck\n");
      default -> scrape();
    };
  }

  private Answer scrape() {
    if (!scrapes.tryAcquire()) {
      return new Answer(503, TEXT, "busy\n");
    }
    try {
      return new Answer(200, Metrics.CONTENT_TYPE, metrics.scrape());
    } finally {
      scrapes.release();
    }
  }
}
