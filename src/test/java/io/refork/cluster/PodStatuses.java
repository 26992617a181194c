package io.refork.cluster;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerState;
import io.fabric8.kubernetes.api.model.ContainerStateBuilder;
import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.ContainerStatusBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodConditionBuilder;
import io.fabric8.kubernetes.api.model.PodStatus;
import io.fabric8.kubernetes.api.model.PodStatusBuilder;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;

/** The words a kubelet writes into a pod's status. */
final class PodStatuses {
  /** How an earlier run of the containers ended. */
  record Ended(String reason, int exitCode, String at) {}

  private PodStatuses() {}

  static PodStatus running(
      Pod pod, String ip, boolean ready, int restarts, Optional<Ended> before) {
    var state = new ContainerStateBuilder().withNewRunning().withStartedAt(now()).endRunning();
    return status(pod, ip, "Running", ready, restarts, state.build(), before, true);
  }

  /** The containers wait: {@code CrashLoopBackOff} after {@code before}. */
  static PodStatus waiting(
      Pod pod, String ip, String reason, String message, int restarts, Optional<Ended> before) {
    var state =
        new ContainerStateBuilder()
            .withNewWaiting()
            .withReason(reason)
            .withMessage(message)
            .endWaiting();
    return status(pod, ip, "Running", false, restarts, state.build(), before, true);
  }

  static PodStatus imagePullFails(Pod pod, String ip) {
    var state =
        new ContainerStateBuilder()
            .withNewWaiting()
            .withReason("ImagePullBackOff")
            .withMessage("Back-off pulling image: not found")
            .endWaiting();
    return status(pod, ip, "Pending", false, 0, state.build(), Optional.empty(), false);
  }

  static PodStatus evicted() {
    return new PodStatusBuilder()
        .withPhase("Failed")
        .withReason("Evicted")
        .withMessage("The node was low on resource: memory.")
        .build();
  }

  private static PodStatus status(
      Pod pod,
      String ip,
      String phase,
      boolean ready,
      int restarts,
      ContainerState state,
      Optional<Ended> before,
      boolean initialized) {
    var builder =
        new PodStatusBuilder()
            .withPhase(phase)
            .withPodIP(ip)
            .addNewPodIP()
            .withIp(ip)
            .endPodIP()
            .withHostIP("127.0.0.1")
            .withStartTime(
                pod.getStatus() == null || pod.getStatus().getStartTime() == null
                    ? now()
                    : pod.getStatus().getStartTime());
    for (var condition : List.of("PodScheduled", "Initialized", "ContainersReady", "Ready")) {
      var is =
          switch (condition) {
            case "PodScheduled" -> true;
            case "Initialized" -> initialized;
            default -> ready;
          };
      builder.addToConditions(
          new PodConditionBuilder()
              .withType(condition)
              .withStatus(is ? "True" : "False")
              .withReason(is ? null : "ContainersNotReady")
              .withLastTransitionTime(now())
              .build());
    }
    var done =
        new ContainerStateBuilder()
            .withNewTerminated()
            .withReason("Completed")
            .withExitCode(0)
            .withFinishedAt(now())
            .endTerminated()
            .build();
    var waits =
        new ContainerStateBuilder().withNewWaiting().withReason("PodInitializing").endWaiting();
    boolean pulled = initialized || pod.getSpec().getInitContainers().isEmpty();
    return builder
        .withInitContainerStatuses(
            pod.getSpec().getInitContainers().stream()
                .map(
                    c -> container(c, initialized, 0, initialized ? done : state, Optional.empty()))
                .toList())
        .withContainerStatuses(
            pod.getSpec().getContainers().stream()
                .map(c -> container(c, ready, restarts, pulled ? state : waits.build(), before))
                .toList())
        .build();
  }

  private static ContainerStatus container(
      Container container,
      boolean ready,
      int restarts,
      ContainerState state,
      Optional<Ended> before) {
    return new ContainerStatusBuilder()
        .withName(container.getName())
        .withImage(container.getImage())
        .withImageID("")
        .withReady(ready)
        .withStarted(state.getRunning() != null)
        .withRestartCount(restarts)
        .withState(state)
        .withLastState(before.map(PodStatuses::terminated).orElse(null))
        .build();
  }

  private static ContainerState terminated(Ended ended) {
    return new ContainerStateBuilder()
        .withNewTerminated()
        .withReason(ended.reason())
        .withExitCode(ended.exitCode())
        .withFinishedAt(ended.at())
        .endTerminated()
        .build();
  }

  static String now() {
    return Instant.now().truncatedTo(ChronoUnit.SECONDS).toString();
  }
}
