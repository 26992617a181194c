package io.refork.bench;

import io.refork.process.Load;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Paced HTTP traffic on a server of this machine: some clients, each with at most one request under
 * way and a fixed number of requests per second, so that two servers get the same work at the same
 * time. Ends by itself after fifteen minutes.
 */
final class Traffic implements AutoCloseable {
  private static final long MOST_NANOS = Duration.ofMinutes(15).toNanos();

  private final HttpClient http =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(Duration.ofSeconds(10))
          .build();
  private final List<String> paths;
  private final int port;
  private final boolean keepAlive;
  private final long interval;
  private final AtomicInteger next = new AtomicInteger();
  private final Replies replies = new Replies();
  private final List<Thread> clients = new ArrayList<>();
  private volatile boolean stopped;

  /** Over kept-alive connections. */
  Traffic(int port, List<String> paths, int clients, double perSecond) {
    this(port, paths, clients, perSecond, true);
  }

  /**
   * Each request on a connection of its own, so that chance and not an old connection says which
   * worker answers.
   */
  static Traffic unkept(int port, List<String> paths, int clients, double perSecond) {
    return new Traffic(port, paths, clients, perSecond, false);
  }

  private Traffic(int port, List<String> paths, int clients, double perSecond, boolean keepAlive) {
    this.port = port;
    this.keepAlive = keepAlive;
    this.paths = paths;
    this.interval = (long) (1e9 * clients / perSecond);
    for (int i = 0; i < clients; i++) {
      long offset = interval * i / clients;
      this.clients.add(
          Thread.ofPlatform().daemon().name("client-" + port + "-" + i).start(() -> run(offset)));
    }
  }

  private void run(long offset) {
    long start = System.nanoTime();
    long due = start + offset;
    while (!stopped && System.nanoTime() - start < MOST_NANOS) {
      pause(due - System.nanoTime());
      var path = paths.get(next.getAndIncrement() % paths.size());
      long begun = System.nanoTime();
      var failure = keepAlive ? get(path) : getAlone(path);
      long ended = System.nanoTime();
      replies.add(new Replies.Reply(ended, ended - begun, failure));
      // Who is late catches up by at most one request: a stalled server is not punished by a burst.
      due = Math.max(due + interval, ended - interval);
    }
  }

  /**
   * The JDK's client retries an idempotent request once when a kept-alive connection was closed
   * before the reply.
   */
  private String get(String path) {
    try {
      var request =
          HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
              .timeout(Duration.ofSeconds(30))
              .build();
      int code = http.send(request, BodyHandlers.discarding()).statusCode();
      return code == 200 ? "" : "status " + code;
    } catch (IOException e) {
      return e.toString();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return "";
    }
  }

  private String getAlone(String path) {
    try {
      Load.get(port, path);
      return "";
    } catch (IOException e) {
      return path + ": " + e;
    }
  }

  private static void pause(long nanos) {
    if (nanos > 0) {
      try {
        Thread.sleep(Duration.ofNanos(nanos));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** What ended in [from, to), {@link System#nanoTime()}. */
  Replies.Summary between(long from, long to) {
    return replies.between(from, to);
  }

  List<String> failures() {
    return replies.failures();
  }

  @Override
  public void close() {
    stopped = true;
    for (var client : clients) {
      try {
        client.join(40_000);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  static double median(double... values) {
    var sorted = Arrays.stream(values).sorted().toArray();
    int n = sorted.length;
    return n == 0
        ? Double.NaN
        : n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
  }
}
