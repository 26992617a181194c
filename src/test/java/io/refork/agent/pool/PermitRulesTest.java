package io.refork.agent.pool;

import static io.refork.agent.pool.Given.workers;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.OptionalDouble;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** What a pool that an operator steers does with its leave, and what it does not do without. */
class PermitRulesTest {
  private static final Duration MINUTE = Duration.ofMinutes(1);

  @Test
  @DisplayName("OP-11 a steered pool says what it is ready for, and does not refork by itself")
  void eligible() {
    var pool = workers(4).reforkAfter(50).reforkBelow(60).steered();
    assertThat(pool.pool().view().eligible()).isEmpty();

    pool.allServe(50).seconds(600);
    assertThat(pool.pool().view().eligible()).hasValue("requests");
    assertThat(pool.generations()).containsExactly(0, 0, 0, 0);
    pool.on(new Event.Shared(OptionalDouble.of(0.1))).seconds(600);
    assertThat(pool.all(Action.Promote.class)).isEmpty();
    assertThat(pool.pool().view().eligible()).hasValue("requests");

    pool.permit("p-1", 1, MINUTE);
    assertThat(pool.pool().view().eligible()).isEmpty();
    assertThat(pool.pool().view().refork().orElseThrow().permit()).hasValue("p-1");
    pool.seconds(60);
    assertThat(pool.generations()).containsExactly(1, 1, 1, 1);
    assertThat(pool.endings()).singleElement().asString().startsWith("p-1 completed");
    assertThat(pool.pool().view().level()).isEqualTo(1);
    assertThat(pool.pool().view().eligible()).isEmpty();
  }

  @Test
  @DisplayName("OP-11 a steered pool at less than full strength is not eligible")
  void notEligible() {
    var pool = workers(4).reforkAfter(50).steered();
    pool.readyAfter(generation -> Duration.ofSeconds(5)).allServe(50).dies(pool.pid(3));
    assertThat(pool.pool().view().eligible()).isEmpty();
    pool.seconds(10);
    assertThat(pool.pool().view().eligible()).hasValue("requests");
  }

  @Test
  @DisplayName("OP-11 a permit sent ten times is one refork, and one after it has ended none")
  void once() {
    var pool = workers(4).steered();
    for (int i = 0; i < 10; i++) {
      pool.permit("p-1", 1, MINUTE).pass(Duration.ofMillis(100));
    }
    pool.seconds(60);
    pool.permit("p-1", 1, MINUTE).permit("p-1", 2, MINUTE).seconds(60);
    assertThat(pool.all(Action.Promote.class)).hasSize(1);
    assertThat(pool.endings()).hasSize(1);
    assertThat(pool.pool().view().level()).isEqualTo(1);
  }

  @Test
  @DisplayName("OP-11 a permit waits until the pool can, and lapses when that is not in time")
  void waits() {
    var pool = workers(4).steered();
    pool.moldsFork(false).dies(pool.pid(3)).seconds(1);
    assertThat(pool.all(Action.Spawn.class)).hasSize(1);
    pool.permit("p-1", 1, Duration.ofSeconds(4));
    pool.pass(Duration.ofMillis(3_900));
    assertThat(pool.endings()).isEmpty();
    pool.pass(Duration.ofMillis(200));
    assertThat(pool.endings()).containsExactly("p-1 lapsed start-by");

    pool.moldsFork(true).seconds(60).forget().permit("p-2", 1, MINUTE).seconds(60);
    assertThat(pool.endings()).singleElement().asString().startsWith("p-2 completed");
  }

  @Test
  @DisplayName("OP-11 a permit for another level than the next one lapses at once")
  void level() {
    var pool = workers(4).steered();
    pool.permit("p-1", 2, MINUTE).permit("p-2", 0, MINUTE).seconds(60);
    assertThat(pool.endings()).containsExactly("p-1 lapsed level", "p-2 lapsed level");
    assertThat(pool.all(Action.Promote.class)).isEmpty();
  }

  @Test
  @DisplayName("OP-11 a permit taken back before it began lapses; one that began is finished")
  void withdrawn() {
    var pool = workers(4).steered();
    pool.moldsFork(false).dies(pool.pid(3)).seconds(1).permit("p-1", 1, MINUTE);
    pool.on(new Event.PermitWithdrawn());
    assertThat(pool.endings()).containsExactly("p-1 lapsed withdrawn");
    pool.permit("p-2", 1, MINUTE).permit("p-3", 1, MINUTE);
    assertThat(pool.endings()).containsExactly("p-1 lapsed withdrawn", "p-2 lapsed superseded");

    pool.moldsFork(true).seconds(20).on(new Event.PermitWithdrawn()).seconds(60);
    assertThat(pool.endings()).hasSize(3).last().asString().startsWith("p-3 completed");
  }

  @Test
  @DisplayName("OP-11 refused, aborted and stopped reforks end their permit with the reason")
  void failures() {
    var pool = workers(4).steered();
    pool.candidatesRefuse(ReforkReason.THREADS).permit("p-1", 1, MINUTE).seconds(5);
    assertThat(pool.endings()).containsExactly("p-1 refused threads");
    pool.candidates(ScriptedProcesses.Candidate.FORKS);
    pool.newborns(
        g ->
            g > 0
                ? ScriptedProcesses.Newborn.DIES_BEFORE_READY
                : ScriptedProcesses.Newborn.GETS_READY);
    pool.permit("p-2", 1, MINUTE).seconds(20);
    assertThat(pool.endings()).last().isEqualTo("p-2 aborted canary-died");
    pool.permit("p-3", 1, MINUTE).on(new Event.StopAsked(false)).seconds(20);
    assertThat(pool.endings()).hasSize(3).last().isEqualTo("p-3 aborted stopped");
    assertThat(pool.ended()).isTrue();
  }

  @Test
  @DisplayName(
      "OP-11 a signal from inside the pod reforks a steered pool; a permit meanwhile lapses")
  void signal() {
    var pool = workers(4).steered();
    pool.askRefork().permit("p-1", 1, Duration.ofMinutes(5)).seconds(120);
    assertThat(pool.endings()).last().isEqualTo("p-1 lapsed level");
    assertThat(pool.endings()).hasSize(2);
    assertThat(pool.pool().view().level()).isEqualTo(1);
  }
}
