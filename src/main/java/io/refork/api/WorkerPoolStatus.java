package io.refork.api;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Size;
import io.fabric8.kubernetes.model.annotation.LabelSelector;
import io.fabric8.kubernetes.model.annotation.StatusReplicas;
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
    @JsonPropertyDescription("metadata.generation of the spec that this status is about.")
        long observedGeneration,
    @JsonPropertyDescription("Pods that exist.") @StatusReplicas int replicas,
    @JsonPropertyDescription("Pods that the kubelet calls ready.") int readyReplicas,
    @JsonPropertyDescription("Labels that select the pods, for the scale subresource.")
        @LabelSelector
        @Size(max = MAX_SELECTOR) String selector,
    @JsonPropertyDescription(
            "One word: what the pool does, or the reason of what is wrong; the STATUS column.")
        @Size(max = 64) String summary,
    @JsonPropertyDescription("The newest generation of any pod; absent while no pod reports.")
        @Nullable Integer generation,
    @JsonPropertyDescription("Workers of all pods that report, by state.") Workers workers,
    @JsonPropertyDescription(
            "The generations that exist, newest first; the older ones are summed in the" + " last.")
        @Size(max = MAX_GENERATIONS) List<Generation> generations,
    @JsonPropertyDescription("Anonymous memory of the pods that are measured.") Memory memory,
    @JsonPropertyDescription("The running or last wave.") Rollout rollout,
    @JsonPropertyDescription("Pods that somebody should look at.") @Size(max = MAX_PROBLEM_PODS) List<ProblemPod> problemPods,
    @JsonPropertyDescription(
            "Ready, Available, Progressing and Degraded; Reconciling and Stalled while they hold, for tools that ask for them.")
        @Size(max = 8) List<Condition> conditions) {
  /** Bounds that the schema enforces: a status beyond them is refused as a whole. */
  public static final int MAX_GENERATIONS = 5;

  public static final int MAX_PROBLEM_PODS = 10;

  /** The label's name and a pool's, which has up to 253 characters. */
  public static final int MAX_SELECTOR = 320;

  /** Characters of every message; all of them together must fit 8 KiB. */
  public static final int MAX_MESSAGE = 512;

  /** Workers of all pods that report, by state. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record Workers(
      @JsonPropertyDescription("Wanted in the pods that should exist.") int desired,
      @JsonPropertyDescription("Able to serve.") int ready,
      @JsonPropertyDescription("Serving at least one request now; they count as ready, too.")
          int busy,
      @JsonPropertyDescription("Forked and not ready yet.") int starting,
      @JsonPropertyDescription("Finishing their last requests.") int draining,
      @JsonPropertyDescription("Not started yet, because their predecessors died too soon.")
          int backingOff) {}

  /** The pods whose newest generation this is, and every worker of it. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Generation(
      @JsonPropertyDescription("Number of the mold, counted in each pod from 0.") int generation,
      @JsonPropertyDescription("Pods whose newest generation it is.") int pods,
      @JsonPropertyDescription("Workers that were forked from it, in all pods.") int workers,
      @JsonPropertyDescription(
              "Percentage of these workers' anonymous memory that is shared; absent when unknown.")
          @Nullable Integer sharedPercent) {}

  /**
   * Anonymous memory of the pods that are measured, as Kubernetes quantities.
   *
   * @param pods how many are measured
   */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Memory(
      @JsonPropertyDescription("Pods that are measured; the sums are over these.") int pods,
      @JsonPropertyDescription(
              "Proportional memory (PSS) of workers and molds, as a quantity such as 912Mi; absent"
                  + " when unknown.")
          @Size(max = 32) @Nullable String proportional,
      @JsonPropertyDescription(
              "Memory saved against unshared copies: resident memory of the workers less the"
                  + " proportional memory of workers and molds, as a quantity; absent when"
                  + " unknown.")
          @Size(max = 32) @Nullable String saved,
      @JsonPropertyDescription(
              "Percentage of the workers' anonymous memory that is shared; absent when unknown.")
          @Nullable Integer sharedPercent,
      @JsonPropertyDescription(
              "Sum of the containers' memory limits, as a quantity; absent when there are none.")
          @Size(max = 32) @Nullable String limit) {}

  /**
   * The running or last wave, for people; {@code ledger} is what the operator itself goes on from.
   *
   * @param level the highest that is proven
   */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Rollout(
      @JsonPropertyDescription("Where the wave stands.") State state,
      @JsonPropertyDescription("The highest level that a canary pod has reached and proven.")
          int level,
      @JsonPropertyDescription("Pods of the wave.") Pods pods,
      @JsonPropertyDescription("What happens now, or how it ended.") @Size(max = MAX_MESSAGE) String message,
      @JsonPropertyDescription(
              "What the operator goes on from after a restart. For machines; may change.")
          @Nullable WaveLedger ledger) {}

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
  public record Pods(
      @JsonPropertyDescription("Done with it.") int updated,
      @JsonPropertyDescription("Taking part.") int total,
      @JsonPropertyDescription("Reforking now.") int reforking) {}

  /** A pod that somebody should look at. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record ProblemPod(
      @JsonPropertyDescription("Name of the pod.") @Size(max = 253) String name,
      @JsonPropertyDescription("One word, as in conditions and Events.") @Size(max = 64) String reason,
      @JsonPropertyDescription("What is wrong, and what to do.") @Size(max = MAX_MESSAGE) String message) {}

  /** metav1.Condition, with its fields required. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record Condition(
      @JsonPropertyDescription("What it is about.") @Size(max = 64) String type,
      @JsonPropertyDescription("True, False or Unknown.") @Size(max = 16) String status,
      @JsonPropertyDescription("One word.") @Size(max = 64) String reason,
      @JsonPropertyDescription("A sentence for people.") @Size(max = MAX_MESSAGE) String message,
      @JsonPropertyDescription("metadata.generation of the spec that it is about.")
          long observedGeneration,
      @JsonPropertyDescription("When status last changed, RFC 3339.") @Size(max = 40) String lastTransitionTime) {}
}
