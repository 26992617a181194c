package io.refork.agent.steer;

import io.refork.protocol.control.Desired;
import io.refork.protocol.control.Permit;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/** What a desired state asks of this agent, and whether it is to be heard. Pure. */
public final class Heeding {
  /** No operator means more; and nanoseconds of pool time cannot overflow. */
  private static final Duration LONGEST = Duration.ofDays(1);

  private Heeding() {}

  /** What is to be done about its permit. */
  public sealed interface Leave {
    /** Nothing: it says nothing new, or not to this agent. */
    record None() implements Leave {}

    /** A permit that has not led to a refork yet is void. */
    record Withdraw() implements Leave {}

    /** To be recorded, then handed to the pool. */
    record Take(Permit permit, Duration within) implements Leave {}
  }

  /** Whether it is of a revision that was overtaken. */
  public static boolean stale(Steered steered, Desired desired) {
    return steered.observed().isPresent()
        && desired.revision().compareTo(steered.observed().get()) < 0;
  }

  /** Whether it carries settings that this agent has not got yet. */
  public static boolean newSettings(Steered steered, Desired desired) {
    return !desired.settings().equals(steered.settings())
        || steered
            .observed()
            .map(r -> r.generation() != desired.revision().generation())
            .orElse(true);
  }

  /**
   * Its permit. One for another session is not for this agent: that one has ended, and its levels
   * with it.
   *
   * @param session of this agent
   * @param level reforks completed in it
   */
  public static Leave leave(
      Steered steered, Desired desired, String session, int level, Instant now) {
    if (!desired.session().equals(Optional.of(session))) {
      return new Leave.None();
    }
    if (desired.permit().isEmpty() || desired.paused()) {
      return steered.open().isPresent() ? new Leave.Withdraw() : new Leave.None();
    }
    var permit = desired.permit().get();
    var within = Duration.between(now, permit.startBy());
    boolean usable =
        !steered.spent().contains(permit.id())
            && permit.level() == level + 1
            && within.isPositive();
    if (!usable) {
      return new Leave.None();
    }
    // One at a time: when what was open ends, it must be known which request that answers.
    return steered.open().isPresent()
        ? new Leave.Withdraw()
        : new Leave.Take(permit, within.compareTo(LONGEST) < 0 ? within : LONGEST);
  }
}
