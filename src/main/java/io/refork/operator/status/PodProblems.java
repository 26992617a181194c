package io.refork.operator.status;

import io.refork.operator.agents.AgentReport.Invalid;
import io.refork.operator.agents.AgentReport.Reported;
import io.refork.operator.agents.AgentReport.Unreachable;
import io.refork.operator.plan.PodSeen;
import io.refork.operator.plan.PodSeen.Trouble;
import io.refork.protocol.control.Report;
import io.refork.protocol.control.Report.Measure;
import io.refork.protocol.control.Report.Phase;
import io.refork.protocol.control.Report.WorkerState;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What is wrong with each pod: one problem per pod, the worst. What the kubelet says of its
 * containers goes before what its agent says.
 */
final class PodProblems {
  /**
   * A pod may be scheduled, pull its image and copy the agent for this long before its boot counts.
   */
  private static final Duration ARRIVAL = Duration.ofMinutes(1);

  /** A death by memory is told for this long: somebody who comes for the alert must see it. */
  private static final Duration REMEMBERED = Duration.ofMinutes(10);

  private static final Set<String> PULL =
      Set.of(
          "ErrImagePull",
          "ImagePullBackOff",
          "InvalidImageName",
          "ErrImageNeverPull",
          "ImageInspectError",
          "RegistryUnavailable",
          "SignatureValidationFailed");
  private static final Set<String> START =
      Set.of(
          "CreateContainerConfigError",
          "CreateContainerError",
          "CreatePodSandboxError",
          "RunContainerError",
          "StartError",
          "ContainerCannotRun",
          "PostStartHookError");
  private static final String BACK_OFF = "CrashLoopBackOff";
  private static final String OUT_OF_MEMORY = "OOMKilled";
  private static final String UNSCHEDULABLE = "Unschedulable";

  /** How shells, launchers and the agent say that there is nothing to run. */
  private static final List<String> NOTHING_TO_RUN = List.of("exit code 126", "exit code 127");

  private final StatusInput input;

  private PodProblems(StatusInput input) {
    this.input = input;
  }

  /** At most one of each pod, in the pods' order. */
  static List<Problem> of(StatusInput input) {
    var problems = new PodProblems(input);
    return input.present().stream().flatMap(pod -> problems.of(pod).stream()).toList();
  }

  private Optional<Problem> of(PodSeen pod) {
    return kubelets(pod).or(() -> agents(pod)).or(() -> unready(pod));
  }

  // --- the kubelet's word ----------------------------------------------------------------------

  private Optional<Problem> kubelets(PodSeen pod) {
    var found = new ArrayList<Problem>();
    for (var trouble : pod.troubles()) {
      reason(pod, trouble)
          .map(reason -> Problem.ofPod(reason, pod.name(), sentence(trouble)))
          .ifPresent(found::add);
    }
    return found.stream().min(Problem.WORST_FIRST);
  }

  private Optional<Reason> reason(PodSeen pod, Trouble trouble) {
    var word = trouble.reason();
    if (word.equals(OUT_OF_MEMORY)) {
      return when(
          trouble.now() || !pod.ready() || isRecent(trouble), Reason.ContainerKilledForMemory);
    }
    if (pod.ready()) {
      // It serves: what its containers once died of is history.
      return Optional.empty();
    }
    if (PULL.contains(word)) {
      return when(trouble.now(), Reason.ImagePullFailed);
    }
    if (START.contains(word) || hasNothingToRun(trouble)) {
      return Optional.of(Reason.StartFailed);
    }
    if (word.equals(UNSCHEDULABLE)) {
      return when(trouble.now(), Reason.Unschedulable);
    }
    if (word.equals(BACK_OFF)) {
      return when(trouble.now(), Reason.CrashLoop);
    }
    // Ended, and not ready since.
    return when(trouble.at().isPresent(), Reason.BootFailure);
  }

  private static boolean hasNothingToRun(Trouble trouble) {
    return NOTHING_TO_RUN.stream().anyMatch(trouble.message()::startsWith);
  }

  private boolean isRecent(Trouble trouble) {
    return trouble.at().map(at -> at.plus(REMEMBERED).isAfter(input.now())).orElse(false);
  }

  private static String sentence(Trouble trouble) {
    var message = trouble.message().isBlank() ? "" : ": " + trouble.message();
    return "container " + trouble.container() + " " + trouble.reason() + message;
  }

  // --- the agent's word ------------------------------------------------------------------------

  private Optional<Problem> agents(PodSeen pod) {
    return pod.report()
        .flatMap(
            told ->
                switch (told) {
                  case Reported(var report, var at) -> reported(pod, report);
                  case Unreachable(var why, var at) ->
                      // One that is on its way up does not answer yet.
                      pod.ready() || isLate(pod)
                          ? problem(
                              Reason.AgentUnreachable, pod, "the agent does not answer: " + why)
                          : Optional.empty();
                  case Invalid(var why, var at) ->
                      problem(
                          Reason.AgentInvalid, pod, "the answer is no report of this pod: " + why);
                });
  }

  private Optional<Problem> reported(PodSeen pod, Report report) {
    if (!report.pod().equals(pod.uid())) {
      return problem(Reason.AgentInvalid, pod, "the answer is the report of another pod");
    }
    int backingOff = report.workers().getOrDefault(WorkerState.BACKING_OFF, 0);
    boolean moldless = report.mold().isEmpty() && report.backoffSeconds() > 0;
    if (backingOff > 0 || moldless) {
      var what = backingOff > 0 ? "workers die before they are ready" : "the mold does not start";
      return problem(Reason.CrashLoop, pod, what + newest(report));
    }
    if (report.phase() == Phase.BOOTING && !pod.ready() && isLate(pod)) {
      return problem(
          Reason.BootFailure,
          pod,
          "not ready after timeouts.boot = "
              + input.pool().getSpec().timeouts().boot()
              + newest(report));
    }
    var version = AgentVersion.parse(report.version());
    if (version.isEmpty() || version.get().compareTo(AgentVersion.OLDEST) < 0) {
      return problem(
          Reason.AgentTooOld,
          pod,
          "agent %s, at least %s is needed".formatted(report.version(), AgentVersion.OLDEST));
    }
    return switch (report.memory().sharedRatio()) {
      case Measure.Known k -> Optional.empty();
      case Measure.Unknown(var why) when isInTime(why) -> Optional.empty();
      case Measure.Unknown(var why) ->
          problem(Reason.SharingUnknown, pod, "shared memory cannot be measured: " + why);
    };
  }

  /** The agent's words for "not yet" and "there is nothing to share". */
  private static boolean isInTime(String why) {
    return why.equals("not-sampled-yet") || why.equals("fewer-than-two-workers");
  }

  private static String newest(Report report) {
    return report.failures().isEmpty() ? "" : ": " + report.failures().getFirst().what();
  }

  // --- neither's ---------------------------------------------------------------------------------

  private Optional<Problem> unready(PodSeen pod) {
    return pod.ready() || !isLate(pod)
        ? Optional.empty()
        : problem(Reason.PodsNotReady, pod, "the pod does not get ready");
  }

  /** Whether it should have booted by now, counted from its creation or its last restart. */
  private boolean isLate(PodSeen pod) {
    var began =
        pod.troubles().stream()
            .flatMap(trouble -> trouble.at().stream())
            .max(Instant::compareTo)
            .filter(at -> at.isAfter(pod.createdAt()))
            .orElse(pod.createdAt());
    var allowed = input.pool().getSpec().timeouts().boot().value().plus(ARRIVAL);
    return began.plus(allowed).isBefore(input.now());
  }

  private static Optional<Problem> problem(Reason reason, PodSeen pod, String sentence) {
    return Optional.of(Problem.ofPod(reason, pod.name(), sentence));
  }

  private static Optional<Reason> when(boolean so, Reason reason) {
    return so ? Optional.of(reason) : Optional.empty();
  }
}
