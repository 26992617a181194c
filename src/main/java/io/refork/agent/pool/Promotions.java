package io.refork.agent.pool;

import io.refork.agent.linux.Signal;
import io.refork.agent.pool.Action.Level;
import io.refork.agent.pool.Ledger.Backoff;
import io.refork.agent.pool.Ledger.Mode;
import io.refork.agent.pool.Refork.Phase;
import io.refork.agent.pool.Refork.Purpose;
import io.refork.agent.pool.Worker.State;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;

/** From the wish for a refork to a new mold that is ready: trigger, candidate, spare, promotion. */
final class Promotions {
  /**
   * Candidates that are asked in one refork: a refusal is mostly the application's, the same in
   * every worker.
   */
  private static final int MAX_TRIES = 2;

  /**
   * Longest pause after failed reforks: an hour costs little, and a day would hide that it works
   * again.
   */
  private static final long MAX_BACKOFF_NANOS = Duration.ofHours(1).toNanos();

  private final Ledger pool;
  private final Boots boots;

  Promotions(Ledger pool, Boots boots) {
    this.pool = pool;
    this.boots = boots;
  }

  // --- beginning -----------------------------------------------------------------------------

  /** A mold is missing: promote a worker if one can be missed, else start the command again. */
  void recover() {
    if (pool.refork.isPresent()
        || boots.underWay()
        || pool.usable(pool.current)
        || pool.spawnOutstanding()) {
      return;
    }
    var candidate = pool.canSpareOne() ? candidate(Set.of()) : Optional.<Worker>empty();
    if (candidate.isEmpty() || pool.recoveryFailed) {
      boots.start();
      return;
    }
    begin(Purpose.RECOVER, "mold-died", Optional.empty(), candidate.get(), Set.of(), pool.now);
  }

  /**
   * Begins a refork when somebody asks for one or a threshold is passed, and the pool is able to.
   */
  void trigger() {
    if (pool.refork.isPresent() || !pool.usable(pool.current) || pool.spawnOutstanding()) {
      return;
    }
    var permit = pool.permit.map(Ledger.Permit::id);
    var cause = permit.map(p -> "permit").or(() -> pool.reforkAsked).or(this::unsteeredTrigger);
    if (cause.isEmpty()) {
      return;
    }
    var candidate = candidate(Set.of());
    if (candidate.isEmpty()) {
      return;
    }
    pool.reforkAsked = Optional.empty();
    pool.permit = Optional.empty();
    if (pool.canSpareOne()) {
      begin(Purpose.REFORK, cause.get(), permit, candidate.get(), Set.of(), pool.now);
    } else {
      var timeouts = pool.settings.timeouts();
      var refork =
          new Refork(
              pool.nextGeneration,
              Purpose.REFORK,
              cause.get(),
              permit,
              pool.current,
              pool.now,
              Set.of(),
              new Phase.Spare(pool.now + timeouts.spawn().plus(timeouts.boot()).toNanos()));
      pool.refork = Optional.of(refork);
      pool.note(
          Level.INFO,
          "refork begins with a spare",
          OptionalInt.empty(),
          refork.generation(),
          cause.get(),
          "");
    }
  }

  /** When the pool may next refork by itself; {@code Long.MAX_VALUE} when it may now. */
  long retryAt() {
    var at =
        Math.max(
            pool.reforkBackoff.retryAt(),
            pool.lastReforkEnd + pool.settings.refork().minInterval().toNanos());
    return at > pool.now ? at : Long.MAX_VALUE;
  }

  private Optional<String> unsteeredTrigger() {
    return switch (pool.steering) {
      case NONE -> ownTrigger();
      case OPERATOR -> Optional.empty();
    };
  }

  /** What a steered pool would refork for now, if it had leave. */
  Optional<String> eligible() {
    boolean could =
        pool.steering == Ledger.Steering.OPERATOR
            && pool.mode == Mode.SERVING
            && pool.refork.isEmpty()
            && pool.usable(pool.current);
    return could ? ownTrigger() : Optional.empty();
  }

  private Optional<String> ownTrigger() {
    var policy = pool.settings.refork();
    if (retryAt() != Long.MAX_VALUE || !pool.settled()) {
      return Optional.empty();
    }
    var newest = pool.workers.values().stream().mapToInt(Worker::generation).max().orElse(-1);
    var most =
        pool.workers.values().stream()
            .filter(w -> w.generation() == newest)
            .mapToLong(w -> w.score().last().served())
            .max()
            .orElse(0);
    var after = policy.after();
    if (!after.isEmpty() && (pool.level < after.size() || policy.repeatLast())) {
      var threshold = after.get(Math.min(pool.level, after.size() - 1));
      if (most >= threshold) {
        return Optional.of("requests");
      }
    }
    return pool.sharedLow ? Optional.of("shared-ratio") : Optional.empty();
  }

  /** The ready worker that served most; of equals the lowest slot. */
  private Optional<Worker> candidate(Set<Integer> but) {
    return pool.workers.values().stream()
        .filter(w -> w.ready() && w.mark().isEmpty() && !but.contains(w.pid().orElse(0)))
        .max(
            Comparator.comparingLong((Worker w) -> w.score().last().served())
                .thenComparing(Comparator.comparingInt(Worker::slot).reversed()));
  }

  private void begin(
      Purpose purpose,
      String cause,
      Optional<String> permit,
      Worker worker,
      Set<Integer> refusals,
      long started) {
    pool.goneNewborns.clear();
    pool.answersOfGone.clear();
    var generation = pool.nextGeneration++;
    var timeout = pool.settings.timeouts().promote();
    var spawn = pool.newSpawnId();
    var pid = worker.pid().orElseThrow();
    // The worker watches the deadline itself; the agent steps in only when it does not answer.
    var deadline = pool.now + timeout.plus(pool.settings.timeouts().killAfter()).toNanos();
    pool.refork =
        Optional.of(
            new Refork(
                generation,
                purpose,
                cause,
                permit,
                pool.current,
                started,
                refusals,
                new Phase.Promoting(pid, worker.slot(), spawn, OptionalInt.empty(), deadline)));
    pool.put(worker.in(new State.Promoting(worker.readySince())));
    pool.act(new Action.Promote(pid, spawn, generation, timeout));
    pool.note(
        Level.INFO,
        "promotion begins",
        worker,
        cause,
        "to generation " + generation,
        Optional.empty());
  }

  /** The spare is there, or will not come. */
  void spare(Refork refork, Phase.Spare phase) {
    if (pool.canSpareOne() && !pool.spawnOutstanding()) {
      var candidate = candidate(refork.refusals());
      if (candidate.isPresent()) {
        begin(
            refork.purpose(),
            refork.cause(),
            refork.permit(),
            candidate.get(),
            refork.refusals(),
            refork.started());
        return;
      }
    }
    if (pool.now >= phase.deadline() || !pool.usable(pool.current)) {
      end(refork, "refused", ReforkReason.TIMEOUT, "no spare worker got ready");
    }
  }

  // --- events --------------------------------------------------------------------------------

  void hello(Event.Hello hello, Event.Claim.Newborn claim, WorkerLives lives) {
    if (pool.refork.isPresent()
        && pool.refork.get().phase() instanceof Phase.Promoting p
        && p.spawn().equals(claim.spawn())
        && claim.ours()
        && (p.mold().isEmpty() || p.mold().getAsInt() == hello.pid())) {
      var refork = pool.refork.get();
      pool.refork = Optional.of(refork.in(known(p, hello.pid())));
      pool.put(
          new Mold(
              hello.pid(),
              refork.generation(),
              new Mold.State.Preparing(p.deadline()),
              OptionalInt.empty(),
              pool.now));
      pool.act(new Action.Welcome(hello.connection(), hello.pid(), -1, refork.generation()));
      return;
    }
    lives.turnAway(hello, claim);
  }

  void spawned(Event.Spawned event) {
    if (pool.refork.isPresent()
        && pool.refork.get().phase() instanceof Phase.Promoting p
        && p.worker() == event.by()
        && p.spawn().equals(event.spawn())) {
      if (p.mold().isEmpty()) {
        pool.refork = pool.refork.map(r -> r.in(known(p, event.pid())));
      }
    } else if (pool.worker(event.by()).filter(w -> !w.leaving()).isPresent()) {
      // Forked after the promotion was given up: the worker waits for a word, its newborn ends.
      pool.act(new Action.KillNewborn(event.spawn()));
      pool.act(new Action.Resume(event.by(), ReforkReason.TIMEOUT.word()));
    }
  }

  private static Phase.Promoting known(Phase.Promoting p, int mold) {
    return new Phase.Promoting(p.worker(), p.slot(), p.spawn(), OptionalInt.of(mold), p.deadline());
  }

  void refused(Event.Refused event) {
    if (pool.refork.isPresent()
        && pool.refork.get().phase() instanceof Phase.Promoting p
        && p.worker() == event.pid()) {
      failed(pool.refork.get(), p, event.reason(), event.detail(), false);
    }
  }

  /** The new mold is ready: the worker leaves, and its slot takes the canary. */
  void ready(Mold mold) {
    var refork = pool.refork.orElseThrow();
    var p = (Phase.Promoting) refork.phase();
    pool.put(mold.in(new Mold.State.Ready()));
    pool.note(
        Level.INFO,
        "mold ready",
        OptionalInt.of(mold.pid()),
        mold.generation(),
        refork.cause(),
        "promoted in " + pool.since(refork.started()).toMillis() + " ms");
    pool.worker(p.worker()).ifPresent(w -> pool.askToLeave(w, ExitReason.SUPERSEDED));
    if (!pool.usable(pool.current)) {
      pool.current = mold.pid();
    }
    if (refork.purpose() == Purpose.RECOVER) {
      pool.refork = Optional.empty();
      pool.recoveryFailed = false;
      return;
    }
    pool.refork =
        Optional.of(refork.in(new Phase.Canary(mold.pid(), p.slot(), OptionalLong.empty(), 0, 0)));
  }

  boolean owns(Mold mold) {
    return pool.refork.isPresent()
        && pool.refork.get().phase() instanceof Phase.Promoting p
        && p.mold().isPresent()
        && p.mold().getAsInt() == mold.pid();
  }

  /** The candidate or the new mold is gone, or time is up. */
  void watch(Refork refork, Phase.Promoting p) {
    var worker = pool.worker(p.worker());
    if (worker.isEmpty() || !(worker.get().state() instanceof State.Promoting)) {
      failed(refork, p, ReforkReason.CANDIDATE_DIED, "", false);
    } else if (p.mold().isPresent() && pool.goneNewborns.contains(p.mold().getAsInt())) {
      failed(refork, p, ReforkReason.MOLD_DIED, "the new mold ended before it was ready", true);
    } else if (pool.now >= p.deadline()) {
      failed(refork, p, ReforkReason.TIMEOUT, "", true);
    }
  }

  /**
   * A promotion came to nothing. The new mold, if any, is killed; the worker serves on.
   *
   * @param agentsDecision the worker does not know yet
   */
  private void failed(
      Refork refork,
      Phase.Promoting p,
      ReforkReason reason,
      String detail,
      boolean agentsDecision) {
    pool.tally.refusal(reason);
    p.mold().ifPresentOrElse(this::killNewborn, () -> pool.act(new Action.KillNewborn(p.spawn())));
    var worker = pool.worker(p.worker());
    if (worker.isPresent() && worker.get().state() instanceof State.Promoting s) {
      if (agentsDecision) {
        // Not to blame: with one thread it reads `promote` only when its request is over. One that
        // hangs is found by its heartbeat, its oldest request or its absence.
        pool.act(new Action.Resume(p.worker(), reason.word()));
      }
      pool.put(worker.get().in(new State.Ready(s.readySince())));
    }
    pool.note(
        Level.WARN,
        "promotion failed",
        OptionalInt.of(p.worker()),
        refork.generation(),
        reason.word(),
        detail);
    var refusals = new HashSet<>(refork.refusals());
    refusals.add(p.worker());
    var next = candidate(refusals);
    if (pool.mode == Mode.SERVING
        && !isLost(p, agentsDecision)
        && refusals.size() < MAX_TRIES
        && next.isPresent()
        && pool.canSpareOne()
        && !pool.spawnOutstanding()
        && reason != ReforkReason.CANDIDATE_DIED) {
      begin(
          refork.purpose(),
          refork.cause(),
          refork.permit(),
          next.get(),
          refusals,
          refork.started());
      return;
    }
    end(refork, "refused", reason, detail);
  }

  /**
   * Whether a candidate stopped serving and was not heard of since: the next one might be lost to
   * the same hook.
   */
  private boolean isLost(Phase.Promoting p, boolean agentsDecision) {
    return agentsDecision
        && p.mold().isEmpty()
        && pool.worker(p.worker()).filter(w -> w.score().last().away()).isPresent();
  }

  private void killNewborn(int pid) {
    var mold = pool.molds.get(pid);
    if (mold == null) {
      if (!pool.goneNewborns.contains(pid)) {
        pool.act(new Action.Kill(pid, Signal.KILL));
      }
    } else {
      pool.kill(mold);
    }
  }

  // --- ending --------------------------------------------------------------------------------

  /** A refork that failed is over: the next one waits, twice as long each time. */
  void end(Refork refork, String outcome, ReforkReason reason, String detail) {
    pool.refork = Optional.empty();
    pool.lastReforkEnd = pool.now;
    if (refork.purpose() == Purpose.RECOVER) {
      pool.recoveryFailed = true;
      return;
    }
    pool.tally.refork(outcome, reason.word());
    pool.finished(refork, outcome, reason.word(), detail);
    if (reason != ReforkReason.STOPPED) {
      var failures = pool.reforkBackoff.failures() + 1;
      // Three soaks: a generation that is bad costs the pool little, and a pool that is tuned to be
      // quick retries quickly.
      var base =
          Math.max(
              pool.settings.rollout().canarySoak().toNanos() * 3, Duration.ofSeconds(1).toNanos());
      var pause = Math.min(MAX_BACKOFF_NANOS, base * Math.pow(2, failures - 1));
      pool.reforkBackoff = new Backoff(failures, pool.now + (long) pause);
    }
    pool.note(
        Level.WARN,
        "refork " + outcome,
        OptionalInt.empty(),
        refork.generation(),
        reason.word(),
        detail);
  }

  /** Molds that nobody needs any more leave. */
  void retireUnused() {
    for (var mold : List.copyOf(pool.molds.values())) {
      var needed =
          mold.pid() == pool.current
              || !mold.ready()
              || pool.refork.map(r -> r.from() == mold.pid()).orElse(false)
              || pool.refork.map(r -> r.to().orElse(0) == mold.pid()).orElse(false);
      if (!needed && !pool.spawnOutstanding(mold.pid())) {
        pool.retire(mold);
      }
    }
  }
}
