package io.refork.agent.control;

import io.refork.protocol.control.Reason;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;

/** How often requests to steer this pod ended how. Counted on any thread. */
public final class ControlOutcomes {
  /** The words of the metric: five, because every pod of a pool pays for each. The log has more. */
  public enum Outcome {
    ACCEPTED,
    /** Our clock and the operator's differ, or the request was very late. */
    CLOCK,
    SIGNATURE,
    /** Not even looked at, or not verified. */
    FLOODED,
    /** For any other reason: not signed, for another pod, used before, … */
    REFUSED
  }

  private final Map<Outcome, AtomicLong> counts = new EnumMap<>(Outcome.class);

  public ControlOutcomes() {
    for (var outcome : Outcome.values()) {
      counts.put(outcome, new AtomicLong());
    }
  }

  void count(Outcome outcome) {
    of(outcome).incrementAndGet();
  }

  void count(Reason reason) {
    count(outcome(reason));
  }

  long get(Outcome outcome) {
    return of(outcome).get();
  }

  private AtomicLong of(Outcome outcome) {
    return Objects.requireNonNull(counts.get(outcome));
  }

  private static Outcome outcome(Reason reason) {
    return switch (reason) {
      case CLOCK, EXPIRED -> Outcome.CLOCK;
      case SIGNATURE -> Outcome.SIGNATURE;
      case FLOODED -> Outcome.FLOODED;
      case REPLAYED,
          MISSING,
          MALFORMED,
          ALGORITHM,
          TYPE,
          KEY,
          ISSUER,
          AUDIENCE,
          LIFETIME,
          REQUEST,
          NO_KEYS,
          TOO_LARGE ->
          Outcome.REFUSED;
    };
  }
}
