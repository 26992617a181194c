package io.refork.operator.status;

import io.refork.api.WorkerPoolStatus;
import io.refork.api.WorkerPoolStatus.Condition;
import io.refork.operator.plan.Note;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What has happened between two statuses and is worth an Event: one note for each trouble that was
 * not there before, however many pods have it; and when it is over. What happens in a wave is told
 * by the planner.
 */
public final class Transitions {
  private Transitions() {}

  /** Notes in the order of the story; none for a pool that just came and has no trouble. */
  public static List<Note> notes(Optional<WorkerPoolStatus> before, WorkerPoolStatus now) {
    var notes = new ArrayList<Note>();
    var old = before.map(Transitions::troubles).orElse(Set.of());
    for (var reason : troubles(now)) {
      if (!old.contains(reason)) {
        notes.add(trouble(now, reason));
      }
    }
    before.ifPresent(then -> changes(then, now, notes));
    return notes;
  }

  private static void changes(WorkerPoolStatus then, WorkerPoolStatus now, List<Note> notes) {
    var degraded = condition(then, Conditions.DEGRADED);
    if (is(degraded, "True") && is(condition(now, Conditions.DEGRADED), "False")) {
      var was = degraded.map(Condition::reason).orElse("");
      notes.add(note(false, Reason.NoProblem, was + " is over"));
    }
    var ready = condition(now, Conditions.READY);
    boolean wasReady = is(condition(then, Conditions.READY), "True");
    if (wasReady && is(ready, "False") && notes.isEmpty()) {
      ready.ifPresent(c -> notes.add(note(true, reason(c), sentence(c))));
    } else if (!wasReady && is(ready, "True")) {
      ready.ifPresent(c -> notes.add(note(false, reason(c), sentence(c))));
    }
    var progressing = condition(now, Conditions.PROGRESSING);
    var before = condition(then, Conditions.PROGRESSING).map(Transitions::reason);
    progressing
        .filter(c -> before.filter(b -> b == reason(c)).isEmpty())
        .filter(c -> reason(c) == Reason.PodsRolling || reason(c) == Reason.Paused)
        .ifPresent(c -> notes.add(note(false, reason(c), sentence(c))));
  }

  /** Worst first. */
  private static Set<Reason> troubles(WorkerPoolStatus status) {
    var reasons = EnumSet.noneOf(Reason.class);
    condition(status, Conditions.DEGRADED)
        .filter(c -> is(Optional.of(c), "True"))
        .map(Transitions::reason)
        .ifPresent(reasons::add);
    for (var pod : status.problemPods()) {
      word(pod.reason()).ifPresent(reasons::add);
    }
    return reasons;
  }

  private static Note trouble(WorkerPoolStatus status, Reason reason) {
    var pods = status.problemPods().stream().filter(p -> p.reason().equals(reason.name())).toList();
    if (pods.isEmpty()) {
      var message = condition(status, Conditions.DEGRADED).map(Transitions::sentence).orElse("");
      return note(true, reason, message);
    }
    var first = pods.getFirst();
    int others = pods.size() - 1;
    var more = others == 0 ? "" : " (and " + others + " more)";
    return new Note(true, reason, Optional.of(first.name()), first.message() + more);
  }

  private static Note note(boolean warning, Reason reason, String message) {
    return new Note(warning, reason, Optional.empty(), message);
  }

  /** The condition's message without its advice, which an Event adds by itself. */
  private static String sentence(Condition condition) {
    var advice = "; " + reason(condition).toDo();
    return advice.length() > 2 && condition.message().endsWith(advice)
        ? condition.message().substring(0, condition.message().length() - advice.length())
        : condition.message();
  }

  private static Reason reason(Condition condition) {
    return word(condition.reason()).orElse(Reason.Settled);
  }

  /** Empty for a word of another version of the operator. */
  private static Optional<Reason> word(String reason) {
    return Arrays.stream(Reason.values()).filter(r -> r.name().equals(reason)).findFirst();
  }

  private static boolean is(Optional<Condition> condition, String status) {
    return condition.filter(c -> c.status().equals(status)).isPresent();
  }

  private static Optional<Condition> condition(WorkerPoolStatus status, String type) {
    return status.conditions().stream().filter(c -> c.type().equals(type)).findFirst();
  }
}
