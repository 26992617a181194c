package io.refork.agent.pool;

import java.time.Duration;
import java.util.List;
import java.util.OptionalInt;

/**
 * What the user wants of a pool, validated. One value, whatever it came from: flags, environment, a
 * file, later the operator. Everything here can change while the pool runs.
 *
 * @param workers how many workers, 1 to 512
 * @param refork when to refork by itself
 * @param rollout how carefully workers are replaced
 * @param timeouts every bound
 * @param recycle when a worker has served enough
 */
public record PoolSettings(
    int workers, ReforkPolicy refork, Rollout rollout, Timeouts timeouts, Recycle recycle) {

  /**
   * The automatic triggers.
   *
   * @param after by completed reforks: what one worker of the newest generation has served;
   *     strictly positive
   * @param repeatLast whether the last number of {@code after} repeats for ever
   * @param belowPercent refork when the shared ratio is below this, 1 to 99
   * @param minInterval between the end of a refork and the next automatic one
   */
  public record ReforkPolicy(
      List<Long> after, boolean repeatLast, OptionalInt belowPercent, Duration minInterval) {
    public ReforkPolicy {
      after = List.copyOf(after);
    }
  }

  /**
   * How workers are replaced.
   *
   * @param maxUnavailable how many may be not ready on purpose
   * @param maxSurge how many more than {@code workers} may exist, 0 to 512
   * @param canarySoak how long the first worker of a generation is watched
   * @param failureBudget the failure of a new worker that aborts the rollout, counted from 1
   */
  public record Rollout(
      Unavailable maxUnavailable, int maxSurge, Duration canarySoak, int failureBudget) {}

  /** {@code N} or {@code N%} of the workers. */
  public sealed interface Unavailable {
    record Count(int count) implements Unavailable {}

    /** Rounded down, but at least one; with one worker none. */
    record Percent(int percent) implements Unavailable {}

    /** How many workers that is, 0 to {@code workers}. */
    default int of(int workers) {
      return switch (this) {
        case Count c -> Math.min(c.count(), workers);
        case Percent p ->
            p.percent() == 0 || workers == 1 ? 0 : Math.max(1, workers * p.percent() / 100);
      };
    }
  }

  /**
   * Every bound of the pool. {@code request} and {@code heartbeat} are off when zero.
   *
   * @param boot from hello to ready; for the boot mold from its start
   * @param spawn from the command to fork until the newborn's hello
   * @param promote from {@code promote} to the new mold's ready
   * @param request how long one request may take
   * @param heartbeat how long an idle worker's loop may show no sign of life
   * @param drain how long a leaving worker may finish what is in flight
   * @param shutdownDelay how long the pool serves on after TERM
   * @param killAfter between TERM and KILL
   */
  public record Timeouts(
      Duration boot,
      Duration spawn,
      Duration promote,
      Duration request,
      Duration heartbeat,
      Duration drain,
      Duration shutdownDelay,
      Duration killAfter) {}

  /** A worker leaves after {@code maxRequests ± jitter}; 0: never. */
  public record Recycle(long maxRequests, long jitter) {}

  /** {@link Rollout#maxUnavailable} in workers. */
  public int maxUnavailable() {
    return rollout.maxUnavailable().of(workers);
  }
}
