package io.refork.operator.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.refork.api.WaveLedger;
import io.refork.api.WaveLedger.Outcome;
import io.refork.api.WorkerPoolStatus;
import io.refork.api.WorkerPoolStatus.Condition;
import io.refork.api.WorkerPoolStatus.Memory;
import io.refork.api.WorkerPoolStatus.Pods;
import io.refork.api.WorkerPoolStatus.ProblemPod;
import io.refork.api.WorkerPoolStatus.Rollout;
import io.refork.api.WorkerPoolStatus.State;
import io.refork.api.WorkerPoolStatus.Workers;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class OperatorMetricsTest {
  private static final ResourceID SHOP = new ResourceID("shop", "web");
  private static final ResourceID MAIL = new ResourceID("mail", "web");

  private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
  private final OperatorMetrics metrics = new OperatorMetrics(registry, true);

  @Test
  @DisplayName("pools are counted by the word of their status; a word without pools stays, with 0")
  void words() {
    metrics.pool(SHOP, 4, status("Ready", Optional.empty()));
    metrics.pool(MAIL, 4, status("Ready", Optional.empty()));
    metrics.pool(MAIL, 4, status("CrashLoop", Optional.empty()));
    assertThat(value("refork.pools", "status", "Ready")).isEqualTo(1);
    assertThat(value("refork.pools", "status", "CrashLoop")).isEqualTo(1);
    metrics.gone(MAIL);
    assertThat(value("refork.pools", "status", "CrashLoop")).isZero();
  }

  @Test
  @DisplayName("a pool's gauges say what its status says, and go with it")
  void perPool() {
    metrics.pool(SHOP, 4, status("Ready", Optional.empty()));
    assertThat(value("refork.pool.workers", "pool", "shop", "state", "ready")).isEqualTo(23);
    assertThat(value("refork.pool.memory.saved", "namespace", "web"))
        .isEqualTo(2310.0 * 1024 * 1024);
    assertThat(value("refork.pool.wave.state", "state", "Soaking")).isEqualTo(1);
    metrics.gone(SHOP);
    assertThat(registry.getMeters())
        .noneMatch(meter -> meter.getId().getName().startsWith("refork.pool."));
  }

  @Test
  @DisplayName("what is not known has no line, and comes and goes")
  void unknown() {
    metrics.pool(SHOP, 4, status("Ready", Optional.empty()));
    assertThat(registry.find("refork.pool.memory.limit").gauge()).isNull();
    metrics.pool(
        SHOP, 4, status("Ready", Optional.empty(), new Memory(3, "1Gi", null, null, "3Gi")));
    assertThat(value("refork.pool.memory.limit")).isEqualTo(3.0 * (1 << 30));
    assertThat(registry.find("refork.pool.memory.saved").gauge()).isNull();
  }

  @Test
  @DisplayName("troubles have a line each while they last; pods wanted are not the pods that exist")
  void troubles() {
    var well = status("Ready", Optional.empty());
    metrics.pool(SHOP, 4, well);
    assertThat(value("refork.pool.pods.desired")).isEqualTo(4);
    assertThat(registry.find("refork.pool.problems").gauge()).isNull();
    metrics.pool(
        SHOP,
        4,
        troubled(
            well,
            List.of(
                new ProblemPod("a", "CrashLoop", ""),
                new ProblemPod("b", "CrashLoop", ""),
                new ProblemPod("c", "AgentUnreachable", "")),
            List.of(
                condition("Ready", "False", "PodsNotReady"),
                condition("Degraded", "True", "QuotaExceeded"))));
    assertThat(value("refork.pool.ready")).isZero();
    assertThat(value("refork.pool.problems", "reason", "CrashLoop")).isEqualTo(2);
    assertThat(value("refork.pool.problems", "reason", "AgentUnreachable")).isEqualTo(1);
    assertThat(value("refork.pool.problems", "reason", "QuotaExceeded")).isEqualTo(1);
    metrics.pool(
        SHOP, 4, troubled(well, List.of(), List.of(condition("Ready", "True", "AllWorkersReady"))));
    assertThat(value("refork.pool.ready")).isEqualTo(1);
    assertThat(registry.find("refork.pool.problems").gauge()).isNull();
  }

  private static Condition condition(String type, String status, String reason) {
    return new Condition(type, status, reason, "", 1, "2026-11-21T13:00:00Z");
  }

  private static WorkerPoolStatus troubled(
      WorkerPoolStatus s, List<ProblemPod> pods, List<Condition> conditions) {
    return new WorkerPoolStatus(
        s.observedGeneration(),
        s.replicas(),
        s.readyReplicas(),
        s.selector(),
        s.summary(),
        s.generation(),
        s.workers(),
        s.generations(),
        s.memory(),
        s.rollout(),
        pods,
        conditions);
  }

  @Test
  @DisplayName("with the switch off there is no series with a pool's name")
  void switchedOff() {
    var bare = new SimpleMeterRegistry();
    new OperatorMetrics(bare, false).pool(SHOP, 4, status("Ready", Optional.empty()));
    assertThat(bare.getMeters()).noneMatch(meter -> meter.getId().getTag("pool") != null);
    assertThat(bare.get("refork.pools").gauge().value()).isEqualTo(1);
  }

  @Test
  @DisplayName("a wave counts once, when it was seen running and has ended, with its duration")
  void waves() {
    metrics.pool(SHOP, 4, status("Ready", Optional.of(ledger(Outcome.Completed))));
    assertThat(counted(Outcome.Completed)).isZero();
    metrics.pool(SHOP, 4, status("Rolling", Optional.of(ledger(Outcome.Running))));
    metrics.pool(SHOP, 4, status("Ready", Optional.of(ledger(Outcome.Completed))));
    metrics.pool(SHOP, 4, status("Ready", Optional.of(ledger(Outcome.Completed))));
    assertThat(counted(Outcome.Completed)).isEqualTo(1);
    assertThat(registry.get("refork.wave.duration").timer().totalTime(TimeUnit.SECONDS))
        .isEqualTo(300);
  }

  @Test
  @DisplayName("permits that are out and pods that refork are summed over the pools")
  void permits() {
    metrics.pool(SHOP, 4, status("Rolling", Optional.of(ledger(Outcome.Running))));
    metrics.pool(MAIL, 4, status("Rolling", Optional.of(ledger(Outcome.Running))));
    assertThat(value("refork.permits", "state", "granted")).isEqualTo(2);
    assertThat(value("refork.permits", "state", "reforking")).isEqualTo(2);
  }

  private double counted(Outcome outcome) {
    return registry.get("refork.waves").tag("outcome", outcome.name()).counter().count();
  }

  private double value(String name, String... tags) {
    return registry.get(name).tags(tags).gauge().value();
  }

  private static WorkerPoolStatus status(String summary, Optional<WaveLedger> ledger) {
    return status(summary, ledger, new Memory(3, "912Mi", "2310Mi", 78, null));
  }

  private static WorkerPoolStatus status(
      String summary, Optional<WaveLedger> ledger, Memory memory) {
    return new WorkerPoolStatus(
        1,
        3,
        3,
        "refork.io/pool=shop",
        summary,
        2,
        new Workers(24, 23, 7, 1, 0, 0),
        List.of(),
        memory,
        new Rollout(State.Soaking, 2, new Pods(1, 3, 1), "", ledger.orElse(null)),
        List.of(),
        List.of());
  }

  private static WaveLedger ledger(Outcome outcome) {
    var request =
        new WaveLedger.Request(
            "a",
            1,
            "2026-11-21T13:00:00Z",
            "2026-11-21T13:05:00Z",
            null,
            true,
            outcome,
            outcome == Outcome.Running ? null : "2026-11-21T13:05:00Z");
    var grant = new WaveLedger.Grant("id", "uid", "s", 1, 2, true, "2026-11-21T13:05:00Z", false);
    return new WaveLedger("t", 3, 1, null, List.of(grant), request, null);
  }
}
