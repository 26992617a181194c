package io.refork.operator.status;

import static io.refork.operator.status.Seen.NOW;
import static io.refork.operator.status.Seen.known;
import static io.refork.operator.status.Seen.pod;
import static io.refork.operator.status.Seen.seen;
import static io.refork.operator.status.StatusChange.worthWriting;
import static org.assertj.core.api.Assertions.assertThat;

import io.refork.api.WorkerPoolStatus;
import io.refork.protocol.control.Report.Measure.Known;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StatusChangeTest {
  private static final WorkerPoolStatus WRITTEN = status(told -> {});

  private static WorkerPoolStatus status(Consumer<Seen.Told> change) {
    return seen().with(pod("a", told -> told.set(change))).status();
  }

  private static boolean writes(WorkerPoolStatus now, Duration afterLastWrite) {
    return worthWriting(Optional.of(WRITTEN), now, Optional.of(NOW), NOW.plus(afterLastWrite));
  }

  @Test
  @DisplayName("OP-06 the same is never written, however long ago the last write was")
  void same() {
    assertThat(writes(status(told -> {}), Duration.ofDays(9))).isFalse();
    assertThat(worthWriting(Optional.of(WRITTEN), WRITTEN, Optional.empty(), NOW)).isFalse();
  }

  @Test
  @DisplayName("OP-06 what was never written is")
  void first() {
    assertThat(worthWriting(Optional.empty(), WRITTEN, Optional.empty(), NOW)).isTrue();
  }

  @Test
  @DisplayName("OP-05 a pod that is not ready, a new generation, a trouble are written at once")
  void atOnce() {
    var unready =
        seen().with(Seen.unready(pod("a", told -> told), Duration.ofSeconds(10))).status();
    assertThat(writes(unready, Duration.ZERO)).isTrue();
    var generation = status(t -> t.generations(Seen.generation(1, 8, known(200), known(800))));
    assertThat(writes(generation, Duration.ZERO)).isTrue();
    assertThat(writes(status(t -> t.workers(7, 0, 0, 1)), Duration.ZERO)).isTrue();
  }

  @Test
  @DisplayName("OP-06 workers that come and go are written at most every five seconds")
  void counts() {
    var now = status(t -> t.workers(7, 1, 0, 0));
    assertThat(writes(now, Duration.ofSeconds(4))).isFalse();
    assertThat(writes(now, Duration.ofSeconds(5))).isTrue();
    assertThat(
            StatusChange.between(Optional.of(WRITTEN), now, Optional.of(NOW), NOW.plusSeconds(2))
                .due())
        .contains(NOW.plusSeconds(5));
  }

  @Test
  @DisplayName("OP-06 memory is written when it moved by more than 5 %, at most every 30 seconds")
  void memory() {
    var little = status(t -> t.proportional = known(312));
    var much = status(t -> t.proportional = known(330));
    assertThat(writes(little, Duration.ofSeconds(31))).isFalse();
    assertThat(writes(much, Duration.ofSeconds(29))).isFalse();
    assertThat(writes(much, Duration.ofSeconds(30))).isTrue();
    assertThat(writes(little, Duration.ofMinutes(10))).as("4 % after ten minutes").isTrue();
  }

  @Test
  @DisplayName("OP-06 busy workers are load, not news: after ten minutes, if at all")
  void busy() {
    assertThat(writes(status(t -> t.busy = 8), Duration.ofMinutes(9))).isFalse();
    assertThat(writes(status(t -> t.busy = 8), Duration.ofMinutes(10))).isTrue();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 5, 8, 13, 21, 34})
  @DisplayName("OP-06 an hour of random jitter in memory writes nothing")
  void jitter(long seed) {
    var random = new Random(seed);
    var written = Optional.of(WRITTEN);
    Optional<Instant> last = Optional.of(NOW);
    int writes = 0;
    for (int second = 10; second <= 3600; second += 10) {
      var at = NOW.plusSeconds(second);
      var now =
          status(
              t -> {
                t.resident = noisy(random, 800);
                t.privateBytes = noisy(random, 200);
                t.proportional = noisy(random, 300);
                t.saved = noisy(random, 500);
                t.generations(Seen.generation(0, 8, noisy(random, 200), noisy(random, 800)));
              });
      if (worthWriting(written, now, last, at)) {
        writes++;
        written = Optional.of(now);
        last = Optional.of(at);
      }
    }
    assertThat(writes).isZero();
  }

  /** Half a percent up or down: pages of requests that come and go. */
  private static Known noisy(Random random, long mi) {
    return new Known(mi * Seen.MI * (0.995 + 0.01 * random.nextDouble()));
  }

  @Test
  @DisplayName("OP-06 memory that grows by 1 % a minute for an hour is followed, sparsely")
  void growth() {
    var written = Optional.of(WRITTEN);
    Optional<Instant> last = Optional.of(NOW);
    int writes = 0;
    double mi = 300;
    for (int minute = 1; minute <= 60; minute++) {
      mi *= 1.01;
      var size = new Known(mi * Seen.MI);
      var now = status(t -> t.proportional = size);
      var at = NOW.plus(Duration.ofMinutes(minute));
      if (worthWriting(written, now, last, at)) {
        writes++;
        written = Optional.of(now);
        last = Optional.of(at);
      }
    }
    assertThat(writes).isBetween(6, 12);
  }
}
