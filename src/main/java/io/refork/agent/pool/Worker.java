package io.refork.agent.pool;

import io.refork.agent.pool.Event.Reading;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The occupant of a slot, from the command to fork it until it was reaped.
 *
 * @param spawn its spawn id
 * @param mold the pid of the mold that was asked
 * @param born pool time of the command
 * @param mark why it is to be replaced as soon as capacity allows
 * @param recycleAt requests after which it is marked; 0: never
 */
record Worker(
    int slot,
    String spawn,
    int mold,
    int generation,
    OptionalInt pid,
    State state,
    long born,
    Optional<ExitReason> mark,
    long recycleAt,
    Score score) {

  /** Where a worker stands. Deadlines are pool time. */
  sealed interface State {
    /** Commanded; no hello yet. */
    record Spawning(long deadline) implements State {}

    /** Said hello; not accepting yet. */
    record Starting(long deadline) implements State {}

    record Ready(long since) implements State {}

    /** Asked to become a mold; {@code readySince} is restored when it serves on. */
    record Promoting(long readySince) implements State {}

    /** On its way out; {@code readySince} is negative when it never was ready. */
    record Leaving(ExitReason why, Stage stage, long deadline, long readySince) implements State {}
  }

  /** How hard a leaving process is pressed. */
  enum Stage {
    DRAIN,
    TRACEBACK,
    TERM,
    KILL
  }

  /**
   * What the scoreboard last said, and since when (pool time) the two values that must move have
   * not moved; and when a worker that should serve last did.
   */
  record Score(Reading last, long oldestSeen, long heartbeatSeen, long servingSeen) {
    static Score none(long now) {
      return new Score(new Reading(0, 0, 0, 0, 0, 0, false), now, now, now);
    }

    /**
     * @param shouldServe whether it was not asked for anything else
     */
    Score read(Reading next, long now, boolean shouldServe) {
      return new Score(
          next,
          next.oldest() == last.oldest() ? oldestSeen : now,
          next.heartbeat() == last.heartbeat() && next.busy() == 0 && last.busy() == 0
              ? heartbeatSeen
              : now,
          shouldServe && next.away() && next.busy() == 0 ? servingSeen : now);
    }
  }

  Worker in(State next) {
    return new Worker(slot, spawn, mold, generation, pid, next, born, mark, recycleAt, score);
  }

  Worker as(int known) {
    return new Worker(
        slot, spawn, mold, generation, OptionalInt.of(known), state, born, mark, recycleAt, score);
  }

  Worker marked(Optional<ExitReason> why) {
    return new Worker(slot, spawn, mold, generation, pid, state, born, why, recycleAt, score);
  }

  Worker scored(Score next) {
    return new Worker(slot, spawn, mold, generation, pid, state, born, mark, recycleAt, next);
  }

  boolean ready() {
    return state instanceof State.Ready;
  }

  boolean leaving() {
    return state instanceof State.Leaving;
  }

  boolean is(int process) {
    return pid.isPresent() && pid.getAsInt() == process;
  }

  /** Pool time since when it was ready, or −1 when it never was. */
  long readySince() {
    return switch (state) {
      case State.Spawning s -> -1;
      case State.Starting s -> -1;
      case State.Ready r -> r.since();
      case State.Promoting p -> p.readySince();
      case State.Leaving l -> l.readySince();
    };
  }

  /** The word that the status shows. */
  String word() {
    return switch (state) {
      case State.Spawning s -> "spawning";
      case State.Starting s -> "starting";
      case State.Ready r -> "ready";
      case State.Promoting p -> "promoting";
      case State.Leaving l -> l.stage() == Stage.DRAIN ? "draining" : "stopping";
    };
  }
}
