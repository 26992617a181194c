package io.refork.agent.pool;

import io.refork.agent.pool.Action.Level;
import io.refork.agent.pool.Ledger.Answers;
import io.refork.agent.pool.Ledger.Backoff;
import io.refork.agent.pool.Ledger.Failed;
import io.refork.agent.pool.Refork.Phase;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/** From a new mold to a pool of its forks: canary, rolling, completion or abort. */
final class Rollouts {
  /** Fewer requests or errors than these say nothing about a generation. */
  private static final long MIN_REQUESTS = 20;

  private static final long MIN_ERRORS = 3;

  /**
   * Points of error share above the old workers' that a generation may have: noise stays below, a
   * defect does not.
   */
  private static final double MAX_EXCESS = 0.05;

  private final Ledger pool;
  private final Promotions promotions;

  Rollouts(Ledger pool, Promotions promotions) {
    this.pool = pool;
    this.promotions = promotions;
  }

  /** What the workers of a generation, or all others, have answered; those that are gone too. */
  private Answers sum(int generation, boolean ofIt) {
    var sum = Answers.NONE;
    for (var worker : pool.workers.values()) {
      if ((worker.generation() == generation) == ofIt) {
        sum = sum.plus(Answers.of(worker));
      }
    }
    for (var gone : pool.answersOfGone.entrySet()) {
      if ((gone.getKey() == generation) == ofIt) {
        sum = sum.plus(gone.getValue());
      }
    }
    return sum;
  }

  /**
   * Whether the new generation answers clearly more errors than the old one does since {@code
   * oldServed}; or did before, when that says too little.
   */
  private boolean answersErrors(int generation, long oldServed, long oldErrors) {
    var fresh = sum(generation, true);
    var old = sum(generation, false);
    var since = new Answers(old.served() - oldServed, old.errors() - oldErrors);
    var baseline = since.served() >= MIN_REQUESTS ? since : old;
    return fresh.served() >= MIN_REQUESTS
        && fresh.errors() >= MIN_ERRORS
        && fresh.share() > baseline.share() + MAX_EXCESS;
  }

  void canary(Refork refork, Phase.Canary c) {
    for (var failed : pool.failures) {
      if (failed.generation() == refork.generation()) {
        abort(
            refork,
            failed.wasReady() || failed.reason() == ExitReason.CRASHED
                ? ReforkReason.CANARY_DIED
                : ReforkReason.CANARY_NOT_READY,
            failed.reason().word());
        return;
      }
    }
    if (!pool.usable(c.mold())) {
      abort(refork, ReforkReason.MOLD_DIED, "the new mold ended during the canary's watch");
      return;
    }
    if (c.slot() >= pool.settings.workers()) {
      abort(refork, ReforkReason.STOPPED, "the canary's slot is not wanted any more");
      return;
    }
    var canary =
        Optional.ofNullable(pool.workers.get(c.slot()))
            .filter(w -> w.generation() == refork.generation() && w.ready());
    if (c.readyAt().isEmpty()) {
      if (canary.isPresent()) {
        var old = sum(refork.generation(), false);
        pool.refork =
            Optional.of(
                refork.in(
                    new Phase.Canary(
                        c.mold(),
                        c.slot(),
                        OptionalLong.of(pool.now),
                        old.served(),
                        old.errors())));
        pool.note(
            Level.INFO,
            "canary ready",
            canary.get(),
            "",
            "",
            Optional.of(pool.since(canary.get().born())));
      }
      return;
    }
    if (canary.isEmpty()) {
      abort(refork, ReforkReason.CANARY_DIED, "");
    } else if (answersErrors(refork.generation(), c.oldServed(), c.oldErrors())) {
      abort(refork, ReforkReason.CANARY_ERRORS, errorText(refork));
    } else if (pool.now - c.readyAt().getAsLong()
        >= pool.settings.rollout().canarySoak().toNanos()) {
      roll(refork, c, canary.get());
    }
  }

  private String errorText(Refork refork) {
    var fresh = sum(refork.generation(), true);
    return fresh.errors() + " errors in " + fresh.served() + " requests";
  }

  private void roll(Refork refork, Phase.Canary c, Worker canary) {
    var proven = canary.score().last().served() >= MIN_REQUESTS;
    pool.current = c.mold();
    for (var worker : List.copyOf(pool.workers.values())) {
      if (worker.generation() != refork.generation() && worker.mark().isEmpty()) {
        pool.put(worker.marked(Optional.of(ExitReason.SUPERSEDED)));
      }
    }
    pool.refork =
        Optional.of(
            refork.in(new Phase.Rolling(c.mold(), 0, proven, c.oldServed(), c.oldErrors())));
    pool.note(
        Level.INFO,
        "canary passed",
        canary,
        proven ? "proven" : "unproven",
        canary.score().last().served() + " requests",
        Optional.empty());
  }

  void rolling(Refork refork, Phase.Rolling r) {
    int generation = refork.generation();
    var mine = pool.failures.stream().filter(f -> f.generation() == generation).toList();
    var failures = r.failures() + mine.size();
    if (failures != r.failures()) {
      r = new Phase.Rolling(r.mold(), failures, r.proven(), r.oldServed(), r.oldErrors());
      refork = refork.in(r);
      pool.refork = Optional.of(refork);
    }
    if (failures >= pool.settings.rollout().failureBudget()) {
      abort(
          refork,
          ReforkReason.FAILURE_BUDGET,
          failures
              + " failures of new workers, the last one: "
              + mine.stream()
                  .map(Failed::reason)
                  .map(ExitReason::word)
                  .reduce((a, b) -> b)
                  .orElse(""));
    } else if (!pool.usable(r.mold())) {
      abort(refork, ReforkReason.MOLD_DIED, "the new mold ended during the rollout");
    } else if (answersErrors(refork.generation(), r.oldServed(), r.oldErrors())) {
      abort(refork, ReforkReason.FAILURE_BUDGET, errorText(refork));
    } else if (complete(refork)) {
      completed(refork, r);
    }
  }

  private boolean complete(Refork refork) {
    for (int slot = 0; slot < pool.settings.workers(); slot++) {
      var worker = pool.workers.get(slot);
      if (worker == null || !worker.ready() || worker.generation() != refork.generation()) {
        return false;
      }
    }
    return pool.workers.values().stream().allMatch(w -> w.generation() == refork.generation());
  }

  private void completed(Refork refork, Phase.Rolling r) {
    pool.level++;
    pool.refork = Optional.empty();
    pool.lastReforkEnd = pool.now;
    pool.reforkBackoff = Backoff.NONE;
    pool.sharedLow = false;
    var outcome = r.proven() ? "completed" : "completed-unproven";
    pool.tally.refork("completed", r.proven() ? "proven" : "unproven");
    pool.finished(refork, outcome, "", "");
    pool.note(
        Level.INFO,
        "refork completed",
        OptionalInt.of(r.mold()),
        refork.generation(),
        r.proven() ? "proven" : "unproven",
        "level " + pool.level + " in " + pool.since(refork.started()).toMillis() + " ms");
  }

  /** Back to the old mold: the new one goes, its workers are replaced, the old ones stay. */
  private void abort(Refork refork, ReforkReason reason, String detail) {
    var to = pool.molds.get(refork.to().orElse(0));
    pool.current = pool.usable(refork.from()) ? refork.from() : 0;
    for (var worker : List.copyOf(pool.workers.values())) {
      if (worker.generation() == refork.generation()) {
        pool.put(worker.marked(Optional.of(ExitReason.SUPERSEDED)));
      } else if (worker.mark().equals(Optional.of(ExitReason.SUPERSEDED))) {
        pool.put(worker.marked(Optional.empty()));
      }
    }
    for (var slot : List.copyOf(pool.backoffs.keySet())) {
      // These were failures of the new generation: the old one refills at once.
      pool.backoffs.remove(slot);
    }
    if (to != null && !to.leaving()) {
      pool.retire(to);
    }
    promotions.end(refork, "aborted", reason, detail);
  }
}
