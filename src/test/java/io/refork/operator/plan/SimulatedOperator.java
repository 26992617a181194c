package io.refork.operator.plan;

import io.refork.api.WaveLedger;
import io.refork.operator.agents.AgentReport;
import io.refork.protocol.control.Desired;
import io.refork.protocol.control.Report;
import io.refork.protocol.control.Revision;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** One operator: what it has read, what it was told, what it may send. A crash loses all of it. */
final class SimulatedOperator {
  private final WaveWorld world;
  private final Map<String, AgentReport> reports = new HashMap<>();
  private final Map<String, Desired> desired = new HashMap<>();
  private WaveWorld.Stored read;

  SimulatedOperator(WaveWorld world) {
    this.world = world;
    read = world.stored;
  }

  /** The informer's cache catches up; until then a pass works on what is old. */
  void observe() {
    read = world.stored;
  }

  /**
   * One pass of the reconciler.
   *
   * @param crash whether it dies between the write and what follows
   */
  void pass(Instant now, boolean crash) {
    var pods = world.pods.values().stream().map(p -> seen(p)).toList();
    var step =
        Waves.step(
            new WaveInput(
                "pool",
                world.rules,
                world.template,
                world.minReady,
                pods,
                read.ledger(),
                read.paused(),
                now));
    if (step.ledger().isEmpty()) {
      return;
    }
    var confirmed = read;
    if (step.changed() || read.paused() != world.rules.paused()) {
      var next = new WaveWorld.Stored(read.version() + 1, step.ledger(), world.rules.paused());
      if (!world.write(read.version(), next)) {
        return; // somebody else was first: plan anew from what they wrote
      }
      confirmed = next;
    }
    if (crash) {
      return;
    }
    read = confirmed;
    step.notes().forEach(n -> world.count(n.reason().name()));
    send(step.ledger().get(), pods, now);
  }

  private void send(WaveLedger ledger, List<PodSeen> pods, Instant now) {
    desired.clear();
    for (var pod : pods) {
      var session = Optional.ofNullable(reports.get(pod.uid())).flatMap(this::session);
      var permit = Permits.of(ledger, world.rules, pod, now);
      var of =
          ledger.grants().stream()
              .filter(g -> g.uid().equals(pod.uid()))
              .map(g -> g.session())
              .findFirst();
      desired.put(
          pod.uid(),
          new Desired(
              "ns/pool",
              pod.uid(),
              permit.isPresent() ? of : session,
              new Revision(1, ledger.seq()),
              Map.of(),
              permit,
              world.rules.paused()));
    }
  }

  private Optional<String> session(AgentReport report) {
    return report instanceof AgentReport.Reported r
        ? Optional.of(r.report().session())
        : Optional.empty();
  }

  /** What it would send to this pod now; a pod that it knows nothing of is asked for a report. */
  Desired desiredOf(SimulatedPod pod) {
    return desired.getOrDefault(
        pod.uid,
        new Desired(
            "ns/pool",
            pod.uid,
            Optional.empty(),
            new Revision(0, 0),
            Map.of(),
            Optional.empty(),
            false));
  }

  void told(String uid, Report report, Instant now) {
    reports.put(uid, new AgentReport.Reported(report, now));
  }

  void unreachable(String uid, Instant now) {
    reports.put(uid, new AgentReport.Unreachable("no answer", now));
  }

  private PodSeen seen(SimulatedPod pod) {
    return new PodSeen(
        pod.uid,
        pod.uid,
        Optional.of("127.0.0.1"),
        pod.createdAt,
        pod.revision,
        pod.ready,
        pod.leaving,
        0,
        List.of(),
        Optional.ofNullable(reports.get(pod.uid)));
  }
}
