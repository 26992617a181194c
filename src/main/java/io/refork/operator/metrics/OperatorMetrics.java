package io.refork.operator.metrics;

import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.refork.api.WaveLedger;
import io.refork.api.WaveLedger.Outcome;
import io.refork.api.WorkerPoolStatus;
import io.refork.operator.OperatorSettings;
import io.refork.operator.startup.Progress;
import io.refork.operator.startup.Stage;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.ToLongFunction;

/**
 * The operator's own metrics. The reconciler tells it the status of each pool that it has looked at
 * and what came of writing it; everything else follows from that. Names, units and labels stand in
 * docs/operator.md, and a test compares.
 *
 * <p>Labels are names of pools, and words of enums; an agent's text never becomes one.
 */
@Singleton
public class OperatorMetrics {
  /** What came of writing a status. */
  public enum Written {
    /** The API server has taken it. */
    Accepted,
    /** Somebody else had written in between: the next pass plans anew. */
    Conflict,
    Failed
  }

  private final MeterRegistry registry;
  private final boolean perPool;
  private final Map<ResourceID, Seen> pools = new ConcurrentHashMap<>();
  private final Set<String> words = ConcurrentHashMap.newKeySet();

  /** A pool as it was told last, with its gauges. */
  private record Seen(WorkerPoolStatus status, Optional<PoolGauges> gauges) {}

  @Inject
  public OperatorMetrics(MeterRegistry registry, OperatorSettings settings, Progress progress) {
    this(registry, settings.metrics().perPool());
    Gauge.builder("refork.operator.leader", () -> leads(progress.stage()) ? 1 : 0)
        .description("1 while this operator leads, also when there is no election")
        .register(registry);
  }

  OperatorMetrics(MeterRegistry registry, boolean perPool) {
    this.registry = registry;
    this.perPool = perPool;
    permits("granted", status -> ledger(status).map(held -> held.grants().size()).orElse(0));
    permits("reforking", status -> status.rollout().pods().reforking());
    // From the start, so that a rate over it is 0 and not nothing.
    waveDuration();
    for (var outcome : Written.values()) {
      writes(outcome);
    }
    for (var outcome : Outcome.values()) {
      if (outcome != Outcome.Running) {
        waves(outcome);
      }
    }
  }

  private static boolean leads(Stage stage) {
    return stage == Stage.Syncing || stage == Stage.Leading;
  }

  /** What came of writing one status. */
  public void wrote(Written outcome) {
    writes(outcome).increment();
  }

  /**
   * The status of a pool as it is now, whether it was worth a write or not, and its pods wanted.
   */
  public synchronized void pool(ResourceID pool, int podsWanted, WorkerPoolStatus status) {
    var before = Optional.ofNullable(pools.get(pool));
    var gauges =
        perPool
            ? before
                .flatMap(Seen::gauges)
                .or(() -> Optional.of(new PoolGauges(registry, pool, podsWanted, status)))
            : Optional.<PoolGauges>empty();
    gauges.ifPresent(shown -> shown.show(podsWanted, status));
    pools.put(pool, new Seen(status, gauges));
    word(status.summary());
    before.ifPresent(seen -> countWave(request(seen.status()), request(status)));
  }

  /** The pool is no more. */
  public synchronized void gone(ResourceID pool) {
    var seen = pools.remove(pool);
    if (seen != null) {
      seen.gauges().ifPresent(PoolGauges::remove);
    }
  }

  /** A word that no pool has any more stays, with 0. */
  private void word(String summary) {
    if (words.add(summary)) {
      Gauge.builder("refork.pools", () -> count(status -> status.summary().equals(summary) ? 1 : 0))
          .tag("status", summary)
          .description("Pools by the word of their STATUS column")
          .register(registry);
    }
  }

  private void permits(String state, ToLongFunction<WorkerPoolStatus> number) {
    Gauge.builder("refork.permits", () -> count(number))
        .tag("state", state)
        .description("Permits that are out, and pods that refork")
        .register(registry);
  }

  private long count(ToLongFunction<WorkerPoolStatus> number) {
    return pools.values().stream().map(Seen::status).mapToLong(number).sum();
  }

  /** A wave that was seen running and has ended since. */
  private void countWave(Optional<WaveLedger.Request> before, Optional<WaveLedger.Request> now) {
    var ended =
        now.filter(request -> request.outcome() != Outcome.Running)
            .filter(
                request ->
                    before
                        .filter(earlier -> earlier.outcome() == Outcome.Running)
                        .filter(earlier -> earlier.token().equals(request.token()))
                        .isPresent());
    ended.ifPresent(
        request -> {
          waves(request.outcome()).increment();
          var end = request.endedAt();
          if (end != null) {
            waveDuration()
                .record(Duration.between(Instant.parse(request.startedAt()), Instant.parse(end)));
          }
        });
  }

  private static Optional<WaveLedger> ledger(WorkerPoolStatus status) {
    return Optional.ofNullable(status.rollout().ledger());
  }

  private static Optional<WaveLedger.Request> request(WorkerPoolStatus status) {
    return ledger(status).flatMap(ledger -> Optional.ofNullable(ledger.request()));
  }

  private Counter writes(Written outcome) {
    return Counter.builder("refork.status.writes")
        .description("Attempts to write a pool's status")
        .tag("outcome", outcome.name().toLowerCase(Locale.ROOT))
        .register(registry);
  }

  private Counter waves(Outcome outcome) {
    return Counter.builder("refork.waves")
        .description("Requested waves that have ended")
        .tag("outcome", outcome.name())
        .register(registry);
  }

  private Timer waveDuration() {
    return Timer.builder("refork.wave.duration")
        .description("From the start of a requested wave to its end")
        .serviceLevelObjectives(
            Duration.ofMinutes(1),
            Duration.ofMinutes(5),
            Duration.ofMinutes(15),
            Duration.ofHours(1),
            Duration.ofHours(6))
        .register(registry);
  }
}
