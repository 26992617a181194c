package io.refork.agent.pool;

import static io.refork.agent.pool.Given.DRAIN;
import static io.refork.agent.pool.Given.KILL;
import static io.refork.agent.pool.Given.workers;
import static org.assertj.core.api.Assertions.assertThat;

import io.refork.agent.linux.Signal;
import io.refork.agent.pool.ScriptedProcesses.Candidate;
import io.refork.agent.pool.ScriptedProcesses.Newborn;
import java.time.Duration;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The way out, from every state: bounded, and without a failed request more than needed. */
class StopRulesTest {
  /** A pool in that phase of a refork. */
  private static PoolDriver in(String phase, Given given) {
    var pool = given.serving();
    switch (phase) {
      case "none" -> {}
      case "spare" -> pool.newborns(generation -> Newborn.NEVER_READY).askRefork().seconds(1);
      case "promoting" -> pool.candidates(Candidate.IS_SILENT).askRefork().seconds(1);
      case "promoting, mold known" ->
          pool.candidates(Candidate.ITS_MOLD_HANGS).askRefork().seconds(1);
      case "canary" -> pool.newborns(generation -> Newborn.NEVER_READY).askRefork().seconds(1);
      case "soaking" -> pool.askRefork().seconds(1);
      case "rolling" -> pool.readyAfter(generation -> Duration.ofSeconds(1)).askRefork().seconds(5);
      default -> throw new IllegalArgumentException(phase);
    }
    assertThat(pool.refork()).isEqualTo(phase.split(",")[0]);
    return pool;
  }

  private static Given given(String phase) {
    return phase.equals("spare") ? workers(4).maxUnavailable(0) : workers(4);
  }

  @ParameterizedTest(
      name = "GEN-12 TERM with refork in phase {0}: nobody is killed, exit 0 in time")
  @ValueSource(
      strings = {
        "none",
        "spare",
        "promoting",
        "promoting, mold known",
        "canary",
        "soaking",
        "rolling"
      })
  void stop(String phase) {
    var pool = in(phase, given(phase));
    var serving = pool.pids();
    pool.forget().on(new Event.StopAsked(false)).seconds(1);

    assertThat(pool.all(Action.Exit.class))
        .singleElement()
        .satisfies(e -> assertThat(e.code()).isZero());
    assertThat(pool.all(Action.AskStop.class)).extracting(Action.AskStop::pid).containsAll(serving);
    assertThat(pool.all(Action.Kill.class))
        .extracting(Action.Kill::pid)
        .noneMatch(serving::contains);
  }

  @ParameterizedTest(
      name = "GEN-12 TERM with a shutdown delay in phase {0}: served at strength until then")
  @ValueSource(strings = {"none", "promoting", "promoting, mold known", "soaking", "rolling"})
  void delay(String phase) {
    var pool = in(phase, workers(4).shutdownDelay(Duration.ofSeconds(10)));
    pool.forget().on(new Event.StopAsked(false));
    assertThat(pool.all(Action.AskStop.class)).isEmpty();
    pool.seconds(4);
    pool.dies(pool.pid(3)).seconds(3);
    assertThat(pool.ready()).isEqualTo(4);
    assertThat(pool.ended()).isFalse();

    pool.seconds(4);
    assertThat(pool.ended()).isTrue();
  }

  @ParameterizedTest(
      name = "GEN-12 TERM in phase {0} with processes that ignore it: exit within drain + 5 s")
  @ValueSource(
      strings = {
        "none",
        "spare",
        "promoting",
        "promoting, mold known",
        "canary",
        "soaking",
        "rolling"
      })
  void stubborn(String phase) {
    var pool = in(phase, given(phase));
    for (int pid : pool.pids()) {
      pool.stubborn(pid);
    }
    pool.pool().ledger().molds.keySet().forEach(pool::stubborn);
    pool.on(new Event.StopAsked(false)).pass(DRAIN.plusSeconds(5));
    assertThat(pool.ended()).isTrue();
  }

  @ParameterizedTest(name = "GEN-12 INT in phase {0}: gone at once")
  @ValueSource(
      strings = {
        "none",
        "spare",
        "promoting",
        "promoting, mold known",
        "canary",
        "soaking",
        "rolling"
      })
  void fast(String phase) {
    var pool = in(phase, given(phase).shutdownDelay(Duration.ofSeconds(100)));
    pool.on(new Event.StopAsked(true)).seconds(1);
    assertThat(pool.ended()).isTrue();
  }

  @Test
  @DisplayName(
      "PID-10 a stranger that ignores TERM is killed, and the stop does not wait for it for ever")
  void stubbornStray() {
    var pool = workers(1).serving().strays(1).on(new Event.StopAsked(false)).pass(KILL);
    assertThat(pool.ended()).isFalse();
    pool.seconds(1);
    assertThat(pool.all(Action.SignalStrays.class))
        .extracting(Action.SignalStrays::signal)
        .containsExactly(Signal.TERM, Signal.KILL);
    pool.seconds(1);
    assertThat(pool.ended()).isTrue();
  }

  @Test
  @DisplayName("PID-08 a second and third TERM cut nothing short")
  void secondTerm() {
    var pool = workers(2).serving();
    pool.stubborn(pool.pid(0));
    pool.on(new Event.StopAsked(false)).seconds(1);
    pool.on(new Event.StopAsked(false)).on(new Event.StopAsked(false)).seconds(6);
    assertThat(pool.all(Action.Kill.class)).isEmpty();
    assertThat(pool.ended()).isFalse();
  }

  @Test
  @DisplayName("PID-06 TERM while the application loads: a clean exit")
  void whileBooting() {
    var pool = workers(2).notStarted().moldReadyAfter(Duration.ofSeconds(9)).seconds(1);
    pool.on(new Event.StopAsked(false)).seconds(1);
    assertThat(pool.all(Action.Exit.class)).extracting(Action.Exit::code).containsExactly(0);
  }
}
