package io.refork.operator.pass;

import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.refork.api.WaveLedger;
import io.refork.api.WaveLedger.Grant;
import io.refork.api.WorkerPool;
import io.refork.operator.agents.AgentReport.Reported;
import io.refork.operator.agents.Target;
import io.refork.operator.plan.Permits;
import io.refork.operator.plan.PodSeen;
import io.refork.operator.pods.Children;
import io.refork.protocol.control.Desired;
import io.refork.protocol.control.Permit;
import io.refork.protocol.control.Revision;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What each agent is told after a pass. Pure. Only a ledger whose write was confirmed may come in
 * here: a permit that was sent and then lost from the status would let another pod refork beside
 * it.
 */
public final class Telling {
  private Telling() {}

  /**
   * @param confirmed the ledger as the API server has it
   */
  public static List<Target> targets(Seen seen, Optional<WaveLedger> confirmed) {
    return seen.pods().stream()
        .filter(pod -> !pod.leaving())
        .flatMap(pod -> target(seen, confirmed, pod).stream())
        .toList();
  }

  private static Optional<Target> target(Seen seen, Optional<WaveLedger> ledger, PodSeen pod) {
    var pool = seen.pool();
    var metadata = pool.getMetadata();
    return pod.ip()
        .map(
            ip ->
                new Target(
                    ResourceID.fromResource(pool),
                    pod.uid(),
                    pod.name(),
                    ip,
                    pod.ready(),
                    desired(
                        seen,
                        ledger,
                        pod,
                        metadata.getNamespace() + "/" + metadata.getName(),
                        revision(pool, ledger))));
  }

  private static Desired desired(
      Seen seen, Optional<WaveLedger> ledger, PodSeen pod, String name, Revision revision) {
    var spec = seen.pool().getSpec();
    var permit =
        seen.children() instanceof Children.Desired
            ? ledger.flatMap(l -> Permits.of(l, Planner.rules(spec), pod, seen.now()))
            : Optional.<Permit>empty();
    // A permit is for the session that it was granted to, whoever answers by now.
    var session =
        permit
            .flatMap(p -> ledger.flatMap(l -> grant(l, p)))
            .map(Grant::session)
            .or(() -> session(pod));
    // Without settings an agent goes by its ConfigMap, which stays as it was when it was valid.
    var settings =
        switch (seen.children()) {
          case Children.Desired desired -> desired.settings();
          case Children.Invalid _ -> Map.<String, String>of();
        };
    return new Desired(name, pod.uid(), session, revision, settings, permit, spec.paused());
  }

  private static Optional<Grant> grant(WaveLedger ledger, Permit permit) {
    return ledger.grants().stream().filter(g -> g.id().equals(permit.id())).findFirst();
  }

  private static Optional<String> session(PodSeen pod) {
    return pod.report().orElse(null) instanceof Reported(var report, _)
        ? Optional.of(report.session())
        : Optional.empty();
  }

  private static Revision revision(WorkerPool pool, Optional<WaveLedger> ledger) {
    var generation = pool.getMetadata().getGeneration();
    return new Revision(
        generation == null ? 0 : generation, ledger.map(WaveLedger::seq).orElse(0L));
  }
}
