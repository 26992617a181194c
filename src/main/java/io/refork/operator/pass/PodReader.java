package io.refork.operator.pass;

import io.fabric8.kubernetes.api.model.ContainerState;
import io.fabric8.kubernetes.api.model.ContainerStateTerminated;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodCondition;
import io.fabric8.kubernetes.api.model.PodStatus;
import io.refork.api.WorkerPool;
import io.refork.operator.agents.AgentReport;
import io.refork.operator.plan.PodSeen;
import io.refork.operator.plan.PodSeen.Trouble;
import io.refork.operator.pods.Names;
import io.refork.protocol.Escape;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A pod as the API server tells of it, in the planner's words. */
public final class PodReader {
  private static final int MAX_MESSAGE = 300;

  /** Of a container's termination message: with the exit code before it, it still fits. */
  private static final int LAST_WORDS = 270;

  /** Every container waits like that for a while. */
  private static final Set<String> ON_ITS_WAY = Set.of("ContainerCreating", "PodInitializing");

  private PodReader() {}

  /**
   * Whether the pod's controller is a ReplicaSet named as those of the pool's Deployment are: its
   * name and the pod's hash. A label that strays to another's pod is not enough. It is no proof:
   * who may make pods in the namespace may write that, too, and gets no more than a request that is
   * of use to that very pod.
   */
  public static boolean isOf(WorkerPool pool, Pod pod) {
    var metadata = pod.getMetadata();
    var labels = Optional.ofNullable(metadata.getLabels());
    var hash = labels.map(all -> all.get("pod-template-hash"));
    return pool.getMetadata().getNamespace().equals(metadata.getNamespace())
        && hash.isPresent()
        && metadata.getOwnerReferences().stream()
            .anyMatch(
                owner ->
                    Boolean.TRUE.equals(owner.getController())
                        && "ReplicaSet".equals(owner.getKind())
                        && (Names.deployment(pool) + "-" + hash.get()).equals(owner.getName()));
  }

  /** The kubelet's word. */
  public static boolean isReady(Pod pod) {
    return Optional.ofNullable(pod.getStatus())
        .filter(status -> !ended(status))
        .flatMap(status -> condition(status, "Ready"))
        .filter(c -> "True".equals(c.getStatus()))
        .isPresent();
  }

  private static boolean ended(PodStatus status) {
    return "Succeeded".equals(status.getPhase()) || "Failed".equals(status.getPhase());
  }

  /**
   * @param report what its agent said
   */
  public static PodSeen read(WorkerPool pool, Pod pod, Optional<AgentReport> report) {
    var metadata = pod.getMetadata();
    var status = Optional.ofNullable(pod.getStatus()).orElseGet(PodStatus::new);
    return new PodSeen(
        metadata.getUid(),
        metadata.getName(),
        Optional.ofNullable(status.getPodIP()).filter(ip -> !ip.isEmpty()),
        time(metadata.getCreationTimestamp()).orElse(Instant.EPOCH),
        Optional.ofNullable(metadata.getLabels())
            .map(labels -> labels.get(Names.REVISION))
            .orElse(""),
        isReady(pod),
        ended(status) || metadata.getDeletionTimestamp() != null,
        restarts(pool, status),
        troubles(status),
        report);
  }

  private static int restarts(WorkerPool pool, PodStatus status) {
    var name = pool.getSpec().container();
    return status.getContainerStatuses().stream()
        .filter(container -> name == null || name.equals(container.getName()))
        .findFirst()
        .map(ContainerStatus::getRestartCount)
        .orElse(0);
  }

  private static List<Trouble> troubles(PodStatus status) {
    var all = new ArrayList<Trouble>();
    condition(status, "PodScheduled")
        .filter(c -> "False".equals(c.getStatus()))
        .map(c -> trouble("", c.getReason(), c.getMessage(), true, Optional.empty()))
        .ifPresent(all::add);
    Stream.concat(
            status.getInitContainerStatuses().stream(), status.getContainerStatuses().stream())
        .forEach(container -> troubles(all, container));
    // Now first, then the newest.
    all.sort(
        Comparator.comparing(Trouble::now)
            .thenComparing(trouble -> trouble.at().orElse(Instant.EPOCH))
            .reversed());
    return all;
  }

  private static void troubles(List<Trouble> all, ContainerStatus container) {
    var state = Optional.ofNullable(container.getState());
    var name = container.getName();
    state
        .map(ContainerState::getWaiting)
        .filter(w -> w.getReason() != null && !ON_ITS_WAY.contains(w.getReason()))
        .map(w -> trouble(name, w.getReason(), w.getMessage(), true, Optional.empty()))
        .ifPresent(all::add);
    state
        .map(ContainerState::getTerminated)
        .filter(PodReader::failed)
        .map(t -> ended(name, t, true))
        .ifPresent(all::add);
    Optional.ofNullable(container.getLastState())
        .map(ContainerState::getTerminated)
        .filter(PodReader::failed)
        .map(t -> ended(name, t, false))
        .ifPresent(all::add);
  }

  private static boolean failed(ContainerStateTerminated terminated) {
    return terminated.getExitCode() == null || terminated.getExitCode() != 0;
  }

  private static Trouble ended(String container, ContainerStateTerminated t, boolean now) {
    var code = "exit code " + t.getExitCode();
    // The end of what a container has written is what it died of.
    var message = t.getMessage() == null ? code : code + ": " + end(t.getMessage().strip());
    return trouble(container, t.getReason(), message, now, time(t.getFinishedAt()));
  }

  private static String end(String text) {
    int begin = text.length() - LAST_WORDS;
    return begin <= 0 ? text : "…" + text.substring(begin);
  }

  private static Trouble trouble(
      String container,
      @Nullable String reason,
      @Nullable String message,
      boolean now,
      Optional<Instant> at) {
    return new Trouble(
        container,
        Escape.plain(reason == null ? "" : reason, Escape.MAX),
        Escape.plain(message == null ? "" : message.strip(), MAX_MESSAGE),
        now,
        at);
  }

  private static Optional<PodCondition> condition(PodStatus status, String type) {
    return status.getConditions().stream().filter(c -> type.equals(c.getType())).findFirst();
  }

  private static Optional<Instant> time(@Nullable String text) {
    try {
      return Optional.ofNullable(text).map(Instant::parse);
    } catch (DateTimeParseException e) {
      return Optional.empty();
    }
  }
}
