package io.refork.operator.agents;

import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.micrometer.core.instrument.MeterRegistry;
import io.refork.operator.agents.Judgement.Outcome;
import io.refork.protocol.control.DesiredCodec;
import io.refork.protocol.control.TokenSigner;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Tells every agent what is wanted of it and keeps what it reports. One request says both, so each
 * agent is asked once per interval, more often while it reforks, and at once when what is wanted of
 * it changes.
 *
 * <p>The reconciler steers and reads; the listener wakes it when a report could change a decision.
 * Every method may be called from any thread and waits for nothing; one thread owns all state but
 * the reports that are read.
 */
public final class Agents implements AutoCloseable {
  /** A single lost packet or a restart of an agent is no news; three in a row are. */
  static final int TRIES = 3;

  static final String PATH = "/v1/desired";

  private final PollSettings settings;
  private final Signer signer;
  private final Transport transport;
  private final Loop loop;
  private final Runnable close;
  private final AgentMetrics metrics;
  private final News news;
  private final Map<String, AgentReport> reports = new ConcurrentHashMap<>();

  /** UIDs of pods whose agent did not answer while they were not Ready. */
  private final Set<String> early = ConcurrentHashMap.newKeySet();

  /** Without anybody to ask the thread still turns, to be seen alive. */
  public static final Duration IDLE = Duration.ofSeconds(10);

  private final Schedule schedule;
  private final Map<String, Pod> pods = new HashMap<>();
  private final Map<ResourceID, Set<String>> pools = new HashMap<>();

  private boolean started;
  private volatile Runnable turned = () -> {};

  /** Counts starts and stops: an answer to a request of before is nobody's. */
  private int epoch;

  /** What {@link TokenSigner#sign} does. */
  interface Signer {
    String sign(String podUid, String method, String path, byte[] body);
  }

  private static final class Pod {
    Target target;
    Optional<AgentReport> told = Optional.empty();

    Pod(Target target) {
      this.target = target;
    }
  }

  Agents(
      PollSettings settings,
      Signer signer,
      Transport transport,
      Loop loop,
      Runnable close,
      MeterRegistry registry,
      Consumer<ResourceID> listener) {
    this.settings = settings;
    this.signer = signer;
    this.transport = transport;
    this.loop = loop;
    this.close = close;
    this.metrics = new AgentMetrics(registry);
    this.news = new News(listener);
    this.schedule = new Schedule(settings.concurrency(), settings.interval());
  }

  /**
   * Over HTTP, with a thread of its own. Asks nobody before {@link #start}.
   *
   * @param listener called with a pool's name when an agent's report could change what is decided;
   *     must not wait
   */
  public static Agents overHttp(
      PollSettings settings,
      TokenSigner signer,
      MeterRegistry registry,
      Consumer<ResourceID> listener) {
    var loop = new VertxLoop();
    var transport = new VertxTransport(loop, settings.timeout());
    return new Agents(settings, signer::sign, transport, loop, loop::close, registry, listener);
  }

  /**
   * Has this called on each turn of the poller's thread, {@link #IDLE} apart at most while it is
   * started: its sign of life. Must not wait.
   */
  public void whenTurning(Runnable sign) {
    turned = sign;
  }

  /** When leading: begins to ask. Without effect when it has begun. */
  public void start() {
    loop.execute(
        () -> {
          started = true;
          pump();
        });
  }

  /** When no longer leading: forgets all pods and reports. Answers still under way are dropped. */
  public void stop() {
    loop.execute(
        () -> {
          started = false;
          epoch++;
          schedule.clear();
          pods.clear();
          pools.clear();
          news.clear();
          reports.clear();
          early.clear();
        });
  }

  /** Ends its thread and its connections. Final. */
  @Override
  public void close() {
    stop();
    close.run();
  }

  /**
   * After each pass over a pool, when its status has confirmed what is sent: these are its pods,
   * all of them. A pod whose target differs from before is told at once; one that is not among them
   * is forgotten.
   */
  public void steer(ResourceID pool, Collection<Target> targets) {
    var all = Map.copyOf(byUid(targets));
    loop.execute(
        () -> {
          var before = pools.getOrDefault(pool, Set.of());
          before.stream().filter(uid -> !all.containsKey(uid)).forEach(this::remove);
          all.values().forEach(this::add);
          if (all.isEmpty()) {
            pools.remove(pool);
          } else {
            pools.put(pool, new HashSet<>(all.keySet()));
          }
          pump();
        });
  }

  /** The pool is gone. */
  public void forget(ResourceID pool) {
    steer(pool, Set.of());
    loop.execute(() -> news.forget(pool));
  }

  /**
   * What is known of a pod's agent; empty before the first answer, and when it is not steered.
   *
   * @param ready the kubelet's word of now. That nobody answered before the pod was Ready says
   *     nothing about it any more: without this every new pod would be called unreachable for a
   *     moment
   */
  public Optional<AgentReport> report(String uid, boolean ready) {
    return ready && early.contains(uid) ? Optional.empty() : Optional.ofNullable(reports.get(uid));
  }

  private static Map<String, Target> byUid(Collection<Target> targets) {
    var all = new HashMap<String, Target>();
    targets.forEach(target -> all.put(target.uid(), target));
    return all;
  }

  private void add(Target target) {
    var pod = pods.get(target.uid());
    if (pod == null) {
      pods.put(target.uid(), new Pod(target));
      schedule.add(target.uid(), loop.nanos());
      return;
    }
    var before = pod.target;
    pod.target = target;
    if (target.ready() && early.remove(target.uid())) {
      reports.remove(target.uid());
      pod.told = Optional.empty();
    }
    if (target.differsFrom(before)) {
      schedule.press(target.uid());
    }
  }

  private void remove(String uid) {
    pods.remove(uid);
    schedule.remove(uid);
    reports.remove(uid);
    early.remove(uid);
  }

  /** Sends what is due as far as there are places, and sets the alarm for what comes next. */
  private void pump() {
    if (!started) {
      return;
    }
    turned.run();
    long now = loop.nanos();
    for (var next = schedule.take(now); next.isPresent(); next = schedule.take(now)) {
      ask(java.util.Objects.requireNonNull(pods.get(next.get())).target);
    }
    news.tell(now);
    Stream.of(schedule.next(now), news.next(now), Optional.of(IDLE))
        .flatMap(Optional::stream)
        .min(Duration::compareTo)
        .ifPresent(wait -> loop.alarm(wait, this::pump));
  }

  private void ask(Target target) {
    var address = Addresses.of(target.ip(), settings.loopback());
    if (address.isEmpty()) {
      judgeLater(
          target,
          new Judgement.Wrong(
              Outcome.UNSENDABLE, "the pod's address is not one that a pod may have; not asked"));
      return;
    }
    byte[] body;
    String token;
    try {
      body = DesiredCodec.encode(target.desired());
      token = signer.sign(target.uid(), "PUT", PATH, body);
    } catch (IllegalArgumentException e) {
      judgeLater(
          target,
          new Judgement.Wrong(
              Outcome.UNSENDABLE, "the settings of the pool are too long for a request; not sent"));
      return;
    }
    int asked = epoch;
    long begun = loop.nanos();
    var request = new Transport.Request(address.get(), settings.port(), token, body);
    transport.put(
        request,
        reply -> {
          if (asked == epoch) {
            judged(target, begun, Judgement.of(target.uid(), reply));
          }
        });
  }

  /** Not at once: the pump is running. */
  private void judgeLater(Target target, Judgement judgement) {
    int asked = epoch;
    long begun = loop.nanos();
    loop.execute(
        () -> {
          if (asked == epoch) {
            judged(target, begun, judgement);
          }
        });
  }

  private void judged(Target asked, long begun, Judgement judgement) {
    long now = loop.nanos();
    metrics.count(judgement.outcome(), Duration.ofNanos(now - begun));
    int failures = schedule.done(asked.uid(), result(asked, judgement), now);
    var pod = pods.get(asked.uid());
    // An address that the pod no longer has says nothing about it, whoever has it now.
    if (pod != null && pod.target.ip().equals(asked.ip())) {
      var at = loop.now();
      switch (judgement) {
        case Judgement.Valid(var report) -> learn(pod, new AgentReport.Reported(report, at), now);
        case Judgement.Silent(_, var why) when failures >= TRIES ->
            learn(pod, new AgentReport.Unreachable(why, at), now);
        case Judgement.Wrong(_, var why) when failures >= TRIES ->
            learn(pod, new AgentReport.Invalid(why, at), now);
        case Judgement.Silent _, Judgement.Wrong _ -> {}
      }
    }
    pump();
  }

  private static Schedule.Result result(Target asked, Judgement judgement) {
    return switch (judgement) {
      case Judgement.Valid(var report)
          when asked.desired().permit().isPresent() || report.running().isPresent() ->
          Schedule.Result.BUSY;
      case Judgement.Valid _ -> Schedule.Result.ANSWERED;
      case Judgement.Silent _, Judgement.Wrong _ -> Schedule.Result.FAILED;
    };
  }

  private void learn(Pod pod, AgentReport report, long now) {
    reports.put(pod.target.uid(), report);
    if (report instanceof AgentReport.Reported || pod.target.ready()) {
      early.remove(pod.target.uid());
    } else {
      early.add(pod.target.uid());
    }
    if (Relevance.changed(pod.told, report, pod.target.desired().permit().isPresent())) {
      pod.told = Optional.of(report);
      news.of(pod.target.pool(), now);
    }
  }

  /** For tests: pods known, pools known, news not yet told. */
  int held() {
    return pods.size()
        + pools.size()
        + news.size()
        + reports.size()
        + early.size()
        + schedule.size();
  }
}
