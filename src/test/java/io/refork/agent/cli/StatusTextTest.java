package io.refork.agent.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.refork.agent.control.Status;
import io.refork.agent.control.Statuses;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class StatusTextTest {
  @Test
  @DisplayName("a rollout is shown as a tree by generation with memory, progress and failures")
  void rollout() {
    assertThat(String.join("\n", StatusText.lines(Statuses.serving(4))))
        .isEqualTo(
            """
            refork 0.1.0  serving, ready  generation 3, 2 reforks
            workers  3 of 4 ready, 2 busy  served 10000, errors 12  next try in 500ms
            listen   http 0.0.0.0:8000  queue 3 of 2048
            memory   proportional 400 MiB  saved 801 MiB  shared 81 %  container 500 MiB, limit none
            refork   to generation 3: rolling, 3 of 4 workers  ███████████████░░░░░

                                 PID  STATE            AGE  BUSY    SERVED  ERRORS      PRIVATE  PROPORTIONAL
            generation 3
            ├─ mold               99  ready                                             1.0 MiB      30.0 MiB
            ├─ worker 1          101  promoting       1m1s     1      1001       1     20.0 MiB      40.5 MiB
            └─ worker 3          103  ready           1m1s     0      1003       3     20.0 MiB      40.5 MiB
            generation 2
            ├─ worker 0          100  ready           1m1s     0      1000       0     20.0 MiB      40.5 MiB
            └─ worker 2          102  ready           1m1s     2      1002       2     20.0 MiB      40.5 MiB

            failures, newest first
              2026-11-21T13:20:00Z  worker died, worker 4, generation 2: crashed""");
  }

  @Test
  @DisplayName("before anything is known it says so instead of showing zeros")
  void booting() {
    assertThat(String.join("\n", StatusText.lines(Statuses.booting())))
        .isEqualTo(
            """
            refork 0.1.0  booting, not ready  generation 0, 0 reforks
            workers  0 of 2 ready, 0 busy  served 0, errors 0
            listen   http unix:/run/shop.sock  queue ? of ?
            memory   proportional unknown (not-sampled-yet)  saved unknown (not-sampled-yet)  shared unknown (not-sampled-yet)  container unknown (not-sampled-yet), limit unknown (not-sampled-yet)
            refork   none yet

                                 PID  STATE            AGE  BUSY    SERVED  ERRORS      PRIVATE  PROPORTIONAL
            generation 0
            └─ worker 0            -  backing-off        -     0         0       0            ?             ?""");
  }

  @Test
  @DisplayName("TOK-15 strings of the application are shown escaped")
  void escaped() {
    var s = Statuses.booting();
    var evil =
        new Status(
            s.version(),
            s.session(),
            s.phase(),
            s.ready(),
            s.desired(),
            s.generation(),
            s.level(),
            s.mold(),
            s.workers(),
            s.memory(),
            Optional.of(
                new Status.Refork(
                    "1", "done", 0, 2, "refused", "hook-failed", "\u001b[31m\r\nboom")),
            List.of(
                new Status.Failure(
                    "now", "a\u0007b", Optional.empty(), Optional.of(7), 1, "c\u202ed")),
            s.listeners(),
            s.counters());
    assertThat(StatusText.lines(evil))
        .contains(
            "refork   to generation 1: refused, hook-failed (\\u001b[31m\\r\\nboom)",
            "  now  a\\u0007b, pid 7, generation 1: c\\u202ed")
        .allMatch(line -> line.chars().noneMatch(Character::isISOControl));
  }

  @Test
  @DisplayName("ages and sizes have two units at most")
  void units() {
    assertThat(List.of(0.25, 5.9, 61.0, 11_100.0, 1_051_200.0).stream().map(StatusText::age))
        .containsExactly("250ms", "5s", "1m1s", "3h5m", "12d4h");
    assertThat(List.of(0.0, 1.5e6, 3e8, 2e10).stream().map(StatusText::bytes))
        .containsExactly("0.0 MiB", "1.4 MiB", "286 MiB", "18.6 GiB");
  }
}
