package io.refork.operator.status;

import static io.refork.operator.status.Seen.NOW;
import static io.refork.operator.status.Seen.condition;
import static io.refork.operator.status.Seen.died;
import static io.refork.operator.status.Seen.pod;
import static io.refork.operator.status.Seen.report;
import static io.refork.operator.status.Seen.seen;
import static io.refork.operator.status.Seen.troubled;
import static io.refork.operator.status.Seen.unready;
import static io.refork.operator.status.Seen.waits;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import io.refork.api.WorkerPoolStatus.ProblemPod;
import io.refork.operator.agents.AgentReport;
import io.refork.operator.plan.PodSeen;
import io.refork.protocol.control.Report;
import io.refork.protocol.control.Report.Measure.Known;
import io.refork.protocol.control.Report.Phase;
import io.refork.protocol.control.Report.WorkerState;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ProblemsTest {
  private static final Duration HOUR = Duration.ofHours(1);
  private static final Duration MINUTE = Duration.ofMinutes(1);

  private static PodSeen well() {
    return pod("a", told -> told);
  }

  private static AgentReport unreachable() {
    return new AgentReport.Unreachable("connection refused", NOW);
  }

  static Stream<Arguments> pods() {
    var reported = well();
    return Stream.of(
        argumentSet(
            "image cannot be pulled",
            unready(pod("a"), HOUR, waits("ImagePullBackOff", "Back-off pulling image \"x\"")),
            "ImagePullFailed",
            "container app ImagePullBackOff: Back-off pulling image \"x\""),
        argumentSet(
            "no such command",
            unready(
                pod("a"),
                HOUR,
                waits("CrashLoopBackOff", "back-off 5m0s"),
                died("StartError", "exec: \"nope\": executable file not found", MINUTE)),
            "StartFailed",
            "executable file not found"),
        argumentSet(
            "another machine's binary",
            unready(
                pod("a"),
                HOUR,
                died("Error", "exit code 126: exec /app: exec format error", MINUTE)),
            "StartFailed",
            "exec format error"),
        argumentSet(
            "the agent says the command is missing",
            unready(pod("a"), HOUR, died("Error", "exit code 127", MINUTE)),
            "StartFailed",
            "exit code 127"),
        argumentSet(
            "a Secret is missing",
            unready(pod("a"), HOUR, waits("CreateContainerConfigError", "secret \"x\" not found")),
            "StartFailed",
            "secret \"x\" not found"),
        argumentSet(
            "killed for memory, and in backoff since",
            unready(
                pod("a"),
                HOUR,
                waits("CrashLoopBackOff", "back-off 5m0s"),
                died("OOMKilled", "exit code 137", MINUTE)),
            "ContainerKilledForMemory",
            "OOMKilled"),
        argumentSet(
            "killed for memory a minute ago, ready again",
            troubled(reported, died("OOMKilled", "exit code 137", MINUTE)),
            "ContainerKilledForMemory",
            "OOMKilled"),
        argumentSet(
            "dies again and again",
            unready(
                pod("a"),
                HOUR,
                waits("CrashLoopBackOff", "back-off 5m0s"),
                died("Error", "exit code 1", MINUTE)),
            "CrashLoop",
            "CrashLoopBackOff"),
        argumentSet(
            "died once before it was ready",
            unready(pod("a"), MINUTE, died("Error", "exit code 1", Duration.ofSeconds(5))),
            "BootFailure",
            "exit code 1"),
        argumentSet(
            "no room on any node",
            unready(pod("a"), MINUTE, waits("Unschedulable", "0/3 nodes are available")),
            "Unschedulable",
            "0/3 nodes"),
        argumentSet(
            "workers die before they are ready",
            pod("a", told -> told.workers(6, 0, 0, 2).set(t -> t.failures = failure())),
            "CrashLoop",
            "workers die before they are ready: worker 3 exited with 1"),
        argumentSet(
            "no mold starts",
            pod(
                "a",
                told ->
                    told.set(
                        t -> {
                          t.mold = Optional.empty();
                          t.backoff = 7.5;
                        })),
            "CrashLoop",
            "the mold does not start"),
        argumentSet(
            "boots for too long",
            unready(pod("a", told -> told.set(t -> t.phase = Phase.BOOTING)), HOUR),
            "BootFailure",
            "not ready after timeouts.boot = "),
        argumentSet(
            "does not answer",
            report(pod("a"), unreachable()),
            "AgentUnreachable",
            "connection refused"),
        argumentSet(
            "answers nonsense",
            report(pod("a"), new AgentReport.Invalid("longer than 16384 bytes", NOW)),
            "AgentInvalid",
            "longer than 16384 bytes"),
        argumentSet(
            "answers for another pod",
            pod("a", told -> told.set(t -> t.pod = "uid-b")),
            "AgentInvalid",
            "another pod"),
        argumentSet(
            "too old",
            pod("a", told -> told.set(t -> t.version = "0.0.9")),
            "AgentTooOld",
            "agent 0.0.9, at least 0.1.0 is needed"),
        argumentSet(
            "no version at all",
            pod("a", told -> told.set(t -> t.version = "\u001b[31mlatest")),
            "AgentTooOld",
            "agent \\u001b[31mlatest"),
        argumentSet(
            "memory cannot be read",
            pod("a", told -> told.unmeasured("not-readable")),
            "SharingUnknown",
            "not-readable"),
        argumentSet(
            "nobody knows why", unready(pod("a"), HOUR), "PodsNotReady", "does not get ready"));
  }

  private static List<Report.Failure> failure() {
    return List.of(new Report.Failure("2026-11-21T13:00:00Z", "worker 3 exited with 1", "crashed"));
  }

  @ParameterizedTest
  @MethodSource("pods")
  @DisplayName("OP-07 each trouble of a pod has its reason, in problemPods, Degraded and STATUS")
  void trouble(PodSeen pod, String reason, String words) {
    var status = seen().with(pod).status();

    assertThat(status.problemPods())
        .singleElement()
        .satisfies(
            problem -> {
              assertThat(problem.name()).isEqualTo("a");
              assertThat(problem.reason()).isEqualTo(reason);
              assertThat(problem.message()).contains(words);
            });
    var degraded = condition(status, "Degraded");
    assertThat(degraded.status()).isEqualTo("True");
    assertThat(degraded.reason()).isEqualTo(reason);
    assertThat(degraded.message()).startsWith("a: ").contains(Reason.valueOf(reason).advice());
    assertThat(status.summary()).isEqualTo(reason);
  }

  static Stream<Arguments> wellPods() {
    return Stream.of(
        argumentSet("ready and reporting", well()),
        argumentSet("just made", unready(pod("a"), Duration.ofSeconds(20))),
        argumentSet(
            "boots",
            unready(
                pod("a", told -> told.set(t -> t.phase = Phase.BOOTING)), Duration.ofSeconds(50))),
        argumentSet(
            "its agent is not up yet",
            report(unready(pod("a"), Duration.ofSeconds(20)), unreachable())),
        argumentSet("not asked yet", pod("a")),
        argumentSet("not sampled yet", pod("a", told -> told.unmeasured("not-sampled-yet"))),
        argumentSet("one worker", pod("a", told -> told.unmeasured("fewer-than-two-workers"))),
        argumentSet("died an hour ago", troubled(well(), died("Error", "exit code 1", HOUR))),
        argumentSet(
            "was killed for memory an hour ago", troubled(well(), died("OOMKilled", "", HOUR))),
        argumentSet("waits for its next refork", pod("a", told -> told.set(t -> t.backoff = 30))));
  }

  @ParameterizedTest
  @MethodSource("wellPods")
  @DisplayName("OP-07 what is no trouble makes none")
  void none(PodSeen pod) {
    var status = seen().with(pod).status();
    assertThat(status.problemPods()).isEmpty();
    assertThat(condition(status, "Degraded").status()).isEqualTo("False");
  }

  @Test
  @DisplayName("OP-05 ten of many pods are shown, the worst first")
  void worstFirst() {
    var input = seen();
    for (int i = 0; i < 20; i++) {
      input.with(report(pod("agent-" + (10 + i)), unreachable()));
    }
    input.with(unready(pod("z-loop"), HOUR, waits("CrashLoopBackOff", "")));
    input.with(unready(pod("z-pull"), HOUR, waits("ErrImagePull", "")));
    var status = input.status();

    assertThat(status.problemPods())
        .hasSize(10)
        .extracting(ProblemPod::name)
        .startsWith("z-pull", "z-loop", "agent-10", "agent-11");
    assertThat(condition(status, "Degraded").message()).contains("21 of other kinds");
  }

  @Test
  @DisplayName("OP-12 an agent that lies about numbers cannot spoil the pool's")
  void liar() {
    var honest = pod("a", told -> told);
    var liar =
        pod(
            "b",
            told ->
                told.set(
                    t -> {
                      t.workers =
                          Map.of(
                              WorkerState.READY,
                              1_000_000_000,
                              WorkerState.STARTING,
                              -5,
                              WorkerState.DRAINING,
                              Integer.MAX_VALUE);
                      t.busy = Integer.MIN_VALUE;
                      t.desired = Integer.MAX_VALUE;
                      t.proportional = new Known(Double.NaN);
                      t.saved = new Known(Double.POSITIVE_INFINITY);
                      t.limit = new Known(1e300);
                      t.privateBytes = new Known(-1);
                      t.generations(
                          Seen.generation(-7, Integer.MAX_VALUE, new Known(9e15), new Known(1e15)));
                    }));
    var alone = seen().pool("spec: {replicas: 1, workers: 8}").with(honest).status();
    var both = seen().pool("spec: {replicas: 2, workers: 8}").with(honest, liar).status();

    assertThat(both.memory()).as("the liar is not measured").isEqualTo(alone.memory());
    assertThat(both.workers().desired()).isEqualTo(16);
    assertThat(both.workers().ready()).isEqualTo(16);
    assertThat(both.workers().starting()).isZero();
    assertThat(both.workers().draining()).isEqualTo(1024);
    assertThat(both.workers().busy()).isEqualTo(2);
    assertThat(both.generations().getFirst().sharedPercent()).isEqualTo(75);
  }

  @Test
  @DisplayName(
      "OP-12 no traffic comes to a pod that the kubelet calls unready: it has no ready worker")
  void kubeletsWord() {
    var status = seen().with(unready(well(), Duration.ofSeconds(10))).status();
    assertThat(status.workers().ready()).isZero();
    assertThat(status.workers().desired()).isEqualTo(8);
    assertThat(condition(status, "Ready").status()).isEqualTo("False");
  }

  @Test
  @DisplayName("OP-12 a pod that cannot be asked is unknown, not 0, and the pool stays ready")
  void unknown() {
    var status =
        seen()
            .pool("spec: {replicas: 2, workers: 8}")
            .with(well(), report(pod("b"), unreachable()))
            .status();
    assertThat(status.workers().desired()).isEqualTo(8);
    assertThat(status.workers().ready()).isEqualTo(8);
    assertThat(status.memory().pods()).isEqualTo(1);
    assertThat(condition(status, "Ready").status()).isEqualTo("True");
    assertThat(condition(status, "Ready").message())
        .isEqualTo("8 of 8 workers ready in 2 pods, 1 of them unknown");
  }

  @Test
  @DisplayName("OP-12 words from a pod are shown harmless, on one line")
  void escaped() {
    var evil = "\u001b[2Jdead\nReady: True\u202e\u0000<script>";
    var status =
        seen()
            .with(report(pod("a"), new AgentReport.Unreachable(evil, NOW)))
            .with(Problem.ofPool(Reason.TemplateInvalid, evil))
            .status();
    var json = io.fabric8.kubernetes.client.utils.Serialization.asJson(status);
    assertThat(status.problemPods().getFirst().message())
        .contains("\\u001b[2Jdead\\nReady: True\\u202e\\u0000<script>");
    assertThat(json.chars()).allMatch(c -> c >= 0x20 && c != 0x202e);
  }
}
