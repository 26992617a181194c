package io.refork.agent;

import io.refork.agent.config.ConfigWatcher;
import io.refork.agent.config.UsageException;
import io.refork.agent.control.LocalRequests;
import io.refork.agent.control.LocalRequests.Verdict;
import io.refork.agent.control.Status;
import io.refork.agent.linux.Kernel;
import io.refork.agent.log.Log;
import io.refork.agent.memory.Sampler;
import io.refork.agent.memory.Sampler.Sample;
import io.refork.agent.pool.Event;
import io.refork.agent.steer.ReportMaker.Seen;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/** The loop's other half: what users see and say. It publishes; it decides nothing. */
final class UserSide implements EventLoop.Side, Steering.Loop {
  /** A status that is a moment old is good enough, and making one costs half a millisecond. */
  private static final long PUBLISH = Duration.ofMillis(100).toNanos();

  /** Ages and queue lengths move although nothing happens. */
  private static final long PUBLISH_IDLE = Duration.ofSeconds(5).toNanos();

  private static final long LOOK_AT_CONFIG = Duration.ofSeconds(1).toNanos();

  private final Kernel kernel;
  private final Log log;
  private final EventLoop loop;
  private final StatusMaker maker;
  private final LocalSocket socket;
  private final ConfigWatcher watcher;
  private final Sampler sampler;
  private final boolean steered;
  private volatile Seen seen;
  private volatile Map<Integer, Sample> samples = Map.of();
  private volatile long lastTurn;
  private boolean stale = true;
  private volatile boolean sampled;
  private long published;
  private long nextConfig;
  private long now;

  UserSide(
      Kernel kernel,
      Log log,
      EventLoop loop,
      StatusMaker maker,
      int localSocket,
      ConfigWatcher watcher,
      boolean steered,
      Sampler.Reader reader) {
    this.kernel = kernel;
    this.log = log;
    this.loop = loop;
    this.maker = maker;
    this.watcher = watcher;
    this.steered = steered;
    this.socket = new LocalSocket(kernel, localSocket, this::answer);
    this.lastTurn = kernel.monotonicNanos();
    this.seen = look();
    this.sampler =
        new Sampler(
            reader,
            read -> {
              samples = read;
              // No wake-up: the loop turns within a second anyway, and an idle agent is worth it.
              sampled = true;
            });
  }

  /** The newest status; from any thread, never waits. */
  Status status() {
    return seen.status();
  }

  @Override
  public Seen newest() {
    return seen;
  }

  /** When the loop last turned, CLOCK_MONOTONIC nanoseconds; from any thread. */
  long lastTurn() {
    return lastTurn;
  }

  void close() {
    sampler.close();
  }

  @Override
  public List<Integer> readable() {
    return socket.readable();
  }

  @Override
  public void read(int fd) {
    socket.read(fd, now);
  }

  /** Whoever waits for a probe to turn, such as a load balancer, waits for nothing else. */
  @Override
  public long due() {
    return stale ? published + PUBLISH : Long.MAX_VALUE;
  }

  @Override
  public void turned(long poolNow, boolean changed) {
    now = poolNow;
    lastTurn = kernel.monotonicNanos();
    stale |= changed;
    socket.turned(now);
    if (now >= nextConfig) {
      nextConfig = now + LOOK_AT_CONFIG;
      lookAtConfig();
    }
    if (sampled) {
      sampled = false;
      stale = true;
      var ratio = maker.sharedRatio(samples);
      loop.ask(new Event.Shared(ratio.map(OptionalDouble::of).orElse(OptionalDouble.empty())));
    }
    if (stale && now - published >= PUBLISH || now - published >= PUBLISH_IDLE) {
      publish();
    }
  }

  private void publish() {
    published = now;
    stale = false;
    seen = look();
    sampler.watch(
        loop.members().all().stream()
            .map(m -> new Sampler.Target(m.pid(), m.startTime()))
            .toList());
  }

  @Override
  public Seen look() {
    return maker.seen(
        now,
        kernel.monotonicNanos(),
        samples,
        loop.failures(),
        new StatusMaker.Counts(loop.orphans(), log.dropped(), loop.turnedAway()));
  }

  private byte[] answer(byte[] line) {
    return LocalRequests.answer(line, look().status(), this::refork);
  }

  private Verdict refork() {
    if (steered) {
      return new Verdict(
          false,
          "steered by an operator, which decides when this pod reforks: change spec.refork.requestedAt of its"
              + " WorkerPool, or send USR2 to the agent to insist");
    }
    var now = status();
    if (now.phase() != Status.Phase.SERVING) {
      return new Verdict(false, "the pool is not serving: no refork now");
    }
    if (now.refork().map(r -> r.outcome().equals("running")).orElse(false)) {
      return new Verdict(false, "a refork is running already; see refork status");
    }
    loop.ask(new Event.ReforkAsked("local"));
    return new Verdict(true, "asked for a refork; follow it by refork status --watch");
  }

  @Override
  public void ask(Event event) {
    loop.ask(event);
  }

  @Override
  public void later(Runnable work) {
    loop.later(work);
  }

  @Override
  public void want(long generation, Map<String, String> settings) throws UsageException {
    changed(watcher.want(generation, settings));
  }

  private void lookAtConfig() {
    changed(watcher.look());
  }

  private void changed(ConfigWatcher.Change change) {
    switch (change) {
      case ConfigWatcher.Change.None() -> {}
      case ConfigWatcher.Change.Settings s -> {
        s.warnings().forEach(w -> log.warn("settings", "warning", w));
        log.info("settings changed");
        loop.ask(new Event.Desired(s.pool()));
      }
      case ConfigWatcher.Change.Broken b -> log.warn("settings", "warning", b.sentence());
    }
  }
}
