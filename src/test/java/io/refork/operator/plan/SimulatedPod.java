package io.refork.operator.plan;

import io.refork.protocol.control.Desired;
import io.refork.protocol.control.Permit;
import io.refork.protocol.control.Report;
import io.refork.protocol.control.Report.Eligible;
import io.refork.protocol.control.Report.Finished;
import io.refork.protocol.control.Report.Measure;
import io.refork.protocol.control.Report.Memory;
import io.refork.protocol.control.Report.Outcome;
import io.refork.protocol.control.Report.Running;
import io.refork.protocol.control.Revision;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;

/**
 * A pod with an agent that keeps the agents' half of the contract (docs/protocol.md), and nothing
 * else: it acts on a permit once, only of its session, in time, and for its next level; it persists
 * what it acted on before it begins.
 */
final class SimulatedPod {
  /** Told whenever a refork begins or has been completed. */
  interface Witness {
    void begins(SimulatedPod pod, Permit permit);

    void completes(SimulatedPod pod, Permit permit);
  }

  private final Witness witness;
  private final Random random;
  final String uid;
  final String revision;
  final Instant createdAt;

  /** How far its clock is ahead, at most the 30 s beyond which it would refuse every token. */
  private final Duration skew;

  /** Reforks that its own trigger asks for. */
  private final int wanted;

  boolean ready;

  /** It never gets ready again. */
  boolean stuck;

  boolean leaving;
  int sessions = 1;
  int level;
  private Optional<Revision> observed = Optional.empty();
  private Optional<Permit> pending = Optional.empty();
  Optional<Permit> running = Optional.empty();
  private Instant endsAt = Instant.MAX;
  // what a restart of the container does not lose
  private final Set<String> acted = new HashSet<>();
  private Optional<Finished> last = Optional.empty();
  Optional<String> lastRequest = Optional.empty();

  SimulatedPod(String uid, String revision, Instant createdAt, Random random, Witness witness) {
    this.uid = uid;
    this.revision = revision;
    this.createdAt = createdAt;
    this.random = random;
    this.witness = witness;
    skew = Duration.ofSeconds(random.nextInt(59) - 29);
    wanted = random.nextInt(3);
  }

  String session() {
    return uid + "s" + sessions;
  }

  Report receive(Desired desired, Instant now) {
    if (observed.isEmpty() || desired.revision().compareTo(observed.get()) >= 0) {
      observed = Optional.of(desired.revision());
      pending =
          desired
              .permit()
              .filter(p -> desired.session().equals(Optional.of(session())))
              .filter(p -> !acted.contains(p.id()) && p.level() == level + 1)
              .filter(p -> p.request().isEmpty() || !p.request().equals(lastRequest));
    }
    turn(now);
    return report();
  }

  /** Time passes. */
  void turn(Instant now) {
    if (running.isPresent() && !now.isBefore(endsAt)) {
      end(random.nextInt(6) == 0 ? failure() : Outcome.COMPLETED);
    }
    if (pending.isPresent() && running.isEmpty() && ready && !leaving) {
      var permit = pending.get();
      if (permit.level() != level + 1
          || permit.request().isPresent() && permit.request().equals(lastRequest)) {
        pending = Optional.empty(); // another refork came first
      } else if (now.plus(skew).isAfter(permit.startBy())) {
        finish(permit, Outcome.LAPSED, false);
        pending = Optional.empty();
      } else if (random.nextInt(3) > 0) {
        pending = Optional.empty();
        acted.add(permit.id());
        running = Optional.of(permit);
        endsAt = now.plusSeconds(5 + random.nextInt(90));
        witness.begins(this, permit);
      }
    }
  }

  private Outcome failure() {
    return random.nextBoolean() ? Outcome.ABORTED : Outcome.REFUSED;
  }

  private void end(Outcome outcome) {
    var permit = running.orElseThrow();
    running = Optional.empty();
    if (outcome == Outcome.COMPLETED) {
      level++;
      witness.completes(this, permit);
    }
    finish(permit, outcome, true);
  }

  private void finish(Permit permit, Outcome outcome, boolean began) {
    var reason = outcome == Outcome.ABORTED ? "canary-died" : "";
    last = Optional.of(new Finished(Optional.of(permit.id()), outcome, reason, ""));
    if (began && permit.request().isPresent()) {
      lastRequest = permit.request();
    }
  }

  void restart() {
    running.ifPresent(p -> finish(p, Outcome.LAPSED, true));
    running = Optional.empty();
    pending = Optional.empty();
    observed = Optional.empty();
    sessions++;
    level = 0;
  }

  private Report report() {
    var unknown = new Measure.Unknown("simulated");
    return new Report(
        session(),
        uid,
        "0",
        observed,
        Report.Phase.SERVING,
        ready,
        level,
        Optional.empty(),
        1,
        Map.of(),
        0,
        List.of(),
        level < wanted && running.isEmpty()
            ? Optional.of(new Eligible(level + 1, "requests"))
            : Optional.empty(),
        running.map(p -> new Running(Optional.of(p.id()), "rolling", 0, 1)),
        last,
        lastRequest,
        new Memory(unknown, unknown, unknown, unknown, unknown, unknown, unknown),
        0,
        List.of());
  }
}
