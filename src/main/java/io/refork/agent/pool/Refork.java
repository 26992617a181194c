package io.refork.agent.pool;

import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;

/**
 * A promotion and what follows it.
 *
 * @param generation of the mold it makes; another one for each try
 * @param purpose whether workers are to be replaced afterwards
 * @param cause the trigger, for the log
 * @param permit the operator's, if it was one
 * @param from the pid of the mold that was current when it began; 0 when there was none
 * @param started pool time
 * @param refusals workers that refused or failed in this refork, by pid
 */
record Refork(
    int generation,
    Purpose purpose,
    String cause,
    Optional<String> permit,
    int from,
    long started,
    Set<Integer> refusals,
    Phase phase) {

  Refork {
    refusals = Set.copyOf(refusals);
  }

  enum Purpose {
    /** Promotion and rollout. */
    REFORK,
    /** The mold is dead: only a mold is wanted. */
    RECOVER
  }

  sealed interface Phase {
    /** A spare is on its way, since no ready worker can be missed. */
    record Spare(long deadline) implements Phase {}

    /**
     * A worker was asked.
     *
     * @param mold the new mold's pid, once known
     */
    record Promoting(int worker, int slot, String spawn, OptionalInt mold, long deadline)
        implements Phase {}

    /**
     * The first worker of the new generation.
     *
     * @param readyAt pool time
     * @param oldServed served by the old workers when it got ready
     */
    record Canary(int mold, int slot, OptionalLong readyAt, long oldServed, long oldErrors)
        implements Phase {}

    /**
     * The others follow.
     *
     * @param proven the canary had enough requests to be judged
     */
    record Rolling(int mold, int failures, boolean proven, long oldServed, long oldErrors)
        implements Phase {}
  }

  Refork in(Phase next) {
    return new Refork(generation, purpose, cause, permit, from, started, refusals, next);
  }

  /** The pid of the new mold, when it is ready to fork. */
  OptionalInt to() {
    return switch (phase) {
      case Phase.Spare s -> OptionalInt.empty();
      case Phase.Promoting p -> OptionalInt.empty();
      case Phase.Canary c -> OptionalInt.of(c.mold());
      case Phase.Rolling r -> OptionalInt.of(r.mold());
    };
  }

  String word() {
    return switch (phase) {
      case Phase.Spare s -> "spare";
      case Phase.Promoting p -> "promoting";
      case Phase.Canary c -> c.readyAt().isPresent() ? "soaking" : "canary";
      case Phase.Rolling r -> "rolling";
    };
  }
}
