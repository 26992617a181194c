package io.refork.agent.pool;

import static io.refork.agent.pool.Given.workers;
import static org.assertj.core.api.Assertions.assertThat;

import io.refork.agent.linux.Signal;
import io.refork.agent.pool.ScriptedProcesses.Candidate;
import io.refork.agent.pool.ScriptedProcesses.Newborn;
import java.time.Duration;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** What fails again and again is tried less and less often, and what comes too late is ended. */
class BackoffRulesTest {
  @Test
  @DisplayName(
      "FORK-06 newborns that crash: 1.5 times longer between tries, 30 s at most, until mended")
  void crashLoop() {
    var pool = workers(1).serving().seconds(5);
    pool.newborns(generation -> Newborn.DIES_BEFORE_READY).forget().dies(pool.pid(0));
    pool.seconds(60);
    // 0, 1, 1.5, 2.25, 3.4, 5.1, 7.6, 11.4, 17.1 s after each other.
    assertThat(pool.all(Action.Spawn.class)).hasSize(9);
    pool.forget().seconds(600);
    assertThat(pool.all(Action.Spawn.class).size()).isBetween(20, 21);
    assertThat(pool.pool().view().backoffNanos()).isPositive();

    pool.newborns(generation -> Newborn.GETS_READY).seconds(30);
    assertThat(pool.ready()).isEqualTo(1);
    assertThat(pool.pool().view().backoffNanos()).isZero();
  }

  @Test
  @DisplayName("PID-05 a later boot mold that does not start: the agent stays and backs off")
  void laterBoot() {
    var pool = workers(2).serving().candidates(Candidate.REFUSES);
    pool.bootsFail(true).dies(pool.mold()).seconds(60);
    assertThat(pool.all(Action.StartBootMold.class)).hasSize(9);
    assertThat(pool.ready()).isEqualTo(2);
    assertThat(pool.ended()).isFalse();

    pool.bootsFail(false).seconds(30);
    assertThat(pool.molds()).hasSize(1);
  }

  @Test
  @DisplayName(
      "FORK-03 a newborn that says hello when nobody awaits it any more is turned away and ended")
  void lateHello() {
    var pool = workers(2).serving();
    pool.on(new Event.Hello(7, 99, new Event.Claim.Newborn(false, "0.late", true, true)));
    assertThat(pool.all(Action.TurnAway.class))
        .extracting(Action.TurnAway::code)
        .containsExactly("unknown-spawn");
    assertThat(pool.all(Action.Kill.class)).containsExactly(new Action.Kill(99, Signal.KILL));
  }

  @Test
  @DisplayName("FORK-12 a stranger with a made-up spawn id is turned away, and is not ours to end")
  void stranger() {
    var pool = workers(2).serving();
    pool.on(new Event.Hello(7, 99, new Event.Claim.Newborn(false, "0.guess", false, false)));
    assertThat(pool.all(Action.TurnAway.class)).hasSize(1);
    assertThat(pool.all(Action.Kill.class)).isEmpty();
  }

  @Test
  @DisplayName(
      "FORK-12 a worker claims a spawn id that a sibling's is awaited by: turned away, alive")
  void claimOfAnother() {
    var pool = workers(3).serving().seconds(5).moldsFork(false);
    pool.dies(pool.pid(2)).pass(Duration.ofMillis(10));
    var awaited = pool.all(Action.Spawn.class).getLast().spawn();
    int worker = pool.pid(0);
    pool.on(new Event.Hello(7, worker, new Event.Claim.Newborn(false, awaited, true, false)));
    assertThat(pool.all(Action.TurnAway.class))
        .extracting(Action.TurnAway::code)
        .containsExactly("unexpected");
    assertThat(pool.all(Action.Kill.class)).isEmpty();
  }
}
