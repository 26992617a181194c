package io.refork.agent.pool;

import static io.refork.agent.pool.Given.BOOT;
import static io.refork.agent.pool.Given.DRAIN;
import static io.refork.agent.pool.Given.KILL;
import static io.refork.agent.pool.Given.SOAK;
import static io.refork.agent.pool.Given.workers;
import static org.assertj.core.api.Assertions.assertThat;

import io.refork.agent.linux.Signal;
import io.refork.agent.pool.ScriptedProcesses.Newborn;
import java.time.Duration;
import java.util.ArrayList;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** From a new mold to a pool of its forks: the canary's verdict, the rollout's gates, the abort. */
class RolloutRulesTest {
  private static final Duration MOMENT = Duration.ofMillis(200);

  /** A pool whose canary has just got ready. */
  private static PoolDriver soaking(Given given) {
    var pool = given.serving().askRefork().pass(MOMENT);
    assertThat(pool.refork()).isEqualTo("soaking");
    return pool;
  }

  @Test
  @DisplayName("GEN-05 while the canary is watched, nobody else is replaced")
  void nothingElse() {
    var pool = soaking(workers(4));
    pool.pass(SOAK.minus(MOMENT));
    assertThat(pool.generations()).containsExactly(1, 0, 0, 0);
    assertThat(pool.molds()).containsExactly(0, 1);

    pool.seconds(10);
    assertThat(pool.generations()).containsExactly(1, 1, 1, 1);
    assertThat(pool.molds()).containsExactly(1);
  }

  @ParameterizedTest(
      name = "GEN-05 the canary answers {1} of {0} with errors, the old {3} of {2}: {4}")
  @CsvSource({
    "19, 19, 100, 0, passes", // too few requests to say anything
    "20,  2, 100, 0, passes", // too few errors
    "20,  3, 100, 0, fails",
    "60,  3, 100, 0, passes", // 5 points are no more than 5
    "59,  3, 100, 0, fails",
    "100, 50, 100, 50, passes", // the old ones are as bad
    "100, 55, 100, 50, passes",
    "100, 56, 100, 50, fails",
  })
  void errors(int requests, int errors, int oldRequests, int oldErrors, String verdict) {
    var pool = soaking(workers(2));
    pool.serves(1, oldRequests, oldErrors).serves(0, requests, errors);
    if (verdict.equals("fails")) {
      assertThat(pool.refork()).isEqualTo("aborted canary-errors");
    } else {
      assertThat(pool.refork()).isEqualTo("soaking");
      pool.seconds(10);
      assertThat(pool.refork()).isIn("completed", "completed-unproven");
    }
  }

  @Test
  @DisplayName("GEN-05 what the old workers answered before the canary came is no excuse for it")
  void oldErrorsOfLongAgo() {
    var pool = workers(2).serving().serves(1, 1_000, 900).askRefork().pass(MOMENT);
    assertThat(pool.refork()).isEqualTo("soaking");
    // Slot 1 was promoted; its successor is the canary.
    pool.serves(0, 100, 0).serves(1, 100, 30);
    assertThat(pool.refork()).isEqualTo("aborted canary-errors");
  }

  @ParameterizedTest(name = "GEN-05 {0} requests in the watch: {1}")
  @CsvSource({"19, unproven", "20, proven"})
  void proven(int requests, String word) {
    var pool = soaking(workers(4)).serves(0, requests, 0).seconds(20);
    assertThat(pool.refork()).startsWith("completed");
    assertThat(pool.pool().tally().reforks().get("completed")).containsEntry(word, 1L);
  }

  @ParameterizedTest(
      name = "GEN-05 the canary {0}: aborted {1}; the old generation serves throughout")
  @CsvSource({
    "DIES_BEFORE_HELLO, canary-died",
    "DIES_BEFORE_READY, canary-died",
    "SAYS_NO_HELLO, canary-not-ready",
    "NEVER_READY, canary-not-ready",
  })
  void badNewborns(Newborn behaviour, String reason) {
    var pool = workers(4).serving();
    pool.newborns(generation -> generation == 0 ? Newborn.GETS_READY : behaviour);
    pool.askRefork().pass(BOOT.plusSeconds(5));

    assertThat(pool.refork()).isEqualTo("aborted " + reason);
    assertThat(pool.generations()).containsExactly(0, 0, 0, 0);
    assertThat(pool.leastReady()).isEqualTo(3);
    assertThat(pool.molds()).containsExactly(0);
    assertThat(pool.all(Action.Spawn.class)).filteredOn(s -> s.generation() == 1).hasSize(1);
  }

  @Test
  @DisplayName(
      "GEN-05 a canary that dies in its watch aborts at once, its slot goes to the old mold")
  void canaryDies() {
    var pool = soaking(workers(4)).forget();
    pool.dies(pool.pid(0));
    assertThat(pool.refork()).isEqualTo("aborted canary-died");
    assertThat(pool.all(Action.Spawn.class))
        .singleElement()
        .matches(s -> s.slot() == 0 && s.generation() == 0);
  }

  @Test
  @DisplayName(
      "GEN-05 an old worker's death in the watch is no failure, and is mended by the old mold")
  void oldWorkerDies() {
    var pool = soaking(workers(4));
    pool.seconds(1).dies(pool.pid(3)).pass(MOMENT);
    assertThat(pool.refork()).isEqualTo("soaking");
    assertThat(pool.generations()).containsExactly(1, 0, 0, 0);
    pool.seconds(20);
    assertThat(pool.generations()).containsExactly(1, 1, 1, 1);
  }

  @ParameterizedTest(
      name = "GEN-05 a failure budget of {0}: the {0}. failure after the canary aborts")
  @CsvSource({"1", "2", "3"})
  void failureBudget(int budget) {
    var pool = soaking(workers(8).failureBudget(budget));
    int untouched = pool.pid(7);
    pool.readyAfter(generation -> Duration.ofSeconds(2)).pass(SOAK);
    for (int failure = 1; failure <= budget; failure++) {
      assertThat(pool.refork()).as("before failure %s", failure).isEqualTo("rolling");
      pool.dies(pool.pid(0));
      if (failure < budget) {
        pool.seconds(4);
      }
    }
    assertThat(pool.refork()).isEqualTo("aborted failure-budget");
    pool.seconds(30);
    assertThat(pool.generations()).hasSize(8).containsOnly(0);
    assertThat(pool.pid(7)).as("an old worker that served on").isEqualTo(untouched);
    assertThat(pool.molds()).containsExactly(0);
  }

  @Test
  @DisplayName("GEN-05 after an abort the next try waits, twice as long each time, an hour at most")
  void backoff() {
    var pool = workers(2).reforkAfter(1).serving();
    pool.candidatesRefuse(ReforkReason.NOT_FORK_SAFE).allServe(1);
    var pauses = new ArrayList<Long>();
    for (int failures = 1; failures < 12; failures++) {
      pool.seconds(1).on(new Event.Tick()).forget();
      assertThat(pool.refork()).isEqualTo("refused not-fork-safe");
      var left = Duration.ofNanos(pool.pool().view().backoffNanos());
      pauses.add(left.plusSeconds(1).toSeconds());
      pool.pass(left.minusMillis(1));
      assertThat(pool.all(Action.Promote.class)).isEmpty();
      pool.pass(Duration.ofMillis(1));
      assertThat(pool.all(Action.Promote.class)).isNotEmpty();
    }
    assertThat(pauses)
        .containsExactly(9L, 18L, 36L, 72L, 144L, 288L, 576L, 1_152L, 2_304L, 3_600L, 3_600L);
  }

  @Test
  @DisplayName("GEN-05 a completed refork forgets the failures before it")
  void backoffEnds() {
    var pool = workers(2).reforkAfterAndSoOn(1).serving();
    pool.candidatesRefuse(ReforkReason.THREADS).allServe(1).seconds(1);
    pool.candidates(ScriptedProcesses.Candidate.FORKS).seconds(60).allServe(1).seconds(30);
    assertThat(pool.refork()).startsWith("completed");
    assertThat(pool.pool().view().backoffNanos()).isZero();
    pool.allServe(1);
    assertThat(pool.refork()).isEqualTo("promoting");
  }

  @Test
  @DisplayName("GEN-04 a worker takes 3 s to get ready: never more than one slot is not ready")
  void slowWorkers() {
    var pool = workers(5).serving().readyAfter(generation -> Duration.ofSeconds(3));
    pool.askRefork().seconds(60);
    assertThat(pool.generations()).containsExactly(1, 1, 1, 1, 1);
    assertThat(pool.leastReady()).isEqualTo(4);
    assertThat(pool.most()).isEqualTo(5);
  }

  @Test
  @DisplayName("GEN-04 a rollout is complete when the last worker is ready, not when it is forked")
  void completeWhenReady() {
    var pool = workers(2).serving().readyAfter(generation -> Duration.ofSeconds(3));
    pool.askRefork().pass(SOAK.plusSeconds(5));
    assertThat(pool.refork()).isEqualTo("rolling");
    assertThat(pool.pool().view().level()).isZero();
    pool.seconds(2);
    assertThat(pool.refork()).startsWith("completed");
  }

  @ParameterizedTest(
      name = "GEN-04 8 workers, {0} unavailable, {1} surge: at least {2} ready, at most {3}")
  @CsvSource({"1, 0, 7, 8", "2, 0, 6, 8", "1, 2, 7, 10", "0, 3, 8, 11"})
  void limits(int unavailable, int surge, int least, int most) {
    var pool = workers(8).maxUnavailable(unavailable).maxSurge(surge).serving();
    pool.readyAfter(generation -> Duration.ofSeconds(1)).askRefork().seconds(60);
    assertThat(pool.refork()).startsWith("completed");
    assertThat(pool.generations()).hasSize(8).containsOnly(1);
    assertThat(pool.leastReady()).isEqualTo(least);
    assertThat(pool.most()).isEqualTo(most);
  }

  @Test
  @DisplayName("GEN-13 a request that outlasts the drain is cut then, and the rollout goes on")
  void endlessRequest() {
    var pool = workers(3).serving();
    int busy = pool.pid(2);
    pool.stubborn(busy).askRefork().pass(SOAK.plus(DRAIN));
    assertThat(pool.refork()).isEqualTo("rolling");
    assertThat(pool.all(Action.Kill.class)).isEmpty();

    pool.pass(KILL.plusSeconds(1));
    assertThat(pool.all(Action.Kill.class))
        .extracting(Action.Kill::signal)
        .containsExactly(Signal.TERM, Signal.KILL);
    assertThat(pool.refork()).startsWith("completed");
    assertThat(pool.generations()).containsExactly(1, 1, 1);
  }
}
