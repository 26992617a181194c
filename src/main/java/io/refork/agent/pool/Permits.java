package io.refork.agent.pool;

import io.refork.agent.pool.Action.Level;
import io.refork.agent.pool.Ledger.Mode;
import io.refork.agent.pool.Ledger.Permit;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The operator's leave to refork: taken once by its id, kept until a refork begins with it or it
 * lapses. {@link Promotions} uses it up.
 */
final class Permits {
  private final Ledger pool;

  Permits(Ledger pool) {
    this.pool = pool;
  }

  void take(Event.Permitted event) {
    if (event.id().equals(pool.lastPermit)) {
      return; // it waits, or has its refork, or is over
    }
    pool.permit.ifPresent(old -> lapse(old, "superseded"));
    pool.lastPermit = event.id();
    pool.permit =
        Optional.of(new Permit(event.id(), event.level(), pool.now + event.within().toNanos()));
  }

  void withdraw() {
    pool.permit.ifPresent(p -> lapse(p, "withdrawn"));
  }

  /** What cannot begin any more is told, so that the operator may give the leave to another pod. */
  void expire() {
    pool.permit.ifPresent(
        p -> {
          if (pool.mode == Mode.STOPPING) {
            lapse(p, ReforkReason.STOPPED.word());
          } else if (p.level() != pool.level + 1) {
            lapse(p, "level");
          } else if (pool.now >= p.startBy()) {
            lapse(p, "start-by");
          }
        });
  }

  /** Pool time at which {@link #expire} has something to do; {@code Long.MAX_VALUE} for never. */
  long deadline() {
    return pool.permit.map(Permit::startBy).orElse(Long.MAX_VALUE);
  }

  private void lapse(Permit permit, String reason) {
    pool.permit = Optional.empty();
    pool.act(new Action.ReforkEnded(Optional.of(permit.id()), "lapsed", reason, ""));
    pool.note(
        Level.INFO, "permit lapsed", OptionalInt.empty(), pool.nextGeneration, reason, permit.id());
  }
}
