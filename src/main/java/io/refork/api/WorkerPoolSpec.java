package io.refork.api;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a user wants of a pool. The API server fills in the defaults, so after a round trip only
 * what is {@code Nullable} here can be missing.
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record WorkerPoolSpec(
    @Nullable Integer replicas,
    IntOrString workers,
    @Nullable String container,
    List<Listener> listeners,
    Refork refork,
    Rollout rollout,
    Timeouts timeouts,
    Recycle recycle,
    TransparentHugePages transparentHugePages,
    boolean paused,
    Agent agent,
    PodTemplateSpec template) {

  /** A socket that the agent opens and the workers inherit; also a port of the container. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record Listener(String name, int port) {}

  /** When pods refork. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Refork(
      Policy policy,
      List<Long> afterRequests,
      AfterLast afterLast,
      @Nullable Integer belowSharedPercent,
      PoolDuration minInterval,
      @Nullable String requestedAt) {}

  /** Who decides when a pod reforks. */
  public enum Policy {
    /** A pod's own triggers and requested waves. */
    Automatic,
    /** Requested waves only. */
    Manual,
    /** Nobody. */
    Never
  }

  /** What happens after the last number of {@code afterRequests}. */
  public enum AfterLast {
    Stop,
    Repeat
  }

  /** How carefully. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record Rollout(Workers workers, Pods pods) {}

  /** How workers are replaced inside one pod. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record Workers(
      IntOrString maxUnavailable, int maxSurge, PoolDuration canarySoak, int failureBudget) {}

  /** How a refork goes from pod to pod. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record Pods(int maxConcurrent, PoolDuration canarySoak, PoolDuration progressDeadline) {}

  /** Bounds; {@code request} is off when zero. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record Timeouts(
      PoolDuration boot,
      PoolDuration spawn,
      PoolDuration promote,
      PoolDuration request,
      PoolDuration drain,
      PoolDuration shutdownDelay) {}

  /** A worker leaves after {@code maxRequests ± jitter}; 0: never. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record Recycle(long maxRequests, long jitter) {}

  /** Whether the processes of the pool may have transparent huge pages. */
  public enum TransparentHugePages {
    Never,
    Keep
  }

  /** The agent's image (empty: the operator's default) and what its init container may use. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Agent(String image, @Nullable ResourceRequirements resources) {}
}
