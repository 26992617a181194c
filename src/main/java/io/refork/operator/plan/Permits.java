package io.refork.operator.plan;

import io.refork.api.WaveLedger;
import io.refork.api.WaveLedger.Grant;
import io.refork.api.WaveLedger.Outcome;
import io.refork.api.WorkerPoolSpec.Policy;
import io.refork.operator.plan.WaveInput.Rules;
import io.refork.protocol.control.Permit;
import java.time.Instant;
import java.util.Optional;

/**
 * What of a ledger is sent. Only of one whose write was confirmed. A grant that is not sent still
 * holds its slot: the pod may have had it before.
 */
public final class Permits {
  private Permits() {}

  /** The permit for one pod. */
  public static Optional<Permit> of(WaveLedger ledger, Rules rules, PodSeen pod, Instant now) {
    var abort = ledger.abort();
    if (rules.paused()
        || rules.policy() == Policy.Never
        || pod.leaving()
        || !pod.revision().equals(ledger.template())
        || abort != null && now.isBefore(Instant.parse(abort.retryAt()))) {
      return Optional.empty();
    }
    return ledger.grants().stream()
        .filter(g -> !g.revoked() && g.uid().equals(pod.uid()))
        .flatMap(g -> permit(ledger, rules, g).stream())
        .findFirst();
  }

  private static Optional<Permit> permit(WaveLedger ledger, Rules rules, Grant grant) {
    var startBy = Instant.parse(grant.startBy());
    if (!grant.request()) {
      return rules.policy() == Policy.Automatic
          ? Optional.of(new Permit(grant.id(), grant.level(), Optional.empty(), startBy))
          : Optional.empty();
    }
    var request = ledger.request();
    return request != null && request.outcome() == Outcome.Running && request.owns(grant)
        ? Optional.of(new Permit(grant.id(), grant.level(), Optional.of(request.token()), startBy))
        : Optional.empty();
  }
}
