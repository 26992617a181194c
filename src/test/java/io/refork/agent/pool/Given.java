package io.refork.agent.pool;

import io.refork.agent.pool.PoolSettings.Recycle;
import io.refork.agent.pool.PoolSettings.ReforkPolicy;
import io.refork.agent.pool.PoolSettings.Rollout;
import io.refork.agent.pool.PoolSettings.Timeouts;
import io.refork.agent.pool.PoolSettings.Unavailable;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;

/**
 * What a test wants of a pool. Short bounds, all different, so that a test that sees the wrong one
 * fails; reforks only when asked for; one worker may be unavailable.
 */
record Given(PoolSettings settings) {
  static final Duration BOOT = Duration.ofSeconds(20);
  static final Duration SPAWN = Duration.ofSeconds(5);
  static final Duration PROMOTE = Duration.ofSeconds(12);
  static final Duration DRAIN = Duration.ofSeconds(8);
  static final Duration KILL = Duration.ofSeconds(2);
  static final Duration SOAK = Duration.ofSeconds(3);

  static Given workers(int count) {
    return new Given(
        new PoolSettings(
            count,
            new ReforkPolicy(List.of(), false, OptionalInt.empty(), Duration.ZERO),
            new Rollout(new Unavailable.Count(1), 0, SOAK, 2),
            new Timeouts(
                BOOT, SPAWN, PROMOTE, Duration.ZERO, Duration.ZERO, DRAIN, Duration.ZERO, KILL),
            new Recycle(0, 0)));
  }

  Given reforkAfter(long... served) {
    return policy(Arrays.stream(served).boxed().toList(), false, Duration.ZERO);
  }

  Given reforkAfterAndSoOn(long... served) {
    return policy(Arrays.stream(served).boxed().toList(), true, Duration.ZERO);
  }

  Given minInterval(Duration pause) {
    var p = settings.refork();
    return policy(p.after(), p.repeatLast(), pause);
  }

  Given reforkBelow(int percent) {
    var p = settings.refork();
    return with(
        new ReforkPolicy(p.after(), p.repeatLast(), OptionalInt.of(percent), p.minInterval()),
        settings.rollout());
  }

  Given maxUnavailable(int count) {
    var r = settings.rollout();
    return with(
        settings.refork(),
        new Rollout(new Unavailable.Count(count), r.maxSurge(), r.canarySoak(), r.failureBudget()));
  }

  Given maxSurge(int count) {
    var r = settings.rollout();
    return with(
        settings.refork(),
        new Rollout(r.maxUnavailable(), count, r.canarySoak(), r.failureBudget()));
  }

  Given failureBudget(int failures) {
    var r = settings.rollout();
    return with(
        settings.refork(), new Rollout(r.maxUnavailable(), r.maxSurge(), r.canarySoak(), failures));
  }

  Given shutdownDelay(Duration delay) {
    return with(settings.timeouts().heartbeat(), delay);
  }

  Given heartbeat(Duration timeout) {
    return with(timeout, settings.timeouts().shutdownDelay());
  }

  private Given with(Duration heartbeat, Duration shutdownDelay) {
    var t = settings.timeouts();
    return new Given(
        new PoolSettings(
            settings.workers(),
            settings.refork(),
            settings.rollout(),
            new Timeouts(
                t.boot(),
                t.spawn(),
                t.promote(),
                t.request(),
                heartbeat,
                t.drain(),
                shutdownDelay,
                t.killAfter()),
            settings.recycle()));
  }

  private Given policy(List<Long> after, boolean repeat, Duration pause) {
    return with(
        new ReforkPolicy(after, repeat, settings.refork().belowPercent(), pause),
        settings.rollout());
  }

  private Given with(ReforkPolicy refork, Rollout rollout) {
    return new Given(
        new PoolSettings(
            settings.workers(), refork, rollout, settings.timeouts(), settings.recycle()));
  }

  /** A pool that has not started. */
  PoolDriver notStarted() {
    return new PoolDriver(settings);
  }

  /** A pool of ready workers, all of generation 0, that an operator steers. */
  PoolDriver steered() {
    return serving(new PoolDriver(Pool.steered(settings, new java.util.Random(1))));
  }

  /** A pool of ready workers, all of generation 0. */
  PoolDriver serving() {
    return serving(new PoolDriver(settings));
  }

  private PoolDriver serving(PoolDriver pool) {
    pool.seconds(1);
    if (pool.ready() != settings.workers()) {
      throw new AssertionError("the pool did not come up: " + pool.pool().view());
    }
    pool.forget();
    return pool;
  }
}
