package io.refork.api;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import io.fabric8.kubernetes.model.annotation.SpecReplicas;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a user wants of a pool. The API server fills in the defaults, so after a round trip only
 * what is {@code Nullable} here can be missing.
 *
 * <p>The CRD is made from these annotations; defaults and ranges are added to the descriptions by
 * the generator. Ranges are those of the agent's options, which get these values as texts.
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
@ValidationRule(
    value =
        "!has(self.container) || self.template.spec.containers.exists(c, c.name == self.container)",
    fieldPath = ".container",
    message = "must be the name of one of spec.template.spec.containers",
    messageExpression =
        "self.container + ' is none of spec.template.spec.containers: name one of them'")
public record WorkerPoolSpec(
    @JsonPropertyDescription(
            "How many pods. Leave it out when an autoscaler sets it; its number is kept.")
        @SpecReplicas
        @Default("1")
        @Min(0) @Max(10_000) @Nullable Integer replicas,
    @JsonPropertyDescription(
            "How many workers serve in each pod: auto, or a number from 1 to 512. auto is the CPU"
                + " limit of the container, else the CPUs of the node; at least 2. A change"
                + " replaces no pod.")
        @Default("auto")
        @ValidationRule(
            value = "type(self) == int ? self >= 1 && self <= 512 : self == 'auto'",
            message = "must be auto or a whole number from 1 to 512",
            messageExpression =
                "(type(self) == int ? string(self) : self)"
                    + " + ' is neither auto nor a whole number from 1 to 512'")
        IntOrString workers,
    @JsonPropertyDescription(
            "Name of the container in the template that the application runs in. Left out: the"
                + " first one.")
        @Size(min = 1, max = 63) @Nullable String container,
    @JsonPropertyDescription(
            "Sockets that the agent opens and all workers inherit. They are also ports"
                + " of the container.")
        @Default("[{\"name\": \"http\", \"port\": 8000}]")
        @Size(min = 1, max = 16) @ValidationRule(
            value = "self.all(a, self.exists_one(b, b.port == a.port))",
            message = "every listener needs a port of its own")
        List<Listener> listeners,
    @JsonPropertyDescription("When pods refork.") @Default("{}") Refork refork,
    @JsonPropertyDescription("How carefully a new generation is introduced.") @Default("{}")
        Rollout rollout,
    @JsonPropertyDescription("Time limits inside a pod.") @Default("{}") Timeouts timeouts,
    @JsonPropertyDescription("When a worker is replaced by a fresh fork for its age.")
        @Default("{}")
        Recycle recycle,
    @JsonPropertyDescription(
            "Transparent huge pages of the application. Never: they would undo sharing, because"
                + " one write copies up to 2 MiB. Keep: as the node has it.")
        @Default("Never")
        TransparentHugePages transparentHugePages,
    @JsonPropertyDescription(
            "While true no pod gets leave to refork. Pods go on serving, and one that is in the"
                + " middle of a refork finishes it.")
        @Default("false")
        boolean paused,
    @JsonPropertyDescription("The agent that the operator adds to each pod.") @Default("{}")
        Agent agent,
    @JsonPropertyDescription(
            "The pod, as in a Deployment. The container's command is the application's; the agent"
                + " is put in front of it.")
        @ValidationRule(
            value = "!has(self.spec.hostPID) || !self.spec.hostPID",
            fieldPath = ".spec.hostPID",
            message = "hostPID must not be true: the agent has to be process 1 of its container")
        @ValidationRule(
            value = "!has(self.spec.shareProcessNamespace) || !self.spec.shareProcessNamespace",
            fieldPath = ".spec.shareProcessNamespace",
            message =
                "shareProcessNamespace must not be true: the agent has to be process 1 of its"
                    + " container")
        @ValidationRule(
            value = "!has(self.spec.hostNetwork) || !self.spec.hostNetwork",
            fieldPath = ".spec.hostNetwork",
            message =
                "hostNetwork must not be true: the agent's port would be the node's, and a second"
                    + " pod could not start there")
        @ValidationRule(
            value = "!has(self.spec.restartPolicy) || self.spec.restartPolicy == 'Always'",
            fieldPath = ".spec.restartPolicy",
            message = "restartPolicy must be Always, or left out")
        @JsonDeserialize(using = UnreadableTemplate.Reader.class)
        PodTemplateSpec template) {

  /** A socket that the agent opens and the workers inherit; also a port of the container. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record Listener(
      @JsonPropertyDescription(
              "Name of the socket and of the container's port, 1 to 15 lower-case letters, digits"
                  + " and single dashes; a letter first.")
          @Size(min = 1, max = 15) @ValidationRule(
              value = "self.matches('^[a-z]([a-z0-9]|-[a-z0-9])*$')",
              message =
                  "a listener's name is made of lower-case letters, digits and single dashes"
                      + " between them, and begins with a letter")
          @ValidationRule(
              value = "self != 'refork'",
              message = "refork is the name of the agent's own port: choose another one")
          String name,
      @JsonPropertyDescription("TCP port; 7300 is the agent's own.")
          @Min(1) @Max(65_535) @ValidationRule(
              value = "self != 7300",
              message = "port 7300 is the agent's own: choose another one")
          int port) {}

  /** When pods refork. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  @ValidationRule(
      value = "self.afterLast == 'Stop' || size(self.afterRequests) > 0",
      fieldPath = ".afterRequests",
      message = "afterLast: Repeat needs at least one number in afterRequests to repeat")
  public record Refork(
      @JsonPropertyDescription(
              "Who decides. Automatic: a pod's own triggers and requestedAt. Manual: requestedAt"
                  + " only. Never: nobody.")
          @Default("Automatic")
          Policy policy,
      @JsonPropertyDescription(
              "A pod asks to refork when one worker of its newest generation has served this many"
                  + " requests: the first number for the first refork, and so on. Numbers"
                  + " from 1 to 1000000000; none: not by requests.")
          @Default("[500, 2000]")
          @Size(max = 64) List<@Min(1) @Max(1_000_000_000) Long> afterRequests,
      @JsonPropertyDescription(
              "After the last number of afterRequests: Stop asks no more, Repeat uses that number"
                  + " again and again.")
          @Default("Stop")
          AfterLast afterLast,
      @JsonPropertyDescription(
              "A pod also asks to refork when its workers share less than this percentage of their"
                  + " anonymous memory. Left out: not by sharing.")
          @Min(1) @Max(99) @Nullable Integer belowSharedPercent,
      @JsonPropertyDescription("The least time between two reforks that a pod asks for itself.")
          @Default("10m")
          @Between(min = "0s", max = "720h")
          PoolDuration minInterval,
      @JsonPropertyDescription(
              "Any new text asks every pod of that moment to refork once; by custom the time of"
                  + " the request. 1 to 64 visible ASCII characters and blanks between them.")
          @Size(min = 1, max = 64) @ValidationRule(
              value = "self.matches('^[!-~]([ -~]*[!-~])?$')",
              message =
                  "requestedAt must be visible ASCII characters, such as a time:"
                      + " 2026-11-21T13:20:00Z")
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
  @ValidationRule(
      value = "duration(self.workers.canarySoak) < duration(self.pods.progressDeadline)",
      fieldPath = ".workers.canarySoak",
      message =
          "rollout.workers.canarySoak must be shorter than rollout.pods.progressDeadline, or no"
              + " pod can finish in time")
  public record Rollout(
      @JsonPropertyDescription("How workers are replaced inside one pod.") @Default("{}")
          Workers workers,
      @JsonPropertyDescription("How a refork goes from pod to pod.") @Default("{}") Pods pods) {}

  /** How workers are replaced inside one pod. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record Workers(
      @JsonPropertyDescription(
              "How many workers of a pod may be not ready on purpose: a number from 0 to 512, or a"
                  + " percentage from 0% to 100%, rounded down, but to 1 at least. With 0 and"
                  + " maxSurge 0 a spare worker is started first.")
          @Default("10%")
          @ValidationRule(
              value =
                  "type(self) == int ? self >= 0 && self <= 512 :"
                      + " self.matches('^([0-9]{1,2}|100)%$')",
              message = "must be a whole number from 0 to 512 or a percentage from 0% to 100%",
              messageExpression =
                  "(type(self) == int ? string(self) : self)"
                      + " + ' is neither a whole number from 0 to 512 nor a percentage from 0% to"
                      + " 100%'")
          IntOrString maxUnavailable,
      @JsonPropertyDescription("How many workers more than spec.workers may exist meanwhile.")
          @Default("0")
          @Min(0) @Max(512) int maxSurge,
      @JsonPropertyDescription(
              "How long the first worker of a new generation is watched before the others follow.")
          @Default("10s")
          @Between(min = "0s", max = "1h")
          PoolDuration canarySoak,
      @JsonPropertyDescription(
              "The failure of a new worker that aborts the pod's refork, counted from 1. A failed"
                  + " first worker aborts at once.")
          @Default("2")
          @Min(1) @Max(512) int failureBudget) {}

  /** How a refork goes from pod to pod. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @ValidationRule(
      value = "duration(self.canarySoak) <= duration(self.progressDeadline)",
      fieldPath = ".canarySoak",
      message = "rollout.pods.canarySoak must not be longer than progressDeadline")
  public record Pods(
      @JsonPropertyDescription("How many pods may refork at once; the canary is always alone.")
          @Default("1")
          @Min(1) @Max(WaveLedger.MAX_GRANTS) int maxConcurrent,
      @JsonPropertyDescription(
              "How long the first pod of a new level is watched before the others follow.")
          @Default("1m")
          @Between(min = "0s", max = "24h")
          PoolDuration canarySoak,
      @JsonPropertyDescription(
              "How long a wave may make no progress before it ends as DeadlineExceeded.")
          @Default("30m")
          @Between(min = "1s", max = "168h")
          PoolDuration progressDeadline) {}

  /** Bounds; {@code request} is off when zero. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record Timeouts(
      @JsonPropertyDescription(
              "From the start of the application, or from a new worker's first sign of life, until"
                  + " it is ready.")
          @Default("60s")
          @Between(min = "100ms", max = "24h")
          PoolDuration boot,
      @JsonPropertyDescription("From the command to fork until the new process answers.")
          @Default("10s")
          @Between(min = "100ms", max = "1h")
          PoolDuration spawn,
      @JsonPropertyDescription("For a worker to finish its requests and become the mold.")
          @Default("30s")
          @Between(min = "100ms", max = "1h")
          PoolDuration promote,
      @JsonPropertyDescription(
              "A worker with an older request writes a traceback and is replaced; 0 is off.")
          @Default("60s")
          @Between(min = "100ms", max = "24h", orZero = true)
          PoolDuration request,
      @JsonPropertyDescription(
              "How long a worker that leaves may finish what it has begun. The pod's grace period"
                  + " covers shutdownDelay and drain.")
          @Default("30s")
          @Between(min = "0s", max = "24h")
          PoolDuration drain,
      @JsonPropertyDescription(
              "How long a pod that ends serves on, not ready, until load balancers have noticed.")
          @Default("5s")
          @Between(min = "0s", max = "1h")
          PoolDuration shutdownDelay) {}

  /** A worker leaves after {@code maxRequests ± jitter}; 0: never. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @ValidationRule(
      value = "self.jitter < self.maxRequests || self.jitter == 0",
      fieldPath = ".jitter",
      message = "recycle.jitter must be smaller than recycle.maxRequests")
  public record Recycle(
      @JsonPropertyDescription(
              "Requests after which a worker is replaced by a fork of the current mold; 0 is never.")
          @Default("0")
          @Min(0) @Max(1_000_000_000) long maxRequests,
      @JsonPropertyDescription(
              "Requests by which that number varies at random, so that workers do not leave"
                  + " together.")
          @Default("0")
          @Min(0) @Max(999_999_999) long jitter) {}

  /** Whether the processes of the pool may have transparent huge pages. */
  public enum TransparentHugePages {
    Never,
    Keep
  }

  /** The agent's image (empty: the operator's default) and what its init container may use. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Agent(
      @JsonPropertyDescription(
              "Image that the init container copies the agent from, at most 512 characters; empty"
                  + " is the operator's default.")
          @Default("\"\"")
          @Size(max = 512) @ValidationRule(
              value = "self.matches('^[!-~]*$')",
              message = "agent.image must be the name of an image, without blanks")
          String image,
      @JsonPropertyDescription(
              "Requests and limits of that init container. The agent itself runs in the"
                  + " application's container and is within its limits.")
          @Nullable ResourceRequirements resources) {}
}
