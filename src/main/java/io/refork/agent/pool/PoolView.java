package io.refork.agent.pool;

import io.refork.agent.pool.Ledger.Backoff;
import io.refork.agent.pool.Ledger.Mode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The pool at one instant, without anything that only the rules need.
 *
 * @param booting whether the first mold is not ready yet
 * @param stopping whether the agent is on its way out
 * @param generation of the mold that forks workers, else the newest there was
 * @param level completed reforks
 * @param molds the one that forks workers first
 * @param slots by number
 * @param eligible why a steered pool would refork now, if it had leave
 * @param backoffNanos the longest pause that any slot, the boot mold or the next refork has to wait
 */
public record PoolView(
    boolean booting,
    boolean stopping,
    int generation,
    int level,
    List<MoldView> molds,
    List<SlotView> slots,
    Optional<ReforkView> refork,
    Optional<String> eligible,
    long backoffNanos) {

  /** A mold. {@code state}: preparing, ready, stopping. */
  public record MoldView(int pid, int generation, String state) {}

  /** A slot; {@code bornNanos} is pool time. */
  public record SlotView(
      int slot,
      Optional<Integer> pid,
      int generation,
      String state,
      boolean ready,
      long bornNanos,
      Event.Reading reading) {}

  /** The running refork, or the last one; {@code permit} only while it runs. */
  public record ReforkView(
      int generation,
      Optional<String> permit,
      String phase,
      int updated,
      int total,
      String outcome,
      String reason,
      String detail) {}

  static PoolView of(Ledger pool, Boots boots, Promotions promotions) {
    var molds = new ArrayList<MoldView>();
    for (var mold : pool.molds.values()) {
      var view = new MoldView(mold.pid(), mold.generation(), mold.word());
      if (mold.pid() == pool.current) {
        molds.addFirst(view);
      } else {
        molds.add(view);
      }
    }
    var slots = new ArrayList<SlotView>();
    long backoff = Math.max(0, Math.max(boots.retryAt(), pool.reforkBackoff.retryAt()) - pool.now);
    var last = pool.workers.isEmpty() ? 0 : pool.workers.lastKey() + 1;
    for (int slot = 0; slot < Math.max(pool.settings.workers(), last); slot++) {
      var worker = pool.workers.get(slot);
      if (worker != null) {
        var pid =
            worker.pid().isPresent()
                ? Optional.of(worker.pid().getAsInt())
                : Optional.<Integer>empty();
        slots.add(
            new SlotView(
                slot,
                pid,
                worker.generation(),
                worker.word(),
                worker.ready(),
                worker.born(),
                worker.score().last()));
      } else if (slot < pool.settings.workers()) {
        var wait = pool.backoffs.getOrDefault(slot, Backoff.NONE).retryAt() - pool.now;
        backoff = Math.max(backoff, wait);
        slots.add(
            new SlotView(
                slot,
                Optional.empty(),
                generation(pool),
                wait > 0 ? "backing-off" : "empty",
                false,
                pool.now,
                new Event.Reading(0, 0, 0, 0, 0, 0, false)));
      }
    }
    return new PoolView(
        pool.mode == Mode.BOOTING,
        pool.mode == Mode.STOPPING || pool.mode == Mode.ENDED,
        generation(pool),
        pool.level,
        molds,
        slots,
        refork(pool),
        promotions.eligible(),
        backoff);
  }

  private static int generation(Ledger pool) {
    var mold = pool.molds.get(pool.current);
    return mold != null ? mold.generation() : Math.max(0, pool.nextGeneration - 1);
  }

  private static Optional<ReforkView> refork(Ledger pool) {
    if (pool.refork.isPresent() && pool.refork.get().purpose() == Refork.Purpose.REFORK) {
      var r = pool.refork.get();
      return Optional.of(
          new ReforkView(
              r.generation(),
              r.permit(),
              r.word(),
              pool.updated(r.generation()),
              pool.settings.workers(),
              "running",
              "",
              r.cause()));
    }
    return pool.lastRefork.map(
        f ->
            new ReforkView(
                f.generation(),
                Optional.empty(),
                "done",
                f.updated(),
                f.total(),
                f.outcome(),
                f.reason(),
                f.detail()));
  }
}
