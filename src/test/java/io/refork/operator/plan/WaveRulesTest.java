package io.refork.operator.plan;

import static org.assertj.core.api.Assertions.assertThat;

import io.refork.api.WaveLedger.Outcome;
import io.refork.api.WorkerPoolSpec.Policy;
import io.refork.api.WorkerPoolStatus.State;
import io.refork.operator.plan.WaveTable.Told;
import io.refork.protocol.control.Report;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** What the planner does with what it sees, rule by rule. */
class WaveRulesTest {
  private static final Duration LITTLE = Duration.ofSeconds(5);

  /** Pods a to d want level 1; a is the canary and has proven itself. */
  private static WaveTable provenLevelOne() {
    var pool = WaveTable.of("a", "b", "c", "d");
    for (var uid : new String[] {"a", "b", "c", "d"}) {
      pool.told(uid, Told::wants);
    }
    pool.step().completes("a").step();
    return pool.later(WaveTable.SOAK).told("a", r -> r).step();
  }

  /** A requested wave over a to d whose canary a has proven itself. */
  private static WaveTable provenRequest() {
    var pool = WaveTable.of("a", "b", "c", "d").step().request("one").step();
    pool.completes("a").step();
    return pool.later(WaveTable.SOAK).told("a", r -> r).step();
  }

  @Test
  @DisplayName("OP-07 nothing asked, nothing granted, nothing to write again")
  void rest() {
    var pool = WaveTable.of("a", "b").step();
    assertThat(pool.step.changed()).isTrue();
    assertThat(pool.step().step.changed()).isFalse();
    assertThat(pool.step.view().state()).isEqualTo(State.Idle);
    assertThat(pool.step.nextLook()).isEmpty();
  }

  @Test
  @DisplayName("OP-07 the first pod to a new level is the canary: lowest UID, alone, then watched")
  void canaryFirst() {
    var pool = WaveTable.of("c", "a", "b");
    pool.told("a", Told::wants).told("b", Told::wants).told("c", Told::wants).step();
    assertThat(pool.permitted()).containsExactly("a");
    assertThat(pool.step.view().state()).isEqualTo(State.Canary);
    assertThat(pool.reasons()).containsExactly("CanaryReforking");
    pool.later(LITTLE).told("a", r -> r.running("x")).step();
    assertThat(pool.permitted()).containsExactly("a");
    assertThat(pool.step.view().message()).isEqualTo("pod pod-a reforks (5 of 8 workers)");
    pool.completes("a").step();
    assertThat(pool.permitted()).isEmpty();
    assertThat(pool.step.view().state()).isEqualTo(State.Soaking);
    assertThat(pool.reasons()).containsExactly("CanarySoaking");
    assertThat(pool.step.nextLook()).contains(pool.now.plus(WaveTable.SOAK));
    pool.later(WaveTable.SOAK).step();
    assertThat(pool.permitted()).as("its last word is older than the soak's end").isEmpty();
    assertThat(pool.step.nextLook())
        .as("nobody wakes us for a word that is no news")
        .contains(pool.now.plusSeconds(1));
    pool.told("a", r -> r).step();
    assertThat(pool.permitted()).containsExactly("b", "c");
    assertThat(pool.step.view().level()).isEqualTo(1);
    assertThat(pool.reasons()).containsExactly("PodsReforking");
  }

  @Test
  @DisplayName(
      "OP-07 the others follow, never more than maxConcurrent, one slot freed after the other")
  void followers() {
    var pool = provenLevelOne();
    assertThat(pool.permitted()).containsExactly("b", "c");
    pool.completes("b").step();
    assertThat(pool.permitted()).containsExactly("c", "d");
    pool.completes("c").completes("d").step();
    assertThat(pool.permitted()).isEmpty();
    assertThat(pool.step.view().state()).isEqualTo(State.Idle);
  }

  @Test
  @DisplayName(
      "OP-07 a refork that nobody permitted holds a slot, and keeps a canary from beginning")
  void unknownRefork() {
    var pool = WaveTable.of("a", "b").told("a", Told::wants).told("b", r -> r.running("")).step();
    assertThat(pool.permitted()).isEmpty();
    assertThat(pool.step.view().reforking()).isEqualTo(1);
    pool.told("b", r -> r.level(1)).step();
    assertThat(pool.permitted()).containsExactly("a");
  }

  @Test
  @DisplayName("OP-07 a requested wave asks the pods older than it, its canary first")
  void request() {
    var pool = WaveTable.of("a", "b", "c").step().request("one").bornNow("c").step();
    assertThat(pool.permitted()).containsExactly("a");
    assertThat(pool.step.view().total()).isEqualTo(2);
    pool.completes("a").step().later(WaveTable.SOAK).told("a", r -> r).step();
    assertThat(pool.permitted()).containsExactly("b");
    pool.completes("b").step();
    assertThat(pool.ledger.orElseThrow().request().outcome()).isEqualTo(Outcome.Completed);
    assertThat(pool.reasons()).containsExactly("Settled");
    assertThat(pool.step().step.changed()).isFalse();
  }

  @Test
  @DisplayName("OP-07 Manual: own triggers are nothing, a request is; Never: neither")
  void policies() {
    var pool = WaveTable.of("a").told("a", Told::wants).policy(Policy.Manual).step();
    assertThat(pool.permitted()).isEmpty();
    assertThat(pool.request("one").step().permitted()).containsExactly("a");
    assertThat(pool.policy(Policy.Never).step().permitted()).isEmpty();
    var never = WaveTable.of("a").policy(Policy.Never).request("one").step();
    assertThat(never.ledger.orElseThrow().request()).isNull();
  }

  @Test
  @DisplayName("OP-08 a canary that aborts stops all: reason, pause that doubles, then another try")
  void canaryAborts() {
    var pool = WaveTable.of("a", "b").told("a", Told::wants).told("b", Told::wants).step();
    pool.fails("a", Report.Outcome.ABORTED, "canary-died").step();
    assertThat(pool.permitted()).isEmpty();
    assertThat(pool.step.view().state()).isEqualTo(State.Aborted);
    assertThat(pool.step.view().message()).contains("pod-a").contains("canary-died");
    assertThat(pool.reasons()).containsExactly("ReforkAborted");
    assertThat(pool.step.nextLook()).contains(pool.now.plus(Draft.BACKOFF));
    pool.later(Draft.BACKOFF).step();
    assertThat(pool.permitted()).containsExactly("a");
    pool.fails("a", Report.Outcome.REFUSED, "threads").step();
    assertThat(pool.step.nextLook()).contains(pool.now.plus(Draft.BACKOFF.multipliedBy(2)));
    for (int i = 0; i < 20; i++) {
      pool.later(Draft.MAX_BACKOFF).step().fails("a", Report.Outcome.REFUSED, "threads").step();
    }
    assertThat(pool.step.nextLook()).contains(pool.now.plus(Draft.MAX_BACKOFF));
  }

  @Test
  @DisplayName("OP-08 a later pod that aborts ends the requested wave; a new request works at once")
  void laterPodAborts() {
    var pool = provenRequest();
    assertThat(pool.permitted()).containsExactly("b", "c");
    pool.fails("b", Report.Outcome.ABORTED, "failure-budget").step();
    assertThat(pool.permitted()).as("a permit that is out is sent no more").isEmpty();
    assertThat(pool.ledger.orElseThrow().request().outcome()).isEqualTo(Outcome.Aborted);
    assertThat(pool.step.view().reforking())
        .as("it may have begun: it holds its slot")
        .isEqualTo(1);
    pool.told("c", r -> r).later(LITTLE).step();
    pool.request("two").step();
    assertThat(pool.ledger.orElseThrow().abort()).isNull();
    pool.later(Granting.START_WITHIN.plus(Settling.CLOCKS)).told("c", r -> r).later(LITTLE).step();
    assertThat(pool.permitted()).containsExactly("a");
  }

  @Test
  @DisplayName(
      "OP-08 a canary that restarts, or is not Ready, while it reforks or is watched: aborted")
  void canaryRestarts() {
    for (boolean reached : new boolean[] {false, true}) {
      var restarted = WaveTable.of("a").told("a", Told::wants).step();
      if (reached) {
        restarted.completes("a").step();
      }
      restarted.told("a", Told::restarted).step();
      assertThat(restarted.ledger.orElseThrow().abort().reason()).isEqualTo("canary-restarted");
      var unready = WaveTable.of("a").told("a", Told::wants).step();
      if (reached) {
        unready.completes("a").step();
      }
      unready.ready("a", false).step();
      assertThat(unready.ledger.orElseThrow().abort().reason()).isEqualTo("canary-not-ready");
    }
  }

  @Test
  @DisplayName("OP-08 an abort is over when the next refork goes well, also without a canary")
  void abortIsOver() {
    var pool = provenLevelOne();
    pool.fails("b", Report.Outcome.ABORTED, "failure-budget").completes("c").step();
    assertThat(pool.step.view().state()).isEqualTo(State.Aborted);
    pool.later(Draft.BACKOFF).told("b", Told::wants).step();
    assertThat(pool.permitted()).contains("b");
    pool.completes("b").step();
    assertThat(pool.ledger.orElseThrow().abort()).isNull();
  }

  @Test
  @DisplayName("OP-07 a soak that is as long as the progress deadline does not end the wave")
  void longSoak() {
    var pool = WaveTable.of("a", "b").soak(WaveTable.DEADLINE).step().request("one").step();
    pool.completes("a").step().later(WaveTable.DEADLINE).step();
    assertThat(pool.ledger.orElseThrow().request().outcome()).isEqualTo(Outcome.Running);
    pool.later(LITTLE).told("a", r -> r).step();
    assertThat(pool.permitted()).containsExactly("b");
  }

  @Test
  @DisplayName("OP-12 a canary that falls silent while it is watched is waited for, not for ever")
  void silentCanary() {
    var pool = WaveTable.of("a", "b").told("a", Told::wants).told("b", Told::wants).step();
    pool.completes("a").step().silent("a").later(WaveTable.SOAK.plus(WaveTable.DEADLINE)).step();
    assertThat(pool.permitted()).isEmpty();
    pool.later(LITTLE).step();
    assertThat(pool.permitted()).containsExactly("b");
    assertThat(pool.ledger.orElseThrow().abort()).isNull();
  }

  @Test
  @DisplayName("OP-11 a canary that is scaled down is replaced by another, without blame")
  void canaryVanishes() {
    var pool = WaveTable.of("a", "b").told("a", Told::wants).told("b", Told::wants).step();
    pool.leaving("a").step();
    assertThat(pool.permitted()).containsExactly("b");
    assertThat(pool.ledger.orElseThrow().abort()).isNull();
    pool.completes("b").step().gone("b").step();
    assertThat(pool.ledger.orElseThrow().canary()).isNull();
    assertThat(pool.ledger.orElseThrow().proven()).isZero();
  }

  @Test
  @DisplayName(
      "OP-11 another pod that restarts in the wave gives its slot back and is not asked twice")
  void followerRestarts() {
    var pool = provenRequest();
    var id = pool.permitOf("b");
    pool.told(
            "b", r -> r.restarted().last(id, Report.Outcome.LAPSED, "").request(Optional.of("one")))
        .step();
    assertThat(pool.permitted()).containsExactly("c", "d");
    assertThat(pool.ledger.orElseThrow().abort()).isNull();
  }

  @Test
  @DisplayName("OP-11 a report from before the permit says nothing about it")
  void staleReport() {
    var pool = WaveTable.of("a", "b").told("a", r -> r.level(1)).told("b", r -> r.level(1));
    pool.step().told("a", Told::wants).step();
    assertThat(pool.permitted()).containsExactly("a");
    pool.later(LITTLE).step();
    assertThat(pool.permitted()).containsExactly("a");
    assertThat(pool.step.changed()).isFalse();
  }

  @Test
  @DisplayName("OP-11 a permit that nobody took lapses and is given anew under another id")
  void lapsed() {
    var pool = WaveTable.of("a").told("a", Told::wants).step();
    var first = pool.permitOf("a");
    pool.later(Granting.START_WITHIN).told("a", Told::wants).step();
    assertThat(pool.permitOf("a")).as("its clock may be behind").isEqualTo(first);
    pool.later(Settling.CLOCKS.plusSeconds(1)).told("a", Told::wants).step();
    assertThat(pool.permitOf("a")).isNotEqualTo(first);
  }

  @Test
  @DisplayName("OP-12 a silent pod holds its slot as long as its refork may last, not longer")
  void silent() {
    var pool = provenLevelOne().silent("b");
    pool.later(Granting.START_WITHIN.plus(WaveTable.DEADLINE)).step();
    assertThat(pool.ledger.orElseThrow().grants()).anyMatch(g -> g.uid().equals("b"));
    pool.later(Settling.CLOCKS.plusSeconds(1)).step();
    assertThat(pool.ledger.orElseThrow().grants()).noneMatch(g -> g.uid().equals("b"));
  }

  @Test
  @DisplayName(
      "OP-11 a wave in which nothing moves ends at its deadline and says how many are left")
  void deadline() {
    var pool =
        WaveTable.of("a", "b").step().request("one").ready("a", false).ready("b", false).step();
    assertThat(pool.permitted()).isEmpty();
    assertThat(pool.step.nextLook()).contains(pool.now.plus(WaveTable.DEADLINE));
    pool.later(WaveTable.DEADLINE).step();
    assertThat(pool.ledger.orElseThrow().request().outcome()).isEqualTo(Outcome.DeadlineExceeded);
    assertThat(pool.step.notes().getFirst().message()).contains("2 pods");
  }

  @Test
  @DisplayName("OP-07 paused: no permits, no deadline; going on starts it anew")
  void paused() {
    var pool = provenRequest();
    pool.paused(true).later(WaveTable.DEADLINE.multipliedBy(2)).step();
    assertThat(pool.permitted()).isEmpty();
    assertThat(pool.step.view().state()).isEqualTo(State.Paused);
    assertThat(pool.ledger.orElseThrow().request().outcome()).isEqualTo(Outcome.Running);
    pool.told("b", r -> r).told("c", r -> r).paused(false).step();
    assertThat(pool.ledger.orElseThrow().request().outcome()).isEqualTo(Outcome.Running);
    assertThat(pool.permitted()).isNotEmpty();
  }

  @Test
  @DisplayName("OP-07 with fewer Ready pods than the disruption budget asks for nothing is granted")
  void disruptionBudget() {
    var pool = WaveTable.of("a", "b").told("a", Told::wants);
    pool.minReady = 2;
    assertThat(pool.ready("b", false).step().permitted()).isEmpty();
    assertThat(pool.ready("b", true).step().permitted()).containsExactly("a");
  }

  @Test
  @DisplayName(
      "OP-07 another template starts over: levels, canary and request; old permits run out")
  void otherTemplate() {
    var pool = provenRequest();
    pool.template = "t2";
    pool.step();
    var ledger = pool.ledger.orElseThrow();
    assertThat(ledger.template()).isEqualTo("t2");
    assertThat(ledger.proven()).isZero();
    assertThat(ledger.request().outcome()).isEqualTo(Outcome.Superseded);
    assertThat(ledger.grants()).allMatch(g -> g.revoked());
    assertThat(pool.permitted()).isEmpty();
  }

  @Test
  @DisplayName("OP-12 a level that no pod can have gets no permit, which the schema would refuse")
  void impossibleLevel() {
    var pool = WaveTable.of("a").told("a", r -> r.level(1_000_000_000).wants()).step();
    assertThat(pool.permitted()).isEmpty();
  }

  @Test
  @DisplayName("OP-12 a pod that claims an impossible ledger does not use up its pool's numbers")
  void impossibleSeq() {
    var pool = WaveTable.of("a", "b").claims("a", 1L << 53).claims("b", 41).step();
    assertThat(pool.ledger.orElseThrow().seq()).isEqualTo(42);
  }

  @Test
  @DisplayName("OP-09 a lost ledger begins above every report, as proven as two pods witness")
  void lostLedger() {
    var pool = WaveTable.of("a", "b", "c").step().request("x").step();
    long seq = pool.ledger.orElseThrow().seq();
    pool.told("a", r -> r.level(3)).told("b", r -> r.level(2)).told("c", r -> r.level(1));
    pool.ledger = Optional.empty();
    pool.notAsked("c").step();
    assertThat(pool.ledger).as("c has not been asked").isEmpty();
    pool.told("c", r -> r.level(1)).step();
    assertThat(pool.ledger.orElseThrow().seq()).isGreaterThan(seq);
    assertThat(pool.ledger.orElseThrow().proven()).isEqualTo(2);
  }
}
