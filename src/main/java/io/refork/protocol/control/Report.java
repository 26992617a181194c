package io.refork.protocol.control;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The answer to {@code PUT /v1/desired}: what an agent says of its pod. At most {@value #MAX_BYTES}
 * bytes as JSON. The operator treats it as hostile input: sized, ranged, escaped, never a label.
 *
 * @param session new per agent start: letters and digits, at most 20
 * @param pod UID of the pod the agent believes to be in
 * @param version the agent's, at most 64 characters
 * @param observed the revision of the desired state that is in force; empty before the first
 * @param phase what the agent is doing as a whole
 * @param ready whether the pool should get traffic
 * @param level reforks completed since the agent's start, at least 0
 * @param mold the one that forks workers; empty while there is none
 * @param desired workers wanted, 1 to 512
 * @param workers how many are in each state; states that nobody is in may be left out
 * @param busy workers that run at least one request
 * @param generations newest first, at most {@value #MAX_GENERATIONS}
 * @param eligible set when the pod's own trigger asks for a refork and nothing on its side stands
 *     against one
 * @param running the refork under way, whoever began it
 * @param last the refork or permit that ended last, also before a restart of the agent
 * @param lastRequest token of the last requested wave that this pod has finished its part of,
 *     whatever became of its refork; a permit that lapsed before anything began does not count.
 *     Survives a restart of the agent
 * @param memory anonymous memory of the pool, and the container's
 * @param backoffSeconds the longest pause that anything waits for; 0 when nothing does
 * @param failures the newest first, at most {@value #MAX_FAILURES}
 */
public record Report(
    String session,
    String pod,
    String version,
    Optional<Revision> observed,
    Phase phase,
    boolean ready,
    int level,
    Optional<Mold> mold,
    int desired,
    Map<WorkerState, Integer> workers,
    int busy,
    List<Generation> generations,
    Optional<Eligible> eligible,
    Optional<Running> running,
    Optional<Finished> last,
    Optional<String> lastRequest,
    Memory memory,
    double backoffSeconds,
    List<Failure> failures) {
  /** More is refused unread. */
  public static final int MAX_BYTES = 16 * 1024;

  public static final int MAX_GENERATIONS = 8;
  public static final int MAX_FAILURES = 5;

  /** Characters of a line for a human. */
  public static final int MAX_TEXT = 200;

  public Report {
    workers = Map.copyOf(workers);
    generations = List.copyOf(generations);
    failures = List.copyOf(failures);
  }

  /** What the agent as a whole does. */
  public enum Phase {
    BOOTING,
    SERVING,
    STOPPING
  }

  /** Where a slot stands. */
  public enum WorkerState {
    STARTING,
    READY,
    PROMOTING,
    DRAINING,
    BACKING_OFF
  }

  /** {@code state} is one of preparing, ready, stopping. */
  public record Mold(int generation, String state) {}

  /**
   * The workers that were forked from one mold.
   *
   * @param workers that exist
   * @param ready of them
   * @param privateBytes Σ over them, anonymous
   * @param residentBytes Σ over them, anonymous
   */
  public record Generation(
      int generation, int workers, int ready, Measure privateBytes, Measure residentBytes) {}

  /**
   * Why the pod asks for a refork.
   *
   * @param level it would reach
   * @param cause {@code requests} or {@code shared-ratio}
   */
  public record Eligible(int level, String cause) {}

  /**
   * A refork under way.
   *
   * @param permit its id; empty when nobody permitted it (a signal from inside the pod)
   * @param phase spare, promoting, canary, soaking, rolling
   * @param updated workers of the new generation that are ready
   */
  public record Running(Optional<String> permit, String phase, int updated, int total) {}

  /**
   * A refork that ended.
   *
   * @param permit its id; empty when nobody permitted it
   * @param outcome how
   * @param reason one of the agent's words such as {@code canary-died}; empty when it completed
   * @param detail one line for a human, at most 200 characters
   */
  public record Finished(Optional<String> permit, Outcome outcome, String reason, String detail) {}

  /** How a refork ended. */
  public enum Outcome {
    COMPLETED,
    /** Completed, but the canary had too few requests to be judged by its answers. */
    COMPLETED_UNPROVEN,
    /** No worker could be promoted. */
    REFUSED,
    ABORTED,
    /** The permit's {@code startBy} passed, or the agent restarted, before it was done. */
    LAPSED
  }

  /** A number, or why it is not known. */
  public sealed interface Measure {
    record Known(double value) implements Measure {}

    /** {@code reason} is a word or two, for example {@code not-sampled-yet}. */
    record Unknown(String reason) implements Measure {}
  }

  /**
   * Bytes; the ratio is 0 to 1.
   *
   * @param resident Σ over the workers, anonymous
   * @param proportional Σ over workers and molds, anonymous
   * @param privateBytes Σ over the workers, anonymous
   * @param saved against unshared copies
   * @param sharedRatio over the workers
   * @param container the cgroup's usage
   * @param limit the cgroup's limit
   */
  public record Memory(
      Measure resident,
      Measure proportional,
      Measure privateBytes,
      Measure saved,
      Measure sharedRatio,
      Measure container,
      Measure limit) {}

  /**
   * A death or refusal that somebody would ask about.
   *
   * @param at RFC 3339
   * @param what one line, at most 200 characters
   * @param reason one of the agent's words
   */
  public record Failure(String at, String what, String reason) {}
}
