package io.refork.cluster;

import io.refork.protocol.control.Desired;
import io.refork.protocol.control.Permit;
import io.refork.protocol.control.Report;
import io.refork.protocol.control.Report.Finished;
import io.refork.protocol.control.Report.Measure.Known;
import io.refork.protocol.control.Report.Outcome;
import io.refork.protocol.control.Revision;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * One pod's agent that keeps the agents' half of the contract (docs/protocol.md) without having any
 * processes: it acts on a permit once, only of its session, in time and for its next level, and
 * remembers over a restart of its container what it acted on.
 */
public final class SimulatedAgent {
  private static final double MEBIBYTE = 1024 * 1024;

  private final Reforks reforks;
  private PlayedPod pod;
  private Behaviour behaviour;
  private String pool = "";
  private int sessions = 1;
  private int level;
  private int workers = 2;
  private Optional<Revision> observed = Optional.empty();
  private Optional<Desired> lastDesired = Optional.empty();
  private Optional<Permit> running = Optional.empty();
  private long began;
  // The state directory: an emptyDir outlives the container.
  private final Set<String> acted = new HashSet<>();
  private Optional<Finished> last = Optional.empty();
  private Optional<String> lastRequest = Optional.empty();

  SimulatedAgent(PlayedPod pod, Behaviour behaviour, Reforks reforks) {
    this.pod = pod;
    this.behaviour = behaviour;
    this.reforks = reforks;
  }

  /** The pod that it runs in. */
  public synchronized PlayedPod pod() {
    return pod;
  }

  /** From now on. */
  public synchronized void behave(UnaryOperator<Behaviour> change) {
    behaviour = change.apply(behaviour);
  }

  synchronized Behaviour behaviour() {
    return behaviour;
  }

  /** Reforks completed since its start. */
  public synchronized int level() {
    turn();
    return level;
  }

  /** Whether a refork is under way. */
  public synchronized boolean reforking() {
    turn();
    return running.isPresent();
  }

  /** What it was last told, by a request that reached it. */
  public synchronized Optional<Desired> lastDesired() {
    return lastDesired;
  }

  /** Ends the refork under way as {@link Behaviour} says. */
  public synchronized void finish() {
    if (running.isEmpty()) {
      throw new IllegalStateException("pod " + pod.name() + " does not refork");
    }
    end(behaviour.outcome(), System.nanoTime());
  }

  /** Its container has restarted. */
  synchronized void restarted(PlayedPod now) {
    pod = now;
    turn();
    running.ifPresent(permit -> end(Outcome.LAPSED, System.nanoTime()));
    observed = Optional.empty();
    sessions++;
    level = 0;
  }

  synchronized void changed(PlayedPod now) {
    pod = now;
  }

  /** The pod has gone, and what ran in it. */
  synchronized void gone() {
    turn();
    running.ifPresent(permit -> end(Outcome.LAPSED, System.nanoTime()));
  }

  /** Takes over what is newer and answers. The caller has checked that this pod is meant. */
  synchronized Report take(Desired desired) {
    turn();
    lastDesired = Optional.of(desired);
    if (observed.isEmpty() || desired.revision().compareTo(observed.get()) >= 0) {
      observed = Optional.of(desired.revision());
      pool = desired.pool();
      Optional.ofNullable(desired.settings().get("workers"))
          .filter(w -> w.matches("[0-9]{1,3}"))
          .ifPresent(w -> workers = Integer.parseInt(w));
      desired
          .permit()
          .filter(p -> desired.session().equals(Optional.of(session())))
          .filter(p -> running.isEmpty() && !acted.contains(p.id()) && p.level() == level + 1)
          .filter(p -> p.request().isEmpty() || !p.request().equals(lastRequest))
          .ifPresent(this::begin);
    }
    turn();
    return report();
  }

  private void begin(Permit permit) {
    if (Instant.now().isAfter(permit.startBy())) {
      last = Optional.of(new Finished(Optional.of(permit.id()), Outcome.LAPSED, "", ""));
      return;
    }
    acted.add(permit.id());
    running = Optional.of(permit);
    began = System.nanoTime();
    reforks.began(
        new Reforks.Refork(
            pool,
            pod.uid(),
            session(),
            permit.id(),
            permit.level(),
            permit.request(),
            began,
            Optional.empty(),
            Optional.empty()));
  }

  /** A refork whose time is over ended when its time was over, whenever anybody looks. */
  private void turn() {
    if (running.isPresent() && behaviour.reforkTakes().isPresent()) {
      long end = began + behaviour.reforkTakes().get().toNanos();
      if (System.nanoTime() - end >= 0) {
        end(behaviour.outcome(), end);
      }
    }
  }

  private void end(Outcome outcome, long at) {
    var permit = running.orElseThrow();
    running = Optional.empty();
    boolean done = outcome == Outcome.COMPLETED || outcome == Outcome.COMPLETED_UNPROVEN;
    if (done) {
      level++;
    }
    if (permit.request().isPresent()) {
      lastRequest = permit.request();
    }
    last =
        Optional.of(
            new Finished(
                Optional.of(permit.id()),
                outcome,
                done || outcome == Outcome.LAPSED ? "" : behaviour.reason(),
                done ? "" : "as the test wants it"));
    reforks.ended(pod.uid(), permit.id(), at, outcome);
  }

  private String session() {
    return "s" + sessions + "-" + pod.uid().substring(0, Math.min(8, pod.uid().length()));
  }

  private Report report() {
    int updated = running.isPresent() ? progress() : 0;
    var generations =
        updated == 0
            ? List.of(generation(level, workers))
            : List.of(generation(level + 1, updated), generation(level, workers - updated));
    double sharedRatio = 0.70 + Math.min(level, 3) * 0.05;
    double resident = workers * 100 * MEBIBYTE;
    double saved = resident * sharedRatio * (workers - 1) / workers;
    return new Report(
        session(),
        pod.uid(),
        "0.1.0",
        observed,
        Report.Phase.SERVING,
        true,
        level,
        Optional.of(new Report.Mold(level, "ready")),
        workers,
        Map.of(Report.WorkerState.READY, workers),
        1,
        generations,
        running.isEmpty() && level < behaviour.eligibleBelow()
            ? Optional.of(new Report.Eligible(level + 1, "requests"))
            : Optional.empty(),
        running.map(p -> new Report.Running(Optional.of(p.id()), "rolling", updated, workers)),
        last,
        lastRequest,
        new Report.Memory(
            new Known(resident),
            new Known(resident - saved),
            new Known(resident * (1 - sharedRatio)),
            new Known(saved),
            new Known(sharedRatio),
            new Known(resident - saved + 20 * MEBIBYTE),
            new Known(1024 * MEBIBYTE)),
        0,
        List.of());
  }

  private Report.Generation generation(int number, int members) {
    double resident = members * 100 * MEBIBYTE;
    double sharedRatio = 0.70 + Math.min(number, 3) * 0.05;
    return new Report.Generation(
        number, members, members, new Known(resident * (1 - sharedRatio)), new Known(resident));
  }

  /** Workers of the new generation: as much of them as of the time has passed. */
  private int progress() {
    var whole = behaviour.reforkTakes().map(java.time.Duration::toNanos).orElse(0L);
    return whole == 0
        ? 0
        : (int) Math.min(workers - 1, workers * (System.nanoTime() - began) / whole);
  }
}
