package io.refork.operator.health;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class PulseTest {
  private final AtomicLong nanos = new AtomicLong(Long.MAX_VALUE - 5);
  private final Pulse pulse = new Pulse(nanos::get);

  @Test
  @DisplayName("a loop that is silent for longer than it said is stuck, and recovers with a beat")
  void silence() {
    pulse.beat("poller", Duration.ofSeconds(60));
    pass(60);
    assertThat(pulse.stuck()).isEmpty();
    pass(1);
    assertThat(pulse.stuck()).containsExactly("poller");
    pulse.beat("poller", Duration.ofSeconds(60));
    assertThat(pulse.stuck()).isEmpty();
  }

  @Test
  @DisplayName("a loop that has not begun or has ended is not judged")
  void ended() {
    pulse.beat("poller", Duration.ofSeconds(60));
    pulse.end("poller");
    pass(1000);
    assertThat(pulse.stuck()).isEmpty();
  }

  private void pass(long seconds) {
    nanos.addAndGet(Duration.ofSeconds(seconds).toNanos());
  }
}
