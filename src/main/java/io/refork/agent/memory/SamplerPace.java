package io.refork.agent.memory;

import io.refork.agent.memory.Sampler.Sample;
import io.refork.agent.memory.Sampler.Target;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Whose turn it is, and how long to pause after it. Pure. */
final class SamplerPace {
  /**
   * The pause in units of the look's cost: 1/300 of a CPU, so that loop and sampler together stay
   * below 0.5 %.
   */
  static final long COST_FACTOR = 300;

  /**
   * Nobody reads the numbers more often than every ten seconds, so a round of all takes at least
   * that long.
   */
  private static final long ROUND_MILLIS = 10_000;

  /** Between two looks in the ordinary round. */
  private static final long LEAST_MILLIS = 1_000;

  /**
   * While a process has never been looked at: a rollout's newborns are known soon, if they are
   * cheap.
   */
  private static final long NEWBORN_MILLIS = 100;

  /**
   * However slow one look was (a machine that stood still), the next comes. Reached at 0.2 s a
   * look: 3 GiB and more.
   */
  private static final long MOST_MILLIS = 60_000;

  private SamplerPace() {}

  /** One that was never looked at, else the one whose last look is the oldest. */
  static Optional<Target> next(List<Target> targets, Map<Integer, Sample> samples) {
    Target oldest = null;
    var at = 0L;
    for (var target : targets) {
      var sample = samples.get(target.pid());
      if (sample == null) {
        return Optional.of(target);
      }
      if (oldest == null || sample.atNanos() - at < 0) {
        oldest = target;
        at = sample.atNanos();
      }
    }
    return Optional.ofNullable(oldest);
  }

  /** Milliseconds to wait after a look that took {@code costNanos} of a CPU. */
  static long pause(long costNanos, int targets, boolean newborns) {
    var round =
        newborns ? NEWBORN_MILLIS : Math.max(LEAST_MILLIS, ROUND_MILLIS / Math.max(1, targets));
    var cost = Math.max(0, costNanos) * COST_FACTOR / 1_000_000;
    return Math.min(MOST_MILLIS, Math.max(round, cost));
  }
}
