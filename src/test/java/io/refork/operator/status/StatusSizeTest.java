package io.refork.operator.status;

import static io.refork.operator.status.Seen.NOW;
import static io.refork.operator.status.Seen.died;
import static io.refork.operator.status.Seen.generation;
import static io.refork.operator.status.Seen.known;
import static io.refork.operator.status.Seen.pod;
import static io.refork.operator.status.Seen.seen;
import static io.refork.operator.status.Seen.unready;
import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.client.utils.Serialization;
import io.refork.api.WaveLedger;
import io.refork.api.WaveLedger.Abort;
import io.refork.api.WaveLedger.Canary;
import io.refork.api.WaveLedger.Grant;
import io.refork.api.WaveLedger.Outcome;
import io.refork.api.WorkerPoolStatus;
import io.refork.api.WorkerPoolStatus.State;
import io.refork.operator.agents.AgentReport;
import io.refork.operator.plan.WaveView;
import io.refork.protocol.control.Report.WorkerState;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StatusSizeTest {
  private static final int PODS = 500;
  private static final String TIME = "2026-11-21T13:20:00Z";
  private static final String UID = "5f0c7c0e-6f0e-4b1e-9a5f-3f4f0a1b2c3d";

  /** As long as Kubernetes makes them, and all different. */
  private static String name(int i) {
    return "%063d".formatted(i).replace('0', 'x');
  }

  /** The worst that the ledger's users can put there. */
  static WaveLedger ledger(int sessionLength) {
    var session = "f".repeat(sessionLength);
    var canary = new Canary(UID, session, 999_999_999L, 1_000_000_000, TIME);
    return new WaveLedger(
        "0123456789abcdef0123456789abcdef",
        999_999_999L,
        1_000_000_000,
        canary,
        IntStream.range(0, WaveLedger.MAX_GRANTS)
            .mapToObj(
                i ->
                    new Grant(
                        "%016x".formatted(i),
                        UID,
                        session,
                        999_999_999L,
                        999_999_999,
                        true,
                        TIME,
                        true))
            .toList(),
        new WaveLedger.Request(
            "t".repeat(64), 999_999_999L, TIME, TIME, canary, true, Outcome.Running, TIME),
        new Abort("canary-not-ready", name(7), "m".repeat(200), 1_000_000, TIME));
  }

  /** More than can be wrong at once. */
  static StatusInput extreme(String filler, int sessionLength) {
    var long200 = filler.repeat(200);
    var input =
        seen()
            .pool("metadata: {generation: 999999999}\nspec: {replicas: 600, workers: 512}")
            .deployment(
                new DeploymentSeen(
                    false, 600, PODS, 3, 100, Optional.of("exceeded quota " + long200), true))
            .with(Problem.ofPool(Reason.ChildConflict, long200))
            .wave(
                new WaveView(
                    State.Rolling,
                    1_000_000_000,
                    Optional.of(ledger(sessionLength)),
                    PODS,
                    PODS,
                    32,
                    long200));
    for (int i = 0; i < PODS; i++) {
      int number = 999_999_999 - i;
      var pod =
          pod(
              name(i),
              told ->
                  told.generations(
                          generation(number, 1024, known(1 << 20), known(1 << 24)),
                          generation(number - 1, 1024, known(1 << 20), known(1 << 24)))
                      .set(
                          t -> {
                            t.busy = 1024;
                            t.workers =
                                Map.of(
                                    WorkerState.STARTING,
                                    1024,
                                    WorkerState.DRAINING,
                                    1024,
                                    WorkerState.BACKING_OFF,
                                    1024);
                          }));
      input.with(
          i % 2 == 0
              ? unready(pod, Duration.ofHours(1), died("OOMKilled", long200, Duration.ofMinutes(1)))
              : Seen.report(pod, new AgentReport.Unreachable(long200, NOW)));
    }
    return input.input();
  }

  @ParameterizedTest
  @ValueSource(strings = {"x", "\"", "\\", "\u0007", "\u202e", "é", "漢", "🐍", "\u001b[31m"})
  @DisplayName(
      "OP-05 500 pods, 32 grants, 10 problem pods and the longest of everything fit 8 KiB, byte by byte")
  void fits(String filler) {
    var status = StatusBuilder.build(extreme(filler, 20));
    var json = Serialization.asJson(status);

    assertThat(json.getBytes(StandardCharsets.UTF_8).length)
        .isLessThanOrEqualTo(StatusBuilder.MAX_BYTES);
    assertThat(status.problemPods()).hasSize(WorkerPoolStatus.MAX_PROBLEM_PODS);
    assertThat(status.problemPods().getFirst().message()).isNotBlank();
    assertThat(status.generations()).hasSize(WorkerPoolStatus.MAX_GENERATIONS);
    assertThat(Serialization.unmarshal(json, WorkerPoolStatus.class))
        .as("nothing is lost on the way")
        .isEqualTo(status);
  }

  @Test
  @DisplayName("OP-05 a ledger's permit is read as it was written; what is none is nobody's")
  void grants() {
    var grant = new Grant("0a1b", UID, "f00d", 17, 3, true, TIME, false);
    assertThat(Serialization.asJson(grant))
        .isEqualTo("\"0a1b " + UID + " f00d 17 3 r 1795267200\"");
    assertThat(Grant.of(grant.text())).isEqualTo(grant);
    assertThat(Grant.of(grant.text() + " and more")).isEqualTo(grant);
    assertThat(Grant.of(grant.revoke().text())).isEqualTo(grant.revoke());
    assertThat(Grant.of("nonsense").uid()).isEmpty();
  }
}
