package io.refork.agent;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class PoolClockTest {
  private final PoolClock clock = new PoolClock(at(100));

  @Test
  @DisplayName("FORK-14 a pause of the agent does not count; time goes on from there")
  void pause() {
    assertThat(clock.advance(at(101))).isEqualTo(at(1));
    assertThat(clock.advance(at(500))).isEqualTo(at(1));
    assertThat(clock.advance(at(501))).isEqualTo(at(2));
    assertThat(clock.advance(at(900))).isEqualTo(at(2));
  }

  @Test
  @DisplayName("FORK-14 on a machine where each turn is long, time still goes on")
  void slowMachine() {
    assertThat(clock.advance(at(105))).isZero();
    assertThat(clock.advance(at(110))).isEqualTo(PoolClock.MAX_STEP);
    assertThat(clock.advance(at(115))).isEqualTo(2 * PoolClock.MAX_STEP);
  }

  @Test
  @DisplayName("a clock that goes back stands still")
  void back() {
    assertThat(clock.advance(at(99))).isZero();
    assertThat(clock.now()).isZero();
  }

  private static long at(long seconds) {
    return SECONDS.toNanos(seconds);
  }
}
