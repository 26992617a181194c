package io.refork.agent.pool;

import io.refork.agent.linux.Signal;
import io.refork.agent.pool.Action.Level;
import io.refork.agent.pool.Ledger.Mode;
import io.refork.agent.pool.Refork.Phase;
import io.refork.agent.pool.Worker.Stage;
import io.refork.agent.pool.Worker.State;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The way out: serve on for a while, drain, molds, then whatever else was left behind; each step
 * bounded.
 */
final class Shutdown {
  /**
   * What is not gone this long after KILL hangs in the kernel; waiting longer would not help it.
   */
  private static final Duration AFTER_KILL = Duration.ofSeconds(1);

  private final Ledger pool;
  private final Boots boots;
  private Step step = new Step.None();

  private sealed interface Step {
    record None() implements Step {}

    /** Not ready any more, but serving until then. */
    record Delay(long until) implements Step {}

    /** Workers finish what is in flight; who is not gone by {@code until} hangs in the kernel. */
    record Drain(long until) implements Step {}

    /** Nobody is left who could be waited for: TERM was sent to the rest, KILL follows. */
    record Sweep(long deadline, boolean killed) implements Step {}
  }

  Shutdown(Ledger pool, Boots boots) {
    this.pool = pool;
    this.boots = boots;
  }

  /** Whether workers are still kept at strength. */
  boolean serving() {
    return step instanceof Step.None || step instanceof Step.Delay;
  }

  /** Whether the edge has to count descendants that are no members. */
  boolean sweeping() {
    return step instanceof Step.Sweep;
  }

  void ask(boolean fast) {
    if (step instanceof Step.None) {
      pool.note(Level.INFO, "stopping", OptionalInt.empty(), 0, fast ? "fast" : "graceful", "");
      var nothingServes = pool.mode == Mode.BOOTING;
      pool.mode = Mode.STOPPING;
      pool.reforkAsked = Optional.empty();
      cancelRefork();
      var delay = fast || nothingServes ? Duration.ZERO : pool.settings.timeouts().shutdownDelay();
      step = new Step.Delay(pool.now + delay.toNanos());
    } else if (fast && step instanceof Step.Delay) {
      step = new Step.Delay(pool.now);
    }
    if (fast) {
      advance();
      pressAll();
    }
  }

  /** A refork ends where it is: whoever serves, serves on. */
  private void cancelRefork() {
    pool.refork.ifPresent(
        refork -> {
          if (refork.phase() instanceof Phase.Promoting p) {
            p.mold()
                .ifPresent(
                    pid -> {
                      var mold = pool.molds.get(pid);
                      if (mold != null) {
                        pool.kill(mold);
                      } else if (!pool.goneNewborns.contains(pid)) {
                        pool.act(new Action.Kill(pid, Signal.KILL));
                      }
                    });
            pool.act(new Action.KillNewborn(p.spawn()));
            pool.worker(p.worker())
                .filter(w -> w.state() instanceof State.Promoting)
                .ifPresent(
                    w -> {
                      pool.act(new Action.Resume(p.worker(), ReforkReason.STOPPED.word()));
                      pool.put(w.in(new State.Ready(w.readySince())));
                    });
          }
          pool.refork = Optional.empty();
          pool.tally.refork("aborted", ReforkReason.STOPPED.word());
          pool.finished(refork, "aborted", ReforkReason.STOPPED.word(), "");
        });
    for (var worker : List.copyOf(pool.workers.values())) {
      pool.put(worker.marked(Optional.empty()));
    }
  }

  void strays(int count) {
    if (step instanceof Step.Sweep s) {
      if (count == 0) {
        exit();
      } else if (pool.now >= s.deadline()) {
        if (s.killed()) {
          pool.note(
              Level.ERROR,
              "processes survive KILL",
              OptionalInt.empty(),
              0,
              "stopped",
              count + " left");
          exit();
        } else {
          pool.act(new Action.SignalStrays(Signal.KILL));
          step = new Step.Sweep(pool.now + AFTER_KILL.toNanos(), true);
        }
      }
    }
  }

  /** One look at where the stop stands. */
  void advance() {
    if (pool.mode == Mode.STOPPING && step instanceof Step.None) {
      // The first boot failed: nothing serves, so nothing drains.
      step = new Step.Delay(pool.now);
    }
    if (step instanceof Step.Delay d && pool.now >= d.until()) {
      drain();
    }
    if (step instanceof Step.Drain d
        && (pool.now >= d.until()
            || pool.workers.isEmpty() && pool.molds.isEmpty() && pool.orphanedCommands.isEmpty())) {
      pool.act(new Action.SignalStrays(Signal.TERM));
      var killAfter = pool.settings.timeouts().killAfter();
      // Whoever wastes the time of the drain wastes it for all: the stop as a whole is bounded.
      var last = d.until() + killAfter.minus(AFTER_KILL).toNanos();
      step = new Step.Sweep(Math.min(pool.now + killAfter.toNanos(), last), false);
    }
  }

  /** By when the members are gone: asked, pressed, and killed, each with its time. */
  private long end(Duration drain) {
    return pool.now + drain.plus(pool.settings.timeouts().killAfter()).plus(AFTER_KILL).toNanos();
  }

  private void drain() {
    step = new Step.Drain(end(pool.settings.timeouts().drain()));
    boots.cancel();
    for (var worker : List.copyOf(pool.workers.values())) {
      if (worker.leaving()) {
        continue;
      }
      if (worker.pid().isEmpty()) {
        pool.act(new Action.KillNewborn(worker.spawn()));
        pool.workers.remove(worker.slot());
      } else if (worker.state() instanceof State.Spawning) {
        pool.act(new Action.Kill(worker.pid().getAsInt(), Signal.KILL));
        pool.leave(worker, ExitReason.REQUESTED, Stage.KILL, pool.settings.timeouts().killAfter());
      } else {
        pool.askToLeave(worker, ExitReason.REQUESTED);
      }
    }
    for (var mold : List.copyOf(pool.molds.values())) {
      pool.retire(mold);
    }
  }

  private void pressAll() {
    if (step instanceof Step.Drain d) {
      step = new Step.Drain(Math.min(d.until(), end(Duration.ZERO)));
    }
    for (var worker : List.copyOf(pool.workers.values())) {
      if (worker.pid().isPresent()
          && !(worker.state() instanceof State.Leaving l && l.stage() != Stage.DRAIN)) {
        pool.press(worker, ExitReason.REQUESTED);
      }
    }
  }

  private void exit() {
    pool.mode = Mode.ENDED;
    pool.act(new Action.Exit(pool.exitCode));
  }

  long deadline() {
    return switch (step) {
      case Step.None n -> Long.MAX_VALUE;
      case Step.Delay d -> d.until();
      case Step.Drain d -> d.until();
      case Step.Sweep s -> Long.MAX_VALUE; // the count of strays comes more often than it is due
    };
  }
}
