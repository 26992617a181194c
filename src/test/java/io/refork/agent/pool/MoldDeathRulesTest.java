package io.refork.agent.pool;

import static io.refork.agent.pool.Given.SPAWN;
import static io.refork.agent.pool.Given.workers;
import static org.assertj.core.api.Assertions.assertThat;

import io.refork.agent.pool.ScriptedProcesses.Candidate;
import java.time.Duration;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A dead mold is not an outage. */
class MoldDeathRulesTest {
  private static final Duration MOMENT = Duration.ofMillis(200);

  @Test
  @DisplayName("GEN-08 the mold dies at rest: a worker is promoted, no other is touched")
  void atRest() {
    var pool = workers(4).serving().allServe(1).serves(1, 9, 0);
    var before = pool.pids();
    pool.dies(pool.mold()).seconds(5);

    assertThat(pool.molds()).containsExactly(1);
    assertThat(pool.generations()).containsExactly(0, 1, 0, 0);
    assertThat(pool.pids()).containsAll(java.util.List.of(before.get(0), before.get(2)));
    assertThat(pool.leastReady()).isEqualTo(3);
    assertThat(pool.all(Action.StartBootMold.class)).isEmpty();
    assertThat(pool.refork()).as("it is no refork").isEqualTo("none");
  }

  @Test
  @DisplayName("GEN-08 the mold is stopped by a signal: it is killed and replaced")
  void halted() {
    var pool = workers(4).serving();
    int mold = pool.mold();
    pool.on(new Event.Halted(mold)).seconds(5);
    assertThat(pool.all(Action.Kill.class)).extracting(Action.Kill::pid).containsExactly(mold);
    assertThat(pool.molds()).containsExactly(1);
    assertThat(pool.ready()).isEqualTo(4);
  }

  @Test
  @DisplayName(
      "GEN-08 the mold dies while forking: what it may have forked is killed by name, the slot is filled")
  void whileForking() {
    var pool = workers(4).serving().moldsFork(false);
    pool.seconds(2).dies(pool.pid(3)).pass(MOMENT);
    var spawn = pool.all(Action.Spawn.class).getFirst().spawn();
    pool.moldsFork(true).dies(pool.mold()).pass(SPAWN.minusSeconds(2));

    assertThat(pool.all(Action.KillNewborn.class))
        .extracting(Action.KillNewborn::spawn)
        .contains(spawn);
    assertThat(pool.ready()).isEqualTo(4);
    assertThat(pool.molds()).hasSize(1);
  }

  @Test
  @DisplayName(
      "GEN-08 a mold that takes commands and does nothing is killed when a spawn is not answered")
  void hangs() {
    var pool = workers(4).serving().moldsFork(false);
    int mold = pool.mold();
    pool.seconds(2).dies(pool.pid(3)).pass(SPAWN.minusMillis(1));
    assertThat(pool.all(Action.Kill.class)).isEmpty();
    pool.pass(Duration.ofMillis(1));
    assertThat(pool.all(Action.Kill.class)).extracting(Action.Kill::pid).containsExactly(mold);

    pool.moldsFork(true).seconds(5);
    assertThat(pool.ready()).isEqualTo(4);
    assertThat(pool.molds()).hasSize(1);
  }

  @ParameterizedTest(name = "GEN-08 the {0} mold dies while {1}: {2}, full strength, one mold")
  @CsvSource({
    "old, promoting, completed-unproven",
    "old, canary, completed-unproven",
    "old, soaking, completed-unproven",
    "old, rolling, completed-unproven",
    "new, promoting, completed-unproven", // the next candidate makes another one
    "new, canary, aborted mold-died",
    "new, soaking, aborted mold-died",
    "new, rolling, aborted mold-died",
    "both, canary, aborted mold-died",
    "both, soaking, aborted mold-died",
    "both, rolling, aborted mold-died",
  })
  void inARefork(String which, String phase, String outcome) {
    var pool = workers(4).serving();
    pool.readyAfter(generation -> Duration.ofSeconds(generation == 1 ? 2 : 0));
    pool.moldReadyAfter(Duration.ofSeconds(1)).askRefork();
    for (int i = 0; i < 100 && !pool.refork().equals(phase); i++) {
      pool.pass(Duration.ofMillis(100));
    }
    pool.pass(MOMENT);
    assertThat(pool.refork()).isEqualTo(phase);
    var molds = pool.pool().ledger().molds.values().stream().map(Mold::pid).toList();
    for (int mold : molds) {
      var generation = pool.pool().ledger().molds.get(mold).generation();
      if (which.equals("both") || (generation == 0) == which.equals("old")) {
        pool.dies(mold);
      }
    }
    pool.seconds(60);

    assertThat(pool.refork()).isEqualTo(outcome);
    assertThat(pool.ready()).isEqualTo(4);
    assertThat(pool.molds()).hasSize(1);
    assertThat(pool.leastReady()).isGreaterThanOrEqualTo(3);
  }

  @ParameterizedTest(name = "GEN-10 the mold is dead and workers {0}: a boot mold is started")
  @ValueSource(strings = {"REFUSES", "DIES", "ITS_MOLD_DIES", "ITS_MOLD_HANGS", "IS_SILENT"})
  void nobodyQualifies(String candidates) {
    var pool = workers(4).serving().candidates(Candidate.valueOf(candidates));
    pool.dies(pool.mold()).seconds(60);

    assertThat(pool.all(Action.StartBootMold.class)).hasSize(1);
    assertThat(pool.molds()).hasSize(1);
    assertThat(pool.ready()).isEqualTo(4);
    assertThat(pool.leastReady()).isGreaterThanOrEqualTo(3);
  }

  @Test
  @DisplayName("GEN-10 one worker that cannot be missed is not promoted: a boot mold is started")
  void oneWorker() {
    var pool = workers(1).maxUnavailable(0).serving();
    int worker = pool.pid(0);
    pool.dies(pool.mold()).seconds(5);
    assertThat(pool.all(Action.Promote.class)).isEmpty();
    assertThat(pool.molds()).containsExactly(1);
    assertThat(pool.pids()).containsExactly(worker);
  }

  @Test
  @DisplayName("GEN-10 mold and workers die together: a boot mold, then workers")
  void everythingDies() {
    var pool = workers(3).serving().seconds(5);
    pool.dies(pool.mold());
    for (int pid : pool.pids()) {
      pool.dies(pid);
    }
    pool.seconds(30);
    assertThat(pool.ready()).isEqualTo(3);
    assertThat(pool.molds()).hasSize(1);
  }
}
