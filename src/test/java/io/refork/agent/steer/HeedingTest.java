package io.refork.agent.steer;

import static org.assertj.core.api.Assertions.assertThat;

import io.refork.agent.steer.Heeding.Leave;
import io.refork.protocol.control.Desired;
import io.refork.protocol.control.Permit;
import io.refork.protocol.control.Report.Finished;
import io.refork.protocol.control.Report.Outcome;
import io.refork.protocol.control.Revision;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Which desired states an agent heeds, and what of them outlives it. */
class HeedingTest {
  private static final Instant NOW = Instant.ofEpochSecond(1_800_000_000);
  private static final Permit PERMIT =
      new Permit("p-1", 1, Optional.of("monday"), NOW.plusSeconds(60));
  private static final Steered FRESH = Steered.by("uid");

  private static Desired desired(
      Optional<String> session, Optional<Permit> permit, boolean paused) {
    return new Desired(
        "shop/web", "uid", session, new Revision(2, 5), Map.of("workers", "4"), permit, paused);
  }

  private static Desired with(Permit permit) {
    return desired(Optional.of("s1"), Optional.of(permit), false);
  }

  private static Leave leave(Steered steered, Desired desired) {
    return Heeding.leave(steered, desired, "s1", 0, NOW);
  }

  @Test
  @DisplayName("OP-11 a permit counts once, for this session, the next level, in time, not paused")
  void leave() {
    assertThat(leave(FRESH, with(PERMIT)))
        .isEqualTo(new Leave.Take(PERMIT, Duration.ofSeconds(60)));
    var none = new Leave.None();
    assertThat(leave(FRESH, desired(Optional.of("s0"), Optional.of(PERMIT), false)))
        .isEqualTo(none);
    assertThat(leave(FRESH, desired(Optional.empty(), Optional.of(PERMIT), false))).isEqualTo(none);
    assertThat(leave(FRESH, desired(Optional.of("s1"), Optional.of(PERMIT), true))).isEqualTo(none);
    assertThat(leave(FRESH, with(new Permit("p-1", 2, Optional.empty(), PERMIT.startBy()))))
        .isEqualTo(none);
    assertThat(leave(FRESH, with(new Permit("p-1", 1, Optional.empty(), NOW)))).isEqualTo(none);
    assertThat(leave(FRESH.taking(PERMIT), with(PERMIT))).isEqualTo(none);
    assertThat(Heeding.leave(FRESH, with(PERMIT), "s1", 1, NOW)).isEqualTo(none);
    var forEver = new Permit("p-1", 1, Optional.empty(), Instant.ofEpochSecond(253_402_300_799L));
    assertThat(leave(FRESH, with(forEver))).isEqualTo(new Leave.Take(forEver, Duration.ofDays(1)));
  }

  @Test
  @DisplayName("OP-11 a permit that is not there any more is taken back; of another session, not")
  void withdraw() {
    var waiting = FRESH.taking(PERMIT);
    assertThat(leave(waiting, desired(Optional.of("s1"), Optional.empty(), false)))
        .isEqualTo(new Leave.Withdraw());
    assertThat(leave(waiting, desired(Optional.of("s1"), Optional.of(PERMIT), true)))
        .isEqualTo(new Leave.Withdraw());
    assertThat(leave(waiting, desired(Optional.of("s0"), Optional.empty(), false)))
        .isEqualTo(new Leave.None());
  }

  @Test
  @DisplayName("OP-11 another permit waits until the one before it has ended: both requests count")
  void oneAtATime() {
    var other = new Permit("p-2", 1, Optional.of("tuesday"), PERMIT.startBy());
    var first = FRESH.taking(PERMIT);
    assertThat(leave(first, with(other))).isEqualTo(new Leave.Withdraw());
    var ended = first.ended(Optional.of("p-1"), "completed", "", "");
    assertThat(ended.lastRequest()).hasValue("monday");
    assertThat(leave(ended, with(other))).isEqualTo(new Leave.Take(other, Duration.ofSeconds(60)));
  }

  @Test
  @DisplayName("OP-11 what is late or out of order is stale; the same again is not")
  void stale() {
    var desired = with(PERMIT);
    assertThat(Heeding.stale(FRESH, desired)).isFalse();
    assertThat(Heeding.stale(FRESH.heeding(new Revision(2, 5), Map.of()), desired)).isFalse();
    assertThat(Heeding.stale(FRESH.heeding(new Revision(2, 6), Map.of()), desired)).isTrue();
    assertThat(Heeding.stale(FRESH.heeding(new Revision(3, 0), Map.of()), desired)).isTrue();
    assertThat(Heeding.newSettings(FRESH, desired)).isTrue();
    var same = FRESH.heeding(new Revision(2, 4), desired.settings());
    assertThat(Heeding.newSettings(same, desired)).isFalse();
    var older = FRESH.heeding(new Revision(1, 4), desired.settings());
    assertThat(Heeding.newSettings(older, desired)).isTrue();
    assertThat(Heeding.newSettings(same.withoutSettings(), desired)).isTrue();
  }

  @Test
  @DisplayName("OP-11 a restart in mid-refork: the permit has lapsed, the request is answered")
  void restart() {
    var after = FRESH.taking(PERMIT).restarted();
    assertThat(after.open()).isEmpty();
    assertThat(after.lastRequest()).hasValue("monday");
    assertThat(after.last().map(Finished::outcome)).hasValue(Outcome.LAPSED);
    assertThat(after.last().flatMap(Finished::permit)).hasValue("p-1");
    assertThat(leave(after, with(PERMIT))).isEqualTo(new Leave.None());
    assertThat(FRESH.restarted()).isEqualTo(FRESH);
  }

  @Test
  @DisplayName("OP-11 a request is answered by a refork, whatever became of it; not by a lapse")
  void lastRequest() {
    var open = FRESH.taking(PERMIT);
    for (var outcome : new String[] {"completed", "completed-unproven", "refused", "aborted"}) {
      var ended = open.ended(Optional.of("p-1"), outcome, "", "");
      assertThat(ended.lastRequest()).as(outcome).hasValue("monday");
      assertThat(ended.open()).isEmpty();
    }
    var lapsed = open.ended(Optional.of("p-1"), "lapsed", "start-by", "");
    assertThat(lapsed.lastRequest()).isEmpty();
    assertThat(lapsed.open()).isEmpty();
    var signalled = open.ended(Optional.empty(), "completed", "", "");
    assertThat(signalled.open()).isPresent();
    assertThat(signalled.last().flatMap(Finished::permit)).isEmpty();
    assertThat(signalled.lastRequest()).isEmpty();
  }

  @Test
  @DisplayName("the ids of many permits are kept, not of all")
  void bounded() {
    var steered = FRESH;
    for (int i = 0; i < 100; i++) {
      steered =
          steered
              .taking(new Permit("p-" + i, 1, Optional.empty(), NOW))
              .ended(Optional.of("p-" + i), "aborted", "stopped", "");
    }
    assertThat(steered.spent()).hasSize(16).startsWith("p-99", "p-98");
  }
}
