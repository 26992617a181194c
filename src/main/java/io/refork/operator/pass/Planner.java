package io.refork.operator.pass;

import io.refork.api.WorkerPool;
import io.refork.api.WorkerPoolSpec;
import io.refork.api.WorkerPoolStatus;
import io.refork.api.WorkerPoolStatus.Condition;
import io.refork.api.WorkerPoolStatus.Rollout;
import io.refork.api.WorkerPoolStatus.State;
import io.refork.operator.plan.Note;
import io.refork.operator.plan.PodSeen;
import io.refork.operator.plan.WaveInput;
import io.refork.operator.plan.WaveInput.Rules;
import io.refork.operator.plan.WaveStep;
import io.refork.operator.plan.WaveView;
import io.refork.operator.plan.Waves;
import io.refork.operator.pods.Children;
import io.refork.operator.pods.Names;
import io.refork.operator.status.DeploymentSeen;
import io.refork.operator.status.Problem;
import io.refork.operator.status.StatusBuilder;
import io.refork.operator.status.StatusChange;
import io.refork.operator.status.StatusInput;
import io.refork.operator.status.Transitions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** What follows from what was seen. Pure. */
public final class Planner {
  /** A child that someone stands in the way of is tried again: nobody tells us when he has gone. */
  private static final Duration UNSETTLED = Duration.ofSeconds(30);

  /** First answers are news, which bring the next pass; this is for one that never comes. */
  private static final Duration EARLY = Duration.ofSeconds(5);

  /** Nothing is expected to happen; whatever happens is told. */
  private static final Duration SETTLED = Duration.ofMinutes(10);

  /** A look costs nothing, but not even a moment that has passed may make a hot loop. */
  private static final Duration SOONEST = Duration.ofMillis(100);

  private Planner() {}

  /** The plan of one pass. */
  public static Plan plan(Seen seen) {
    var pool = seen.pool();
    var previous = Optional.ofNullable(pool.getStatus());
    var problems = new ArrayList<>(seen.problems());
    var wave =
        switch (seen.children()) {
          case Children.Desired desired -> Waves.step(input(seen, desired.revision(), previous));
          case Children.Invalid(var reason, var sentence) -> {
            problems.add(Problem.ofPool(reason, sentence));
            yield held(previous);
          }
        };
    if (previous.isPresent() && seen.isEarly() && !wave.changed()) {
      // A status without those that have not answered yet would tell of a fall that never was.
      return new Plan(previous.get(), false, List.of(), EARLY);
    }
    var status =
        StatusBuilder.build(
            new StatusInput(
                pool,
                Names.selector(pool),
                problems,
                seen.deployment().map(DeploymentSeen::of),
                seen.pods(),
                wave.view(),
                previous,
                seen.now()));
    var change = StatusChange.between(previous, status, seen.lastWrite(), seen.now());
    return new Plan(
        status,
        change.write(),
        notes(previous, status, wave),
        nextLook(seen, wave, status, change));
  }

  /** Pods wanted, which the status does not say: there, replicas are those that exist. */
  public static int podsWanted(Seen seen) {
    return StatusInput.desiredPods(seen.pool(), seen.deployment().map(DeploymentSeen::of));
  }

  /** What the user allows. */
  static Rules rules(WorkerPoolSpec spec) {
    var pods = spec.rollout().pods();
    return new Rules(
        spec.refork().policy(),
        spec.paused(),
        pods.maxConcurrent(),
        pods.canarySoak().value(),
        pods.progressDeadline().value(),
        Optional.ofNullable(spec.refork().requestedAt()));
  }

  private static WaveInput input(Seen seen, String revision, Optional<WorkerPoolStatus> previous) {
    WorkerPool pool = seen.pool();
    return new WaveInput(
        pool.getMetadata().getUid(),
        rules(pool.getSpec()),
        revision,
        Children.minReady(pool),
        seen.pods(),
        previous.flatMap(status -> Optional.ofNullable(status.rollout().ledger())),
        previous.filter(status -> status.rollout().state() == State.Paused).isPresent(),
        seen.now());
  }

  /** No template, no wave: the ledger waits as it is, and nothing of it is sent. */
  private static WaveStep held(Optional<WorkerPoolStatus> previous) {
    var ledger =
        previous.map(WorkerPoolStatus::rollout).flatMap(r -> Optional.ofNullable(r.ledger()));
    int level = previous.map(WorkerPoolStatus::rollout).map(Rollout::level).orElse(0);
    var view = new WaveView(State.Idle, level, ledger, 0, 0, 0, "");
    return new WaveStep(ledger, false, view, List.of(), Optional.empty());
  }

  private static List<Note> notes(
      Optional<WorkerPoolStatus> previous, WorkerPoolStatus status, WaveStep wave) {
    var notes = new ArrayList<>(wave.notes());
    Transitions.notes(previous, status).stream()
        .filter(note -> wave.notes().stream().noneMatch(n -> n.reason() == note.reason()))
        .forEach(notes::add);
    return notes;
  }

  private static Optional<Condition> condition(WorkerPoolStatus status, String type) {
    return status.conditions().stream().filter(c -> c.type().equals(type)).findFirst();
  }

  private static Duration nextLook(
      Seen seen, WaveStep wave, WorkerPoolStatus status, StatusChange change) {
    boolean settled =
        seen.problems().isEmpty()
            && seen.pods().stream().allMatch(PodSeen::ready)
            && condition(status, "Degraded").filter(c -> c.status().equals("True")).isEmpty();
    var most = settled ? SETTLED : UNSETTLED;
    return Stream.concat(wave.nextLook().stream(), change.due().stream())
        .min(Comparator.naturalOrder())
        .map(at -> Duration.between(seen.now(), at))
        .map(wait -> wait.compareTo(SOONEST) < 0 ? SOONEST : wait)
        .filter(wait -> wait.compareTo(most) < 0)
        .orElse(most);
  }
}
