package io.refork.process;

import static org.awaitility.Awaitility.await;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * HTTP load on a server, by some threads, until it is stopped (or for as long as its aim says). A
 * failed request is any reply but 200, a refused connection or a reset. A keep-alive connection
 * that is closed before a byte of the reply is retried once on a new one; such retries are counted
 * apart.
 */
public final class Load implements AutoCloseable {
  private final Aim aim;
  private final AtomicInteger next = new AtomicInteger();
  private final List<Thread> threads = new ArrayList<>();
  private final AtomicLong requests = new AtomicLong();
  private final AtomicLong retries = new AtomicLong();
  private final ConcurrentLinkedQueue<String> failures = new ConcurrentLinkedQueue<>();
  private final ConcurrentLinkedQueue<Long> nanos = new ConcurrentLinkedQueue<>();
  private final Map<String, Long> bodies = new ConcurrentHashMap<>();
  private volatile boolean stopped;

  /**
   * What is asked of whom, and how.
   *
   * @param paths in turns
   * @param keepAlive one connection per client, reused; else a new one for each request
   * @param pause of a client between a reply and its next request
   * @param most the load ends by itself after this time
   */
  public record Aim(
      String host,
      int port,
      List<String> paths,
      boolean keepAlive,
      Duration pause,
      Duration most) {}

  private Load(Aim aim) {
    this.aim = aim;
  }

  /** As the aim says, by this many clients. */
  public static Load start(Aim aim, int clients) {
    return new Load(aim).start(clients);
  }

  /** A new connection for each request, for two minutes at most. */
  public static Load newConnections(int port, String path, int clients) {
    return start(local(port, path, false), clients);
  }

  /** One connection per client, reused, for two minutes at most. */
  public static Load keepAlive(int port, String path, int clients) {
    return start(local(port, path, true), clients);
  }

  private static Aim local(int port, String path, boolean keepAlive) {
    return new Aim(
        "127.0.0.1", port, List.of(path), keepAlive, Duration.ZERO, Duration.ofMinutes(2));
  }

  /** What a run came to. {@code bodies}: how often each was answered. */
  public record Result(
      long requests,
      long retries,
      List<String> failures,
      List<Long> nanos,
      Map<String, Long> bodies) {
    /** Milliseconds below which this share of the requests stayed. */
    public double millis(double share) {
      var sorted = nanos.stream().sorted().toList();
      return sorted.isEmpty()
          ? 0
          : sorted.get((int) Math.min(sorted.size() - 1, sorted.size() * share)) / 1e6;
    }
  }

  /** One request on a connection of its own; the body. Throws when the reply is not 200. */
  public static String get(int port, String path) throws IOException {
    return get("127.0.0.1", port, path);
  }

  /** The same of another host. */
  public static String get(String host, int port, String path) throws IOException {
    try (var socket = connect(host, port)) {
      return exchange(socket, new BufferedInputStream(socket.getInputStream()), path, false).text();
    }
  }

  /** The body of one request, later, on a thread of its own; or what became of it instead. */
  public static CompletableFuture<String> later(int port, String path) {
    var reply = new CompletableFuture<String>();
    Thread.ofPlatform()
        .daemon()
        .start(
            () -> {
              try {
                reply.complete(get(port, path));
              } catch (IOException e) {
                reply.complete(e.toString());
              }
            });
    return reply;
  }

  private Load start(int clients) {
    for (int i = 0; i < clients; i++) {
      threads.add(Thread.ofPlatform().daemon().name("load-" + i).start(this::run));
    }
    return this;
  }

  /** Requests answered so far. */
  public long requests() {
    return requests.get();
  }

  /** Waits until replies from now on have been such that {@code seen} holds of all their bodies. */
  public void awaitBodies(Predicate<Set<String>> seen) {
    bodies.clear();
    await("replies").atMost(AgentProcess.LONG).until(() -> seen.test(bodies.keySet()));
  }

  /** What went wrong so far. */
  public List<String> failures() {
    return List.copyOf(failures);
  }

  /** Ends the load after the requests that are under way. */
  public Result stop() {
    stopped = true;
    for (var thread : threads) {
      try {
        thread.join(60_000);
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
    return new Result(
        requests.get(),
        retries.get(),
        List.copyOf(failures),
        List.copyOf(nanos),
        new TreeMap<>(bodies));
  }

  @Override
  public void close() {
    stop();
  }

  private void run() {
    var end = System.nanoTime() + aim.most().toNanos();
    Socket socket = null;
    InputStream in = null;
    while (!stopped && System.nanoTime() < end) {
      var path = aim.paths().get(Math.floorMod(next.getAndIncrement(), aim.paths().size()));
      var begun = System.nanoTime();
      try {
        var reused = socket != null;
        Reply body;
        try {
          if (socket == null) {
            socket = connect(aim.host(), aim.port());
            in = new BufferedInputStream(socket.getInputStream());
          }
          body = exchange(socket, in, path, aim.keepAlive());
        } catch (ClosedBeforeReply e) {
          if (!reused) {
            throw e;
          }
          retries.incrementAndGet();
          socket.close();
          socket = connect(aim.host(), aim.port());
          in = new BufferedInputStream(socket.getInputStream());
          body = exchange(socket, in, path, aim.keepAlive());
        }
        bodies.merge(body.text(), 1L, Long::sum);
        nanos.add(System.nanoTime() - begun);
        if (!aim.keepAlive() || body.closes()) {
          socket.close();
          socket = null;
        }
      } catch (IOException e) {
        failures.add(Instant.now() + " " + path + " after " + millisSince(begun) + " ms: " + e);
        close(socket); // gunicorn waits seconds for a client that does not
        socket = null;
      }
      requests.incrementAndGet();
      LockSupport.parkNanos(aim.pause().toNanos());
    }
    close(socket);
  }

  private static long millisSince(long nanos) {
    return (System.nanoTime() - nanos) / 1_000_000;
  }

  private static void close(@Nullable Socket socket) {
    if (socket != null) {
      try {
        socket.close();
      } catch (IOException e) {
        // nothing is lost with it
      }
    }
  }

  private static Socket connect(String host, int port) throws IOException {
    var socket = new Socket();
    socket.connect(new InetSocketAddress(host, port), 5_000);
    socket.setSoTimeout(30_000);
    socket.setTcpNoDelay(true);
    return socket;
  }

  private static final class ClosedBeforeReply extends IOException {
    private static final long serialVersionUID = 1L;

    ClosedBeforeReply(String message) {
      super(message);
    }
  }

  /** {@code closes}: the server announced that it closes the connection. */
  private record Reply(String text, boolean closes) {}

  private static Reply exchange(Socket socket, InputStream in, String path, boolean keepAlive)
      throws IOException {
    var request =
        "GET "
            + path
            + " HTTP/1.1\r\nHost: test\r\n"
            + (keepAlive ? "" : "Connection: close\r\n")
            + "\r\n";
    String line;
    try {
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      line = line(in);
    } catch (IOException e) {
      throw new ClosedBeforeReply(e.toString());
    }
    if (line.isEmpty()) {
      throw new ClosedBeforeReply("closed before a byte of the reply");
    }
    var length = -1;
    var closes = false;
    for (var header = line(in); !header.isEmpty(); header = line(in)) {
      var lower = header.toLowerCase(java.util.Locale.ROOT);
      if (lower.startsWith("content-length:")) {
        length = Integer.parseInt(header.substring(15).strip());
      } else if (lower.startsWith("connection:")) {
        closes = lower.contains("close");
      }
    }
    var body = length >= 0 ? in.readNBytes(length) : in.readAllBytes();
    if (length >= 0 && body.length != length) {
      throw new IOException("the reply was cut after " + body.length + " of " + length + " bytes");
    }
    if (!line.contains(" 200")) {
      throw new IOException("reply: " + line);
    }
    return new Reply(new String(body, StandardCharsets.UTF_8).strip(), closes);
  }

  private static String line(InputStream in) throws IOException {
    var line = new StringBuilder();
    for (int c = in.read(); c >= 0 && c != '\n'; c = in.read()) {
      if (c != '\r') {
        line.append((char) c);
      }
    }
    return line.toString();
  }
}
