package io.refork.cluster;

import io.refork.protocol.control.Report.Outcome;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * What a simulated agent does when nobody interferes.
 *
 * @param reforkTakes how long a refork runs; empty: until {@link SimulatedAgent#finish}
 * @param eligibleBelow its own trigger asks for a refork while its level is below this
 * @param outcome how its reforks end
 * @param reason of an outcome that is not a success, such as {@code canary-died}
 * @param fault what happens to the next request, asked for each
 */
public record Behaviour(
    Optional<Duration> reforkTakes,
    int eligibleBelow,
    Outcome outcome,
    String reason,
    Supplier<Optional<Fault>> fault) {
  /** Reforks in no time when permitted, never asks, always succeeds. */
  public static final Behaviour USUAL =
      new Behaviour(Optional.of(Duration.ZERO), 0, Outcome.COMPLETED, "", Optional::empty);

  public Behaviour reforkTakes(Duration time) {
    return new Behaviour(Optional.of(time), eligibleBelow, outcome, reason, fault);
  }

  /** Reforks run until the test ends them. */
  public Behaviour stepped() {
    return new Behaviour(Optional.empty(), eligibleBelow, outcome, reason, fault);
  }

  /** Its own trigger asks for a refork until it has reached that level. */
  public Behaviour eligibleBelow(int level) {
    return new Behaviour(reforkTakes, level, outcome, reason, fault);
  }

  public Behaviour aborts(String why) {
    return new Behaviour(reforkTakes, eligibleBelow, Outcome.ABORTED, why, fault);
  }

  public Behaviour refuses(String why) {
    return new Behaviour(reforkTakes, eligibleBelow, Outcome.REFUSED, why, fault);
  }

  public Behaviour succeeds() {
    return new Behaviour(reforkTakes, eligibleBelow, Outcome.COMPLETED, "", fault);
  }

  /** Every request meets that fault. */
  public Behaviour fault(Fault each) {
    return fault(() -> Optional.of(each));
  }

  /** Each request meets the fault that is supplied for it, if any. */
  public Behaviour fault(Supplier<Optional<Fault>> each) {
    return new Behaviour(reforkTakes, eligibleBelow, outcome, reason, each);
  }

  public Behaviour faultless() {
    return fault(Optional::empty);
  }
}
