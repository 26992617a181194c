package io.refork.api;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is. Made by one builder, at most 8 KiB, written only when something changed enough. Unknown
 * numbers are left out.
 *
 * @param summary one word for the STATUS column: a {@code Reason}, or {@code Ready}, {@code
 *     Starting}, {@code Rolling}, {@code Paused}
 * @param generation the newest one of any pod; absent while none reports
 * @param generations newest first, at most {@value #MAX_GENERATIONS}, the rest summed in the last
 * @param problemPods at most {@value #MAX_PROBLEM_PODS}
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record WorkerPoolStatus(
    long observedGeneration,
    int replicas,
    int readyReplicas,
    String selector,
    String summary,
    @Nullable Integer generation,
    Workers workers,
    List<Generation> generations,
    Memory memory,
    Rollout rollout,
    List<ProblemPod> problemPods,
    List<Condition> conditions) {
  /** Bounds that the schema enforces: a status beyond them is refused as a whole. */
  public static final int MAX_GENERATIONS = 5;

  public static final int MAX_PROBLEM_PODS = 10;

  /** Characters of every message; all of them together must fit 8 KiB. */
  public static final int MAX_MESSAGE = 512;

  /** Workers of all pods that report, by state. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record Workers(
      int desired, int ready, int busy, int starting, int draining, int backingOff) {}

  /** The pods whose newest generation this is, and every worker of it. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Generation(
      int generation, int pods, int workers, @Nullable Integer sharedPercent) {}

  /**
   * Anonymous memory of the pods that are measured, as Kubernetes quantities.
   *
   * @param pods how many are measured
   */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Memory(
      int pods,
      @Nullable String proportional,
      @Nullable String saved,
      @Nullable Integer sharedPercent,
      @Nullable String limit) {}

  /**
   * The running or last wave, for people; {@code ledger} is what the operator itself goes on from.
   *
   * @param level the highest that is proven
   */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Rollout(
      State state, int level, Pods pods, String message, @Nullable WaveLedger ledger) {}

  /** Where the wave stands. */
  public enum State {
    Idle,
    Canary,
    Soaking,
    Rolling,
    Aborted,
    Paused
  }

  /** Pods of the wave. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record Pods(int updated, int total, int reforking) {}

  /** A pod that somebody should look at. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record ProblemPod(String name, String reason, String message) {}

  /** metav1.Condition, with its fields required. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record Condition(
      String type,
      String status,
      String reason,
      String message,
      long observedGeneration,
      String lastTransitionTime) {}
}
