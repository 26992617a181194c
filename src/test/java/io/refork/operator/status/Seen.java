package io.refork.operator.status;

import io.refork.api.Pools;
import io.refork.api.WaveLedger;
import io.refork.api.WorkerPool;
import io.refork.api.WorkerPoolStatus;
import io.refork.api.WorkerPoolStatus.Condition;
import io.refork.api.WorkerPoolStatus.State;
import io.refork.operator.agents.AgentReport;
import io.refork.operator.plan.PodSeen;
import io.refork.operator.plan.PodSeen.Trouble;
import io.refork.operator.plan.WaveView;
import io.refork.protocol.control.Report;
import io.refork.protocol.control.Report.Measure;
import io.refork.protocol.control.Report.Measure.Known;
import io.refork.protocol.control.Report.Measure.Unknown;
import io.refork.protocol.control.Report.WorkerState;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/** What a pass has seen, put together for a test: a pool of eight workers a pod, an hour old. */
final class Seen {
  static final Instant NOW = Instant.parse("2026-11-21T13:20:00Z");
  static final long MI = 1L << 20;

  /** Read once: thousands of statuses are made of it. */
  private static final WorkerPool SHOP =
      Pools.shop("metadata: {generation: 4}\nspec: {workers: 8}");

  private WorkerPool pool = SHOP;
  private final List<PodSeen> pods = new ArrayList<>();
  private final List<Problem> problems = new ArrayList<>();
  private Optional<DeploymentSeen> deployment = Optional.empty();
  private WaveView wave = wave(State.Idle, Optional.empty(), "no wave");
  private Optional<WorkerPoolStatus> previous = Optional.empty();
  private Instant now = NOW;

  static Seen seen() {
    return new Seen();
  }

  static WaveView wave(State state, Optional<WaveLedger> ledger, String message) {
    return new WaveView(state, 0, ledger, 0, 0, 0, message);
  }

  /** Changes of the pool, in YAML; see {@link Pools}. */
  Seen pool(String changes) {
    pool = Pools.shop(changes);
    return this;
  }

  Seen with(PodSeen... more) {
    pods.addAll(List.of(more));
    return this;
  }

  Seen with(Problem problem) {
    problems.add(problem);
    return this;
  }

  Seen deployment(DeploymentSeen seen) {
    deployment = Optional.of(seen);
    return this;
  }

  Seen wave(WaveView view) {
    wave = view;
    return this;
  }

  Seen after(WorkerPoolStatus status) {
    previous = Optional.of(status);
    return this;
  }

  Seen at(Instant instant) {
    now = instant;
    return this;
  }

  StatusInput input() {
    int wanted =
        pool.getSpec().replicas() == null ? pods.size() : Math.max(0, pool.getSpec().replicas());
    int ready = (int) pods.stream().filter(PodSeen::ready).count();
    var settled = new DeploymentSeen(true, wanted, wanted, wanted, ready, Optional.empty(), false);
    return new StatusInput(
        pool,
        "refork.io/pool=shop",
        problems,
        deployment.or(() -> Optional.of(settled)),
        pods,
        wave,
        previous,
        now);
  }

  WorkerPoolStatus status() {
    return StatusBuilder.build(input());
  }

  static Condition condition(WorkerPoolStatus status, String type) {
    return status.conditions().stream()
        .filter(c -> c.type().equals(type))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no condition " + type + " in " + status));
  }

  // --- pods --------------------------------------------------------------------------------------

  /** One that has been ready for an hour and whose agent has not been asked. */
  static PodSeen pod(String name) {
    return new PodSeen(
        "uid-" + name,
        name,
        Optional.of("10.0.0.1"),
        NOW.minus(Duration.ofHours(1)),
        "r1",
        true,
        false,
        0,
        List.of(),
        Optional.empty());
  }

  /** One that has been ready for an hour and reports {@link #report}. */
  static PodSeen pod(String name, UnaryOperator<Told> change) {
    return report(pod(name), new AgentReport.Reported(change.apply(new Told(name)).report(), NOW));
  }

  static PodSeen report(PodSeen pod, AgentReport report) {
    return new PodSeen(
        pod.uid(),
        pod.name(),
        pod.ip(),
        pod.createdAt(),
        pod.revision(),
        pod.ready(),
        pod.leaving(),
        pod.restarts(),
        pod.troubles(),
        Optional.of(report));
  }

  /** Not ready, and this old; with these troubles, newest first. */
  static PodSeen unready(PodSeen pod, Duration age, Trouble... troubles) {
    return new PodSeen(
        pod.uid(),
        pod.name(),
        pod.ip(),
        NOW.minus(age),
        pod.revision(),
        false,
        pod.leaving(),
        troubles.length,
        List.of(troubles),
        pod.report());
  }

  static PodSeen troubled(PodSeen pod, Trouble... troubles) {
    return new PodSeen(
        pod.uid(),
        pod.name(),
        pod.ip(),
        pod.createdAt(),
        pod.revision(),
        pod.ready(),
        pod.leaving(),
        troubles.length,
        List.of(troubles),
        pod.report());
  }

  static PodSeen leaving(PodSeen pod) {
    return new PodSeen(
        pod.uid(),
        pod.name(),
        pod.ip(),
        pod.createdAt(),
        pod.revision(),
        pod.ready(),
        true,
        pod.restarts(),
        pod.troubles(),
        pod.report());
  }

  static Trouble waits(String reason, String message) {
    return new Trouble("app", reason, message, true, Optional.empty());
  }

  static Trouble died(String reason, String message, Duration ago) {
    return new Trouble("app", reason, message, false, Optional.of(NOW.minus(ago)));
  }

  // --- reports -----------------------------------------------------------------------------------

  /** A report that can be changed: eight workers of generation 0 that share three quarters. */
  static final class Told {
    String pod;
    String session = "00112233aabbccdd";
    String version = "0.1.0";
    Report.Phase phase = Report.Phase.SERVING;
    int desired = 8;
    Map<WorkerState, Integer> workers = Map.of(WorkerState.READY, 8);
    int busy = 2;
    Optional<Report.Mold> mold = Optional.of(new Report.Mold(0, "ready"));
    List<Report.Generation> generations = List.of(generation(0, 8, known(200), known(800)));
    Measure resident = known(800);
    Measure proportional = known(300);
    Measure privateBytes = known(200);
    Measure saved = known(500);
    Measure ratio = new Known(0.75);
    Measure limit = known(1024);
    double backoff = 0;
    List<Report.Failure> failures = List.of();

    Told(String name) {
      pod = "uid-" + name;
    }

    Told workers(int ready, int starting, int draining, int backingOff) {
      workers =
          Map.of(
              WorkerState.READY,
              ready,
              WorkerState.STARTING,
              starting,
              WorkerState.DRAINING,
              draining,
              WorkerState.BACKING_OFF,
              backingOff);
      return this;
    }

    Told generations(Report.Generation... all) {
      generations = List.of(all);
      return this;
    }

    Told unmeasured(String why) {
      var unknown = new Unknown(why);
      resident = unknown;
      proportional = unknown;
      privateBytes = unknown;
      saved = unknown;
      ratio = unknown;
      return this;
    }

    Told set(java.util.function.Consumer<Told> change) {
      change.accept(this);
      return this;
    }

    Report report() {
      return new Report(
          session,
          pod,
          version,
          Optional.empty(),
          phase,
          true,
          0,
          mold,
          desired,
          workers,
          busy,
          generations,
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          new Report.Memory(resident, proportional, privateBytes, saved, ratio, known(400), limit),
          backoff,
          failures);
    }
  }

  static Report.Generation generation(
      int number, int workers, Measure privateBytes, Measure residentBytes) {
    return new Report.Generation(number, workers, workers, privateBytes, residentBytes);
  }

  /** So many Mi. */
  static Measure known(long mi) {
    return new Known(mi * MI);
  }
}
