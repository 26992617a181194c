package io.refork.agent.control;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The pool as its users see it: one immutable value, made by the event loop, read by probes,
 * metrics, {@code refork status} and later the operator's report. Unknown numbers are {@link
 * Measure.Unknown}, never 0.
 *
 * @param version the agent's
 * @param session new per agent start
 * @param phase booting, serving or stopping
 * @param ready whether the pool should get traffic
 * @param desired workers wanted
 * @param generation of the mold that new workers come from
 * @param level completed reforks
 */
public record Status(
    String version,
    String session,
    Phase phase,
    boolean ready,
    int desired,
    int generation,
    int level,
    Optional<Mold> mold,
    List<Worker> workers,
    Memory memory,
    Optional<Refork> refork,
    List<Failure> failures,
    List<Listener> listeners,
    Counters counters) {

  /** What the agent is doing as a whole. */
  public enum Phase {
    BOOTING,
    SERVING,
    STOPPING
  }

  /** A number, or why it is not known. */
  public sealed interface Measure {
    record Known(double value) implements Measure {}

    /** {@code reason} is one or two words, for example {@code not-sampled-yet}. */
    record Unknown(String reason) implements Measure {}
  }

  /** {@code state}: booting, preparing, ready, forking, stopping. */
  public record Mold(int pid, int generation, String state, ProcessMemory memory) {}

  /**
   * One slot.
   *
   * @param pid empty while none exists
   * @param state spawning, starting, ready, promoting, draining, stopping, backing-off
   * @param busy requests running now
   * @param oldestRequestSeconds 0 when none runs
   */
  public record Worker(
      int slot,
      Optional<Integer> pid,
      int generation,
      String state,
      long busy,
      long served,
      long errors,
      double oldestRequestSeconds,
      double ageSeconds,
      ProcessMemory memory) {}

  /** Bytes of anonymous memory of one process. */
  public record ProcessMemory(
      Measure privateBytes, Measure proportionalBytes, Measure residentBytes) {}

  /**
   * The pool's memory, anonymous pages only.
   *
   * @param proportionalBytes Σ over workers and molds
   * @param savedBytes against unshared copies
   * @param sharedRatio 0 to 1
   * @param containerBytes the cgroup's usage
   * @param containerLimitBytes the cgroup's limit
   * @param byRole mold, current, old
   */
  public record Memory(
      Measure proportionalBytes,
      Measure savedBytes,
      Measure sharedRatio,
      Measure containerBytes,
      Measure containerLimitBytes,
      Map<String, ProcessMemory> byRole) {}

  /**
   * The running refork, or the last one.
   *
   * @param id the number of the generation it makes, as a string
   * @param phase spare, promoting, canary, rolling, aborting, done
   * @param updated workers of the new generation that are ready
   * @param outcome running, completed, completed-unproven, refused, aborted
   * @param reason a {@link io.refork.agent.pool.ReforkReason}'s word; empty when there is none
   */
  public record Refork(
      String id,
      String phase,
      int updated,
      int total,
      String outcome,
      String reason,
      String detail) {}

  /** A death or refusal that a user would ask about; the newest first, at most 10. */
  public record Failure(
      String at,
      String what,
      Optional<Integer> slot,
      Optional<Integer> pid,
      int generation,
      String reason) {}

  /** A listening socket and its accept queue. */
  public record Listener(String name, String address, Measure queueLength, Measure queueLimit) {}

  /**
   * Totals since the agent's start. Keys are closed enums' words, so the number of series is
   * bounded.
   */
  public record Counters(
      long requests,
      long requestErrors,
      Map<String, Long> workerExits,
      Map<String, Long> spawns,
      Map<String, Map<String, Long>> reforks,
      Map<String, Long> refusals,
      long orphansReaped,
      long logLinesDropped,
      long connectionsTurnedAway,
      double backoffSeconds) {}
}
