package io.refork.operator.status;

import io.refork.api.WorkerPoolStatus;
import io.refork.api.WorkerPoolStatus.Condition;
import io.refork.api.WorkerPoolStatus.State;
import io.refork.operator.plan.PodSeen;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The conditions of a pool. Ready, Available, Progressing and Degraded are always there;
 * Reconciling and Stalled only while they are true, which is what kstatus (and Flux with it) reads.
 *
 * @param problems worst first
 * @param room bytes of each message
 */
record Conditions(StatusInput input, Figures figures, List<Problem> problems, int room) {
  static final String READY = "Ready";
  static final String AVAILABLE = "Available";
  static final String PROGRESSING = "Progressing";
  static final String DEGRADED = "Degraded";
  static final String RECONCILING = "Reconciling";
  static final String STALLED = "Stalled";

  List<Condition> list() {
    var list = new ArrayList<Condition>();
    list.add(ready());
    list.add(available());
    list.add(progressing());
    list.add(degraded());
    stalled().ifPresent(list::add);
    reconciling().ifPresent(list::add);
    return List.copyOf(list);
  }

  // --- serving -------------------------------------------------------------------------------

  private Condition ready() {
    int desired = input.desiredPods();
    int ready = readyPods();
    if (desired == 0) {
      return condition(READY, true, Reason.ScaledToZero, "no pod is wanted");
    }
    if (input.present().isEmpty()) {
      return condition(READY, false, Reason.NoPods, "0 of " + pods(desired) + because());
    }
    if (ready < desired) {
      return condition(
          READY, false, Reason.PodsNotReady, ready + " of " + pods(desired) + " ready" + because());
    }
    if (!wasReady() && input.pods().stream().anyMatch(Conditions::isUnasked)) {
      return condition(
          READY,
          false,
          Reason.PodsNotReady,
          pods(ready) + " ready, but not every agent has been asked for its workers");
    }
    return condition(
        READY,
        !figures.shortOfWorkers(),
        figures.shortOfWorkers() ? Reason.TooFewWorkers : Reason.AllWorkersReady,
        workers());
  }

  private boolean wasReady() {
    return input.previous().stream()
        .flatMap(s -> s.conditions().stream())
        .anyMatch(c -> c.type().equals(READY) && c.status().equals("True"));
  }

  /** An agent that does not answer becomes Unreachable before long: this never lasts. */
  private static boolean isUnasked(PodSeen pod) {
    return pod.ready() && !pod.leaving() && pod.report().isEmpty();
  }

  /** Whether anybody answers at all. */
  private Condition available() {
    int ready = readyPods();
    if (input.desiredPods() == 0) {
      return condition(AVAILABLE, true, Reason.ScaledToZero, "no pod is wanted");
    }
    if (ready == 0) {
      var reason = input.present().isEmpty() ? Reason.NoPods : Reason.PodsNotReady;
      return condition(AVAILABLE, false, reason, "no pod is ready");
    }
    var reason = ready < input.desiredPods() ? Reason.PodsNotReady : serving();
    return condition(AVAILABLE, true, reason, pods(ready) + (ready == 1 ? " serves" : " serve"));
  }

  private Reason serving() {
    return figures.shortOfWorkers() ? Reason.TooFewWorkers : Reason.AllWorkersReady;
  }

  private String workers() {
    var workers = figures.workers();
    int ready = readyPods();
    int unknown = input.present().size() - figures.reporting();
    return "%d of %d workers ready in %s%s"
        .formatted(
            workers.ready(),
            workers.desired(),
            pods(ready),
            unknown > 0 ? ", " + unknown + " of them unknown" : "");
  }

  private String because() {
    return problems.isEmpty() ? "" : ": " + problems.getFirst().reason();
  }

  private int readyPods() {
    return (int) input.present().stream().filter(PodSeen::ready).count();
  }

  private static String pods(int number) {
    return number == 1 ? "1 pod" : number + " pods";
  }

  // --- changing ------------------------------------------------------------------------------

  private Condition progressing() {
    var wave = input.wave();
    if (isStuck()) {
      return condition(
          PROGRESSING, false, Reason.ProgressDeadlineExceeded, "the Deployment makes no progress");
    }
    if (isRolling()) {
      return condition(PROGRESSING, true, Reason.PodsRolling, rolled());
    }
    return switch (wave.state()) {
      case Canary -> condition(PROGRESSING, true, Reason.CanaryReforking, wave.message());
      case Soaking -> condition(PROGRESSING, true, Reason.CanarySoaking, wave.message());
      case Rolling -> condition(PROGRESSING, true, Reason.PodsReforking, wave.message());
      case Paused -> condition(PROGRESSING, false, Reason.Paused, wave.message());
      case Aborted -> condition(PROGRESSING, false, Reason.ReforkAborted, wave.message());
      case Idle ->
          problems.stream().anyMatch(p -> p.reason() == Reason.ProgressDeadlineExceeded)
              ? condition(PROGRESSING, false, Reason.ProgressDeadlineExceeded, wave.message())
              : condition(PROGRESSING, false, Reason.Settled, "nothing is changing");
    };
  }

  boolean isRolling() {
    return input.deployment().map(DeploymentSeen::rolling).orElse(input.desiredPods() > 0);
  }

  private boolean isStuck() {
    return input.deployment().map(DeploymentSeen::stuck).orElse(false);
  }

  private String rolled() {
    return input
        .deployment()
        .map(d -> "%d of %s of the newest template".formatted(d.updated(), pods(d.desired())))
        .orElse("there is no Deployment yet");
  }

  // --- wrong ---------------------------------------------------------------------------------

  private Condition degraded() {
    if (problems.isEmpty()) {
      return condition(DEGRADED, false, Reason.NoProblem, "");
    }
    var worst = problems.getFirst();
    long same = problems.stream().filter(p -> p.reason() == worst.reason()).count();
    long others = problems.size() - same;
    var message =
        worst.pod().map(pod -> Text.cut(pod, Text.NAME) + ": ").orElse("")
            + worst.sentence()
            + (same > 1 ? " (and " + (same - 1) + " more)" : "")
            + (others > 0 ? "; " + others + " of other kinds" : "");
    return condition(DEGRADED, true, worst.reason(), message);
  }

  /** Nothing goes on by itself: somebody has to change something. */
  private Optional<Condition> stalled() {
    return problems.stream()
        .filter(p -> p.reason() == Reason.TemplateInvalid || p.reason() == Reason.ChildConflict)
        .findFirst()
        .map(p -> condition(STALLED, true, p.reason(), p.sentence()))
        .or(
            () ->
                isStuck()
                    ? Optional.of(
                        condition(
                            STALLED,
                            true,
                            Reason.ProgressDeadlineExceeded,
                            "the Deployment makes no progress" + because()))
                    : Optional.empty());
  }

  /** A new spec is on its way to the pods. A wave is not that: it is how a pool lives. */
  private Optional<Condition> reconciling() {
    return isRolling() && !isStuck()
        ? Optional.of(condition(RECONCILING, true, Reason.PodsRolling, rolled()))
        : Optional.empty();
  }

  // --- shape ---------------------------------------------------------------------------------

  private Condition condition(String type, boolean holds, Reason reason, String message) {
    var status = holds ? "True" : "False";
    var advice = Text.cut(reason.toDo(), room / 2);
    var what = Text.cut(message, room - advice.length() - 2);
    var text = advice.isEmpty() ? what : what.isEmpty() ? advice : what + "; " + advice;
    return new Condition(type, status, reason.name(), text, generation(input), since(type, status));
  }

  static long generation(StatusInput input) {
    var generation = input.pool().getMetadata().getGeneration();
    return generation == null ? 0 : generation;
  }

  private String since(String type, String status) {
    return input
        .previous()
        .map(WorkerPoolStatus::conditions)
        .flatMap(
            old ->
                old.stream()
                    .filter(c -> c.type().equals(type) && c.status().equals(status))
                    .map(Condition::lastTransitionTime)
                    .findFirst())
        .orElseGet(() -> input.now().truncatedTo(ChronoUnit.SECONDS).toString());
  }

  // --- one word ------------------------------------------------------------------------------

  /** For the STATUS column and the metric: a trouble's name, else what the pool does. */
  String summary() {
    if (!problems.isEmpty()) {
      return problems.getFirst().reason().name();
    }
    if (input.desiredPods() == 0) {
      return Reason.ScaledToZero.name();
    }
    if (input.wave().state() == State.Paused) {
      return Reason.Paused.name();
    }
    if (readyPods() < input.desiredPods()) {
      return "Starting";
    }
    if (isRolling()) {
      return "Updating";
    }
    if (figures.shortOfWorkers()) {
      return Reason.TooFewWorkers.name();
    }
    return switch (input.wave().state()) {
      case Canary -> "Canary";
      case Soaking -> "Soaking";
      case Rolling -> "Rolling";
      case Idle, Aborted, Paused -> "Ready";
    };
  }
}
