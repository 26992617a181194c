package io.refork.agent.cli;

import io.refork.agent.cli.HttpCaller.Reply;
import io.refork.agent.cli.HttpCaller.Target;
import io.refork.agent.cli.LoadSeen.Kind;
import io.refork.agent.cli.LoadSeen.Part;
import io.refork.agent.cli.LoadSeen.Tally;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** A little load: few clients that each wait between two requests. Started and stopped by one. */
final class TrialLoad implements AutoCloseable {
  /** Enough to keep both workers of a trial busy at times; one of them keeps its connection. */
  private static final int CLIENTS = 4;

  /** So at most 80 requests a second. */
  private static final long PAUSE_MILLIS = 50;

  /** All clients together: a request and the pause before it, with some room. */
  private static final long END_MILLIS = HttpCaller.PATIENCE_MILLIS + 500;

  private final Target target;
  private final Kind kind;
  private final List<String> paths;
  private final Map<Part, Tally> tallies = new EnumMap<>(Part.class);
  private final List<Thread> clients = new ArrayList<>();
  private volatile boolean stopped = true;

  private TrialLoad(Kind kind, Target target, List<String> paths) {
    this.kind = kind;
    this.target = target;
    this.paths = List.copyOf(paths);
  }

  /** Finds out what listens there, by one request or two. */
  static TrialLoad on(Target target, List<String> paths) {
    return switch (probe(target, paths.getFirst())) {
      case Reply.Answered a -> new TrialLoad(Kind.HTTP, target, paths);
      case Reply.NotHttp(var tls) when !tls -> new TrialLoad(Kind.NOT_HTTP, target, paths);
      case Reply.NotHttp n -> secured(target, paths, Kind.NOT_HTTP);
      case Reply.Lost l when l.how().startsWith("no reply") ->
          new TrialLoad(Kind.SILENT, target, paths);
      // Closed without a word: TLS servers do that too, and so does a worker that dies of it.
      case Reply.Lost l -> secured(target, paths, Kind.HTTP);
    };
  }

  private static TrialLoad secured(Target plain, List<String> paths, Kind otherwise) {
    var target = new Target(plain.host(), plain.port(), true, plain.headers());
    return probe(target, paths.getFirst()) instanceof Reply.Answered
        ? new TrialLoad(Kind.HTTPS, target, paths)
        : new TrialLoad(otherwise, plain, paths);
  }

  private static Reply probe(Target target, String path) {
    try (var caller = new HttpCaller(target, false)) {
      return caller.get(path);
    }
  }

  boolean isHttp() {
    return kind == Kind.HTTP || kind == Kind.HTTPS;
  }

  /** Sends requests from now on, until {@link #pause}. Nothing where nobody speaks HTTP. */
  void begin(Part part) {
    if (!isHttp() || !stopped) {
      return;
    }
    stopped = false;
    for (int i = 0; i < CLIENTS; i++) {
      int number = i;
      clients.add(Thread.ofPlatform().daemon().name("client").start(() -> send(part, number)));
    }
  }

  /** Ends all clients and their connections. */
  void pause() {
    stopped = true;
    long end = System.nanoTime() + END_MILLIS * 1_000_000;
    try {
      for (var client : clients) {
        client.join(Math.max(1, (end - System.nanoTime()) / 1_000_000));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    clients.clear();
  }

  private void send(Part part, int number) {
    try (var caller = new HttpCaller(target, number == 0)) {
      for (int n = number; !stopped; n++) {
        var path = paths.get(n % paths.size());
        long begun = System.nanoTime();
        var reply = caller.get(path);
        count(part, tally(path, reply, (System.nanoTime() - begun) / 1_000_000));
        Thread.sleep(PAUSE_MILLIS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static Tally tally(String path, Reply reply, long millis) {
    return switch (reply) {
      case Reply.Answered(var status, var cut) ->
          new Tally(
              1,
              0,
              "",
              status >= 500 ? 1 : 0,
              status < 400 ? Map.of() : Map.of(status + " " + path, 1L),
              cut ? 1 : 0,
              millis);
      case Reply.Lost(var how) -> new Tally(1, 1, path + ": " + how, 0, Map.of(), 0, 0);
      case Reply.NotHttp n ->
          new Tally(1, 1, path + ": a reply that is no HTTP", 0, Map.of(), 0, 0);
    };
  }

  private synchronized void count(Part part, Tally one) {
    tallies.merge(part, one, Tally::plus);
  }

  synchronized LoadSeen seen() {
    return new LoadSeen(kind, tallies);
  }

  @Override
  public void close() {
    stopped = true;
  }
}
