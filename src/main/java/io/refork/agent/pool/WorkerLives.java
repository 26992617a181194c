package io.refork.agent.pool;

import io.refork.agent.linux.ExitStatus;
import io.refork.agent.linux.Signal;
import io.refork.agent.pool.Action.Level;
import io.refork.agent.pool.Ledger.Backoff;
import io.refork.agent.pool.Worker.Stage;
import io.refork.agent.pool.Worker.State;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The life of a worker: from its hello to its end, watched and, where it must be, ended. Whose turn
 * it is to be forked or replaced, {@link Slots} decides.
 */
final class WorkerLives {
  /**
   * A worker that dies this soon after ready counts as one that never got ready: else it would be
   * forked in a loop.
   */
  private static final long STABLE_NANOS = Duration.ofSeconds(1).toNanos();

  /**
   * Longest pause between two tries to fill a slot: long enough to be harmless, short enough to see
   * a mend work.
   */
  static final long MAX_BACKOFF_NANOS = Duration.ofSeconds(30).toNanos();

  /** Between the traceback signal and TERM: the dump is written by a signal handler, at once. */
  private static final Duration TRACEBACK = Duration.ofMillis(200);

  private final Ledger pool;

  WorkerLives(Ledger pool) {
    this.pool = pool;
  }

  // --- events --------------------------------------------------------------------------------

  /** A newborn says hello: it is the one that a slot waits for, or it is turned away. */
  void hello(Event.Hello hello, Event.Claim.Newborn claim) {
    for (var worker : List.copyOf(pool.workers.values())) {
      if (worker.state() instanceof State.Spawning
          && worker.spawn().equals(claim.spawn())
          && claim.ours()
          && (worker.pid().isEmpty() || worker.is(hello.pid()))) {
        var boot = pool.settings.timeouts().boot();
        pool.put(worker.as(hello.pid()).in(new State.Starting(pool.now + boot.toNanos())));
        pool.act(
            new Action.Welcome(
                hello.connection(), hello.pid(), worker.slot(), worker.generation()));
        return;
      }
    }
    turnAway(hello, claim);
  }

  /**
   * A process whose spawn nobody awaits: if it bears the name of that spawn it is a late newborn,
   * and ends.
   */
  void turnAway(Event.Hello hello, Event.Claim.Newborn claim) {
    pool.act(
        new Action.TurnAway(
            hello.connection(), "unknown-spawn", "no such spawn is awaited from you"));
    if (claim.ours() && claim.named() && pool.worker(hello.pid()).isEmpty()) {
      pool.act(new Action.Kill(hello.pid(), Signal.KILL));
    }
  }

  void spawned(Event.Spawned event) {
    for (var worker : List.copyOf(pool.workers.values())) {
      if (worker.mold() == event.by()
          && worker.spawn().equals(event.spawn())
          && worker.pid().isEmpty()) {
        pool.put(worker.as(event.pid()));
        if (worker.leaving()) {
          pool.act(new Action.Kill(event.pid(), Signal.KILL));
        }
      }
    }
  }

  void spawnFailed(Event.SpawnFailed event) {
    for (var worker : List.copyOf(pool.workers.values())) {
      if (worker.mold() == event.by()
          && worker.spawn().equals(event.spawn())
          && worker.state() instanceof State.Spawning) {
        pool.note(
            Level.WARN, "spawn failed", worker, "fork-failed", event.message(), Optional.empty());
        giveUp(worker, "failed");
      }
    }
  }

  /**
   * A spawn that cannot come to anything: what may exist of it is killed by name, and the slot
   * tries again later.
   */
  private void giveUp(Worker worker, String outcome) {
    pool.tally.spawn(outcome);
    if (worker.pid().isPresent()) {
      pool.act(new Action.Kill(worker.pid().getAsInt(), Signal.KILL));
      pool.leave(
          worker, ExitReason.SPAWN_TIMEOUT, Stage.KILL, pool.settings.timeouts().killAfter());
      return;
    }
    pool.act(new Action.KillNewborn(worker.spawn()));
    pool.workers.remove(worker.slot());
    backOff(worker.slot(), worker.born());
    pool.tally.exit(ExitReason.SPAWN_TIMEOUT);
    pool.failed(worker, ExitReason.SPAWN_TIMEOUT);
  }

  /** The mold of these spawns is gone: those whose newborn is unknown will never be answered. */
  void moldGone(int mold) {
    for (var worker : List.copyOf(pool.workers.values())) {
      if (worker.mold() == mold
          && worker.state() instanceof State.Spawning
          && worker.pid().isEmpty()) {
        pool.note(Level.WARN, "spawn failed", worker, "mold-died", "", Optional.empty());
        pool.act(new Action.KillNewborn(worker.spawn()));
        pool.tally.spawn("failed");
        pool.workers.remove(worker.slot());
      }
    }
  }

  void ready(Worker worker) {
    if (worker.state() instanceof State.Starting) {
      pool.put(worker.in(new State.Ready(pool.now)).scored(Worker.Score.none(pool.now)));
      pool.tally.spawn("ready");
      pool.note(Level.INFO, "worker ready", worker, "", "", Optional.of(pool.since(worker.born())));
    }
  }

  void disconnected(Worker worker, String why) {
    if (!worker.leaving()) {
      // A process that is ending closes its connection a moment before it is reaped: give it that
      // moment.
      pool.note(Level.INFO, "worker hung up", worker, "", why, Optional.empty());
      pool.leave(worker, ExitReason.CRASHED, Stage.DRAIN, pool.settings.timeouts().killAfter());
    }
  }

  /** Why it is gone, once it is. */
  ExitReason exited(Worker worker, ExitStatus status) {
    pool.workers.remove(worker.slot());
    var reason =
        switch (worker.state()) {
          case State.Leaving l ->
              l.stage() == Stage.KILL && wasAsked(l.why()) ? ExitReason.KILLED : l.why();
          default -> ExitReason.CRASHED;
        };
    pool.tally.exit(reason);
    pool.keepAnswers(worker);
    var since = worker.readySince();
    if (wasAsked(reason) || since >= 0 && pool.now - since >= STABLE_NANOS) {
      pool.backoffs.remove(worker.slot());
    } else {
      backOff(worker.slot(), reason == ExitReason.SPAWN_TIMEOUT ? worker.born() : pool.now);
      if (since < 0 && reason != ExitReason.SPAWN_TIMEOUT) {
        pool.tally.spawn(reason == ExitReason.BOOT_TIMEOUT ? "timeout" : "died");
      }
    }
    if (!wasAsked(reason) && reason != ExitReason.KILLED) {
      pool.failed(worker, reason);
    }
    pool.note(
        wasAsked(reason) ? Level.INFO : Level.WARN,
        "worker exited",
        worker,
        reason.word(),
        Text.of(status),
        Optional.of(pool.since(worker.born())));
    return reason;
  }

  private static boolean wasAsked(ExitReason reason) {
    return reason == ExitReason.REQUESTED
        || reason == ExitReason.RECYCLED
        || reason == ExitReason.SUPERSEDED;
  }

  /**
   * @param since what the pause counts from: a spawn that was waited for in vain has kept the slot
   *     empty long enough, so there the time of its command
   */
  private void backOff(int slot, long since) {
    var failures = pool.backoffs.getOrDefault(slot, Backoff.NONE).failures() + 1;
    pool.backoffs.put(slot, new Backoff(failures, since + backoff(failures)));
  }

  /** 1.5^(n−1) seconds before try n+1, at most 30. */
  static long backoff(int failures) {
    return (long) Math.min(MAX_BACKOFF_NANOS, Math.pow(1.5, failures - 1) * 1e9);
  }

  void readings(List<Event.Reading> rows) {
    var timeouts = pool.settings.timeouts();
    var byPid = new HashMap<Integer, Event.Reading>();
    rows.forEach(row -> byPid.put(row.pid(), row));
    for (var known : List.copyOf(pool.workers.values())) {
      var row = known.pid().isPresent() ? byPid.get(known.pid().getAsInt()) : null;
      if (row == null) {
        continue;
      }
      boolean shouldServe = known.state() instanceof State.Ready;
      var worker = known.scored(known.score().read(row, pool.now, shouldServe));
      pool.put(worker);
      if (shouldServe) {
        if (worker.recycleAt() > 0
            && row.served() >= worker.recycleAt()
            && worker.mark().isEmpty()) {
          pool.put(worker.marked(Optional.of(ExitReason.RECYCLED)));
        } else if (!timeouts.request().isZero()
            && row.busy() > 0
            && row.oldest() != 0
            && pool.now - worker.score().oldestSeen() >= timeouts.request().toNanos()) {
          blame(worker, ExitReason.REQUEST_TIMEOUT);
        } else if (!timeouts.heartbeat().isZero()
            && row.busy() == 0
            && row.heartbeat() != 0
            && pool.now - worker.score().heartbeatSeen() >= timeouts.heartbeat().toNanos()) {
          blame(worker, ExitReason.HEARTBEAT_TIMEOUT);
        } else if (!timeouts.heartbeat().isZero()
            && pool.now - worker.score().servingSeen() >= timeouts.heartbeat().toNanos()) {
          // Resumed from a promotion, it has not come back: a hook or a lock holds it.
          blame(worker, ExitReason.HEARTBEAT_TIMEOUT);
        }
      }
    }
  }

  private void blame(Worker worker, ExitReason why) {
    pool.note(Level.WARN, "worker hangs", worker, why.word(), "", Optional.empty());
    worker.pid().ifPresent(pid -> pool.act(new Action.Kill(pid, Signal.URG)));
    pool.leave(worker, why, Stage.TRACEBACK, TRACEBACK);
  }

  // --- time ----------------------------------------------------------------------------------

  /** Deadlines of single workers. */
  void expire() {
    for (var worker : List.copyOf(pool.workers.values())) {
      switch (worker.state()) {
        case State.Spawning s when pool.now >= s.deadline() -> spawnTimedOut(worker);
        case State.Starting s when pool.now >= s.deadline() -> {
          pool.note(
              Level.WARN, "worker did not get ready", worker, "boot-timeout", "", Optional.empty());
          pool.press(worker, ExitReason.BOOT_TIMEOUT);
        }
        case State.Leaving l when pool.now >= l.deadline() -> escalate(worker, l);
        default -> {}
      }
    }
  }

  private void spawnTimedOut(Worker worker) {
    pool.note(Level.WARN, "no hello in time", worker, "spawn-timeout", "", Optional.empty());
    var mold = pool.molds.get(worker.mold());
    if (worker.pid().isEmpty() && mold != null && !mold.leaving()) {
      // It answered neither spawned nor spawn-failed: the mold itself hangs.
      pool.note(
          Level.ERROR,
          "mold does not answer",
          OptionalInt.of(mold.pid()),
          mold.generation(),
          "spawn-timeout",
          "");
      pool.kill(mold);
    }
    giveUp(worker, "timeout");
  }

  private void escalate(Worker worker, State.Leaving state) {
    var killAfter = pool.settings.timeouts().killAfter();
    if (worker.pid().isEmpty()) {
      pool.act(new Action.KillNewborn(worker.spawn()));
      pool.workers.remove(worker.slot());
      pool.tally.exit(state.why());
      return;
    }
    int pid = worker.pid().getAsInt();
    switch (state.stage()) {
      case DRAIN, TRACEBACK -> {
        if (state.stage() == Stage.DRAIN) {
          pool.note(
              Level.WARN,
              "worker did not leave in time",
              worker,
              state.why().word(),
              worker.score().last().busy() + " requests are cut",
              Optional.empty());
        }
        pool.act(new Action.Kill(pid, Signal.TERM));
        pool.leave(worker, state.why(), Stage.TERM, killAfter);
      }
      case TERM, KILL -> {
        pool.act(new Action.Kill(pid, Signal.KILL));
        pool.leave(worker, state.why(), Stage.KILL, killAfter);
      }
    }
  }
}
