package io.refork.operator.status;

import static io.refork.operator.status.Seen.NOW;
import static io.refork.operator.status.Seen.condition;
import static io.refork.operator.status.Seen.pod;
import static io.refork.operator.status.Seen.seen;
import static io.refork.operator.status.Seen.unready;
import static io.refork.operator.status.Seen.waits;
import static org.assertj.core.api.Assertions.assertThat;

import io.refork.api.WaveLedger;
import io.refork.api.WaveLedger.Abort;
import io.refork.api.WaveLedger.Outcome;
import io.refork.api.WorkerPoolStatus;
import io.refork.api.WorkerPoolStatus.Condition;
import io.refork.api.WorkerPoolStatus.State;
import io.refork.operator.plan.Note;
import io.refork.operator.plan.PodSeen;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConditionsTest {
  private static PodSeen well(String name) {
    return pod(name, told -> told);
  }

  private static WaveLedger ledger(WaveLedger.@Nullable Request request, @Nullable Abort abort) {
    return new WaveLedger("r1", 3, 1, null, List.of(), request, abort);
  }

  @ParameterizedTest
  @CsvSource({
    "Idle,    False, Settled,         Ready",
    "Canary,  True,  CanaryReforking, Canary",
    "Soaking, True,  CanarySoaking,   Soaking",
    "Rolling, True,  PodsReforking,   Rolling",
    "Paused,  False, Paused,          Paused",
  })
  @DisplayName(
      "OP-07 while a wave runs, Progressing and STATUS tell where it stands; Ready stays true")
  void wave(State state, String progressing, Reason reason, String word) {
    var status =
        seen()
            .with(well("a"))
            .wave(Seen.wave(state, Optional.of(ledger(null, null)), "pod a reforks"))
            .status();
    assertThat(condition(status, "Progressing").status()).isEqualTo(progressing);
    assertThat(condition(status, "Progressing").reason()).isEqualTo(reason.name());
    assertThat(condition(status, "Ready").status()).isEqualTo("True");
    assertThat(status.summary()).isEqualTo(word);
    assertThat(status.conditions())
        .extracting(Condition::type)
        .containsExactly("Ready", "Available", "Progressing", "Degraded");
  }

  @Test
  @DisplayName("OP-07 an aborted wave: which pod, why, until when, and what to do")
  void aborted() {
    var abort = new Abort("canary-died", "a", "worker 1 died", 1, "2026-11-21T13:25:00Z");
    var status =
        seen()
            .with(well("a"))
            .wave(Seen.wave(State.Aborted, Optional.of(ledger(null, abort)), "it failed"))
            .status();
    var degraded = condition(status, "Degraded");
    assertThat(degraded.reason()).isEqualTo("ReforkAborted");
    assertThat(degraded.message())
        .contains("a: canary-died: worker 1 died; next try not before 2026-11-21T13:25:00Z")
        .contains("set a new spec.refork.requestedAt");
    assertThat(condition(status, "Ready").status()).isEqualTo("True");
    assertThat(status.summary()).isEqualTo("ReforkAborted");
  }

  @Test
  @DisplayName("OP-07 a wave that has missed its deadline says so until the next one is asked for")
  void deadline() {
    var request =
        new WaveLedger.Request(
            "t",
            1,
            "2026-11-21T13:00:00Z",
            "2026-11-21T13:00:00Z",
            null,
            false,
            Outcome.DeadlineExceeded,
            "2026-11-21T13:20:00Z");
    var status =
        seen()
            .with(well("a"))
            .wave(Seen.wave(State.Idle, Optional.of(ledger(request, null)), "it ended late"))
            .status();
    assertThat(condition(status, "Progressing").reason()).isEqualTo("ProgressDeadlineExceeded");
    assertThat(condition(status, "Degraded").reason()).isEqualTo("ProgressDeadlineExceeded");
  }

  @Test
  @DisplayName("OP-05 a new template on its way is Reconciling, which kstatus waits for")
  void rolling() {
    var status =
        seen()
            .with(well("a"))
            .deployment(new DeploymentSeen(true, 1, 2, 1, 1, Optional.empty(), false))
            .status();
    assertThat(condition(status, "Progressing").reason()).isEqualTo("PodsRolling");
    assertThat(condition(status, "Reconciling").status()).isEqualTo("True");
    assertThat(condition(status, "Ready").status()).isEqualTo("True");
    assertThat(status.summary()).isEqualTo("Updating");
  }

  @Test
  @DisplayName("OP-05 what nobody but the user can mend is Stalled, which kstatus calls failed")
  void stalled() {
    var status =
        seen().with(Problem.ofPool(Reason.TemplateInvalid, "there is no command")).status();
    assertThat(condition(status, "Stalled").status()).isEqualTo("True");
    assertThat(condition(status, "Stalled").message())
        .isEqualTo("there is no command; mend spec.template");
    assertThat(condition(status, "Ready").reason()).isEqualTo("NoPods");
    assertThat(condition(status, "Ready").message()).startsWith("0 of 1 pod: TemplateInvalid");
  }

  @Test
  @DisplayName("OP-05 a Deployment past its own deadline is Stalled and no longer Reconciling")
  void stuck() {
    var pull = unready(pod("a"), Duration.ofHours(1), waits("ErrImagePull", "not found"));
    var status =
        seen()
            .with(pull)
            .deployment(new DeploymentSeen(true, 1, 1, 1, 0, Optional.empty(), true))
            .status();
    assertThat(condition(status, "Stalled").message()).contains("ImagePullFailed");
    assertThat(status.conditions()).extracting(Condition::type).doesNotContain("Reconciling");
  }

  @ParameterizedTest
  @CsvSource({
    "'pods \"a\" is forbidden: exceeded quota: q', QuotaExceeded",
    "'pods \"a\" is forbidden: violates PodSecurity \"restricted:latest\"', PodsRejected",
  })
  @DisplayName("OP-07 pods that the API server refuses: a quota, or what it says")
  void refused(String message, String reason) {
    var status =
        seen()
            .deployment(new DeploymentSeen(true, 1, 0, 0, 0, Optional.of(message), false))
            .status();
    assertThat(status.summary()).isEqualTo(reason);
    assertThat(condition(status, "Available").status()).isEqualTo("False");
  }

  @Test
  @DisplayName("OP-04 a pool scaled to nothing is ready: somebody wants it so")
  void scaledToZero() {
    var status = seen().pool("spec: {replicas: 0, workers: 8}").status();
    assertThat(condition(status, "Ready").status()).isEqualTo("True");
    assertThat(status.summary()).isEqualTo("ScaledToZero");
  }

  @Test
  @DisplayName("OP-05 a pod with too few workers makes the pool unready; one on its way does not")
  void tooFewWorkers() {
    var one = seen().with(pod("a", told -> told.workers(7, 1, 0, 0))).status();
    var two = seen().with(pod("a", told -> told.workers(6, 2, 0, 0))).status();
    assertThat(condition(one, "Ready").status()).isEqualTo("True");
    assertThat(condition(two, "Ready").status()).isEqualTo("False");
    assertThat(condition(two, "Ready").reason()).isEqualTo("TooFewWorkers");
    assertThat(condition(two, "Available").status()).isEqualTo("True");
  }

  @Test
  @DisplayName("OP-05 a condition keeps its time until its status changes, whatever its reason")
  void transitionTime() {
    var first = seen().with(well("a")).status();
    var later = NOW.plusSeconds(90).plusMillis(7);
    var same = seen().with(well("a")).after(first).at(later).status();
    var worse =
        seen().with(unready(well("a"), Duration.ofSeconds(1))).after(first).at(later).status();

    assertThat(same).isEqualTo(first);
    assertThat(condition(worse, "Ready").lastTransitionTime()).isEqualTo("2026-11-21T13:21:30Z");
    assertThat(condition(worse, "Degraded").lastTransitionTime()).isEqualTo("2026-11-21T13:20:00Z");
    assertThat(worse.conditions()).allMatch(c -> c.observedGeneration() == 4);
  }

  // --- Events ------------------------------------------------------------------------------------

  private static List<Note> notes(WorkerPoolStatus before, WorkerPoolStatus now) {
    return Transitions.notes(Optional.of(before), now);
  }

  @Test
  @DisplayName(
      "OP-07 a trouble is one note when it comes, none while it lasts, one when it is over")
  void story() {
    var good = seen().with(well("a"), well("b")).status();
    var bad =
        seen()
            .with(
                unready(well("a"), Duration.ofHours(1), waits("ErrImagePull", "not found")),
                unready(well("b"), Duration.ofHours(1), waits("ErrImagePull", "not found")))
            .status();

    assertThat(Transitions.notes(Optional.empty(), good)).isEmpty();
    assertThat(notes(good, good)).isEmpty();
    assertThat(notes(good, bad))
        .singleElement()
        .satisfies(
            note -> {
              assertThat(note.warning()).isTrue();
              assertThat(note.reason()).isEqualTo(Reason.ImagePullFailed);
              assertThat(note.pod()).contains("a");
              assertThat(note.message()).contains("not found").endsWith("(and 1 more)");
            });
    assertThat(notes(bad, bad)).isEmpty();
    assertThat(notes(bad, good))
        .extracting(Note::reason)
        .containsExactly(Reason.NoProblem, Reason.AllWorkersReady);
    assertThat(notes(bad, good)).noneMatch(Note::warning);
  }

  @Test
  @DisplayName("OP-07 a pool that is not ready without a known trouble is told, too")
  void notReady() {
    var good = seen().with(well("a")).status();
    var starting = seen().with(unready(well("a"), Duration.ofSeconds(5))).status();
    assertThat(notes(good, starting)).extracting(Note::reason).containsExactly(Reason.PodsNotReady);
  }
}
