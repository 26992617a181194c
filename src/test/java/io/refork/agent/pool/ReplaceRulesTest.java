package io.refork.agent.pool;

import static io.refork.agent.pool.Given.workers;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Workers that are replaced on request, and pools that grow and shrink. */
class ReplaceRulesTest {
  @Test
  @DisplayName("FORK-13 HUP replaces each worker, one by one, from the current mold")
  void replaceAll() {
    var pool = workers(4).serving().readyAfter(generation -> Duration.ofSeconds(2));
    var before = pool.pids();
    pool.on(new Event.ReplaceAsked()).seconds(30);

    assertThat(pool.pids()).hasSize(4).doesNotContainAnyElementsOf(before);
    assertThat(pool.generations()).containsOnly(0);
    assertThat(pool.leastReady()).isEqualTo(3);
    assertThat(pool.most()).isEqualTo(4);
  }

  @Test
  @DisplayName("GEN-11 HUP with none unavailable: each successor is ready before its worker leaves")
  void replaceAllWithNoneUnavailable() {
    var pool = workers(1).maxUnavailable(0).serving();
    int before = pool.pid(0);
    pool.on(new Event.ReplaceAsked()).seconds(30);
    assertThat(pool.pids()).hasSize(1).doesNotContain(before);
    assertThat(pool.leastReady()).isEqualTo(1);
    assertThat(pool.most()).isEqualTo(2);
  }

  @Test
  @DisplayName(
      "GEN-04 HUP in the canary's watch waits, and is not forgotten when the refork aborts")
  void replaceDuringRefork() {
    var pool = workers(3).serving();
    var before = pool.pids();
    pool.askRefork().pass(Duration.ofMillis(500)).on(new Event.ReplaceAsked());
    assertThat(pool.refork()).isEqualTo("soaking");
    assertThat(pool.ready()).isEqualTo(3);

    pool.dies(pool.pid(0)).seconds(30);
    assertThat(pool.refork()).isEqualTo("aborted canary-died");
    assertThat(pool.generations()).containsExactly(0, 0, 0);
    assertThat(pool.pids()).doesNotContainAnyElementsOf(before);
  }

  @Test
  @DisplayName("FORK-13 2, 8, then 1 worker wanted: the pool follows, the surplus drains")
  void sizes() {
    var pool = workers(2).serving();
    int first = pool.pid(0);
    pool.on(new Event.Desired(workers(8).settings())).seconds(5);
    assertThat(pool.ready()).isEqualTo(8);

    pool.forget().on(new Event.Desired(workers(1).settings())).seconds(5);
    assertThat(pool.pids()).containsExactly(first);
    assertThat(pool.leastReady()).isEqualTo(1);
    assertThat(pool.all(Action.Kill.class)).isEmpty();
  }

  @Test
  @DisplayName("GEN-04 fewer workers wanted in a rollout: it completes with those")
  void fewerDuringRollout() {
    var pool = workers(6).serving().readyAfter(generation -> Duration.ofSeconds(1));
    pool.askRefork().seconds(6);
    assertThat(pool.refork()).isEqualTo("rolling");
    pool.on(new Event.Desired(workers(2).settings())).seconds(30);
    assertThat(pool.refork()).startsWith("completed");
    assertThat(pool.generations()).containsExactly(1, 1);
  }

  @Test
  @DisplayName(
      "GEN-04 the canary's slot is not wanted any more: the refork ends, the pool stays whole")
  void canarySlotGone() {
    var pool = workers(4).serving().serves(3, 9, 0).askRefork().pass(Duration.ofMillis(500));
    assertThat(pool.generations()).containsExactly(0, 0, 0, 1);
    pool.on(new Event.Desired(workers(2).settings())).seconds(30);
    assertThat(pool.refork()).isEqualTo("aborted stopped");
    assertThat(pool.generations()).containsExactly(0, 0);
    assertThat(pool.molds()).containsExactly(0);
  }

  @Test
  @DisplayName("GEN-04 more workers wanted in a rollout: all of the new generation")
  void moreDuringRollout() {
    var pool = workers(2).serving().readyAfter(generation -> Duration.ofSeconds(1));
    pool.askRefork().seconds(5);
    pool.on(new Event.Desired(workers(5).settings())).seconds(30);
    assertThat(pool.refork()).startsWith("completed");
    assertThat(pool.generations()).containsExactly(1, 1, 1, 1, 1);
  }
}
