package io.refork.agent.pool;

import static io.refork.agent.pool.Given.workers;
import static org.assertj.core.api.Assertions.assertThat;

import io.refork.agent.pool.ScriptedProcesses.Candidate;
import java.time.Duration;
import java.util.OptionalDouble;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** When the pool reforks by itself, and when it does not. */
class ReforkTriggerTest {
  @Test
  @DisplayName("GEN-01 thresholds 50 and 100: generation 1, then 2, then no more")
  void theListEnds() {
    var pool = workers(4).reforkAfter(50, 100).serving();

    pool.allServe(49).seconds(30);
    assertThat(pool.refork()).isEqualTo("none");

    pool.serves(2, 1, 0);
    assertThat(pool.refork()).isEqualTo("promoting");
    pool.seconds(30);
    assertThat(pool.generations()).containsExactly(1, 1, 1, 1);

    pool.allServe(99).seconds(30);
    assertThat(pool.generations()).containsExactly(1, 1, 1, 1);
    pool.allServe(1).seconds(30);
    assertThat(pool.generations()).containsExactly(2, 2, 2, 2);

    pool.allServe(100_000).seconds(3_600);
    assertThat(pool.generations()).containsExactly(2, 2, 2, 2);
    assertThat(pool.molds()).containsExactly(2);
  }

  @Test
  @DisplayName("GEN-01 with a final ... the last threshold repeats")
  void theLastRepeats() {
    var pool = workers(2).reforkAfterAndSoOn(10, 30).serving();
    pool.allServe(10).seconds(30);
    for (int generation = 2; generation < 7; generation++) {
      pool.allServe(29).seconds(30);
      assertThat(pool.generations()).containsExactly(generation - 1, generation - 1);
      pool.allServe(1).seconds(30);
      assertThat(pool.generations()).containsExactly(generation, generation);
    }
  }

  @Test
  @DisplayName("GEN-01 thresholds count completed reforks: a refused or aborted one uses none up")
  void failuresUseNoThreshold() {
    var pool = workers(4).reforkAfter(50, 1_000_000).serving();
    pool.candidatesRefuse(ReforkReason.THREADS).allServe(50).seconds(5);
    assertThat(pool.refork()).isEqualTo("refused threads");

    pool.candidates(Candidate.FORKS).seconds(600).allServe(1).seconds(30);

    assertThat(pool.refork()).startsWith("completed");
    assertThat(pool.pool().view().level()).isEqualTo(1);
  }

  @Test
  @DisplayName("GEN-01 the minimum interval is kept between reforks, and holds back no request")
  void minInterval() {
    var pool = workers(4).reforkAfterAndSoOn(10).minInterval(Duration.ofMinutes(10)).serving();
    pool.allServe(10).seconds(60); // the first one need not wait
    assertThat(pool.generations()).containsExactly(1, 1, 1, 1);

    pool.forget().allServe(10).seconds(500).allServe(1);
    assertThat(pool.all(Action.Promote.class)).isEmpty();
    pool.seconds(60);
    assertThat(pool.all(Action.Promote.class)).hasSize(1);

    pool.askRefork();
    assertThat(pool.refork()).isEqualTo("promoting");
  }

  @Test
  @DisplayName("GEN-01 a threshold waits until the pool is at full strength")
  void onlyAtFullStrength() {
    var pool = workers(4).reforkAfter(50).serving();
    pool.readyAfter(generation -> Duration.ofSeconds(2)).dies(pool.pid(3));
    pool.allServe(50).seconds(1);
    assertThat(pool.refork()).isEqualTo("none");

    pool.seconds(5);
    assertThat(pool.all(Action.Promote.class)).hasSize(1);
  }

  @Test
  @DisplayName("GEN-07 twenty triggers in an instant, from all sources, make one refork")
  void oneAtATime() {
    var pool = workers(4).reforkAfter(50).reforkBelow(60).serving();
    for (int i = 0; i < 20; i++) {
      pool.askRefork();
      pool.on(new Event.Shared(OptionalDouble.of(0.1)));
      pool.allServe(5);
      pool.pass(Duration.ofMillis(5));
    }
    pool.seconds(60);

    assertThat(pool.all(Action.Promote.class)).hasSize(1);
    assertThat(pool.generations()).containsExactly(1, 1, 1, 1);
  }

  @Test
  @DisplayName("GEN-07 a low shared ratio reforks, an unknown one does not")
  void sharedRatio() {
    var pool = workers(4).reforkBelow(60).serving();
    pool.on(new Event.Shared(OptionalDouble.empty())).on(new Event.Shared(OptionalDouble.of(0.6)));
    assertThat(pool.refork()).isEqualTo("none");
    pool.on(new Event.Shared(OptionalDouble.of(0.59)));
    assertThat(pool.refork()).isEqualTo("promoting");
    pool.seconds(60);

    // What was measured before the refork says nothing about the pool after it.
    pool.allServe(1).seconds(60);
    assertThat(pool.all(Action.Promote.class)).hasSize(1);
  }

  @Test
  @DisplayName("GEN-07 a request while the boot mold loads asks for nothing")
  void notWhileBooting() {
    var pool = workers(2).notStarted().askRefork().seconds(30);
    assertThat(pool.refork()).isEqualTo("none");
    assertThat(pool.generations()).containsExactly(0, 0);
  }
}
