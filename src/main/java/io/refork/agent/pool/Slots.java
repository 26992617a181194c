package io.refork.agent.pool;

import io.refork.agent.pool.Ledger.Backoff;
import io.refork.agent.pool.Refork.Phase;
import io.refork.agent.pool.Worker.State;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Which slots are filled, from which mold, and which workers make room: by acknowledged commands,
 * and never below the floor of ready ones.
 */
final class Slots {
  private final Ledger pool;

  Slots(Ledger pool) {
    this.pool = pool;
  }

  /** Somebody asked for new workers: those that are there now leave as capacity allows. */
  void replaceAll() {
    for (var worker : List.copyOf(pool.workers.values())) {
      if (worker.mark().isEmpty() && !worker.leaving()) {
        pool.put(worker.marked(Optional.of(ExitReason.REQUESTED)));
      }
    }
  }

  /**
   * Slots beyond the wanted ones that may be filled now: surge, or one spare where none may be
   * missing.
   */
  int extra() {
    if (pool.isRefork(Phase.Spare.class)) {
      return 1;
    }
    if (pool.refork.isPresent() && !pool.isRefork(Phase.Rolling.class)) {
      // Keep the spare that was made for this promotion.
      return pool.workers.containsKey(pool.settings.workers()) ? 1 : 0;
    }
    var marked = pool.workers.values().stream().filter(w -> w.mark().isPresent()).count();
    var allowed =
        Math.max(pool.settings.rollout().maxSurge(), pool.settings.maxUnavailable() == 0 ? 1 : 0);
    return (int) Math.min(marked, allowed);
  }

  private int moldFor(int slot) {
    if (pool.refork.isPresent()) {
      var to = pool.refork.get().to();
      if (to.isPresent()
          && pool.usable(to.getAsInt())
          && (pool.refork.get().phase() instanceof Phase.Rolling
              || (pool.refork.get().phase() instanceof Phase.Canary c && c.slot() == slot)
              || !pool.usable(pool.current))) {
        return to.getAsInt();
      }
    }
    return pool.current;
  }

  void fill() {
    var limit = pool.settings.workers() + extra();
    for (int slot = 0; slot < limit; slot++) {
      if (pool.workers.containsKey(slot)
          || pool.backoffs.getOrDefault(slot, Backoff.NONE).retryAt() > pool.now) {
        continue;
      }
      var mold = pool.molds.get(moldFor(slot));
      if (mold != null && mold.ready() && !pool.spawnOutstanding(mold.pid())) {
        spawn(slot, mold);
      }
    }
  }

  private void spawn(int slot, Mold mold) {
    var id = pool.newSpawnId();
    var recycle = pool.settings.recycle();
    var limit =
        recycle.maxRequests() == 0
            ? 0
            : Math.max(
                1,
                recycle.maxRequests()
                    + pool.random.nextLong(-recycle.jitter(), recycle.jitter() + 1));
    pool.put(
        new Worker(
            slot,
            id,
            mold.pid(),
            mold.generation(),
            OptionalInt.empty(),
            new State.Spawning(pool.now + pool.settings.timeouts().spawn().toNanos()),
            pool.now,
            Optional.empty(),
            limit,
            Worker.Score.none(pool.now)));
    pool.act(new Action.Spawn(mold.pid(), id, slot, mold.generation()));
  }

  /** Ends what is marked or surplus, as far as the floor allows. */
  void replace() {
    // While a promotion or a canary is judged, nothing else changes on purpose.
    if (pool.refork.isPresent() && !pool.isRefork(Phase.Rolling.class)) {
      return;
    }
    var limit = pool.settings.workers() + extra();
    for (var worker : List.copyOf(pool.workers.values())) {
      var surplus = worker.slot() >= limit;
      if (worker.leaving()
          || worker.state() instanceof State.Spawning // soon it is known by its pid
          || (worker.mark().isEmpty() && !surplus)) {
        continue;
      }
      if (!surplus && !pool.usable(moldFor(worker.slot()))) {
        continue; // nothing could take its place
      }
      if (!worker.ready() || pool.canSpareOne()) {
        pool.askToLeave(worker, worker.mark().orElse(ExitReason.REQUESTED));
      }
    }
  }
}
