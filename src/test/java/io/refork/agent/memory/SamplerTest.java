package io.refork.agent.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.refork.agent.memory.MemoryReading.Measured;
import io.refork.agent.memory.MemoryReading.Reason;
import io.refork.agent.memory.MemoryReading.Unknown;
import io.refork.agent.memory.Sampler.Sample;
import io.refork.agent.memory.Sampler.Target;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SamplerTest {
  @ParameterizedTest(name = "a look of {0} ms at one of {1}: next after {2} ms")
  @CsvSource({
    "0, 1, 10000",
    "1, 8, 1250",
    "0, 32, 1000",
    "75, 32, 22500",
    "75, 1, 22500",
    "5000, 8, 60000"
  })
  @DisplayName(
      "MEM-06 the pause grows with the cost: 0.5 % of a CPU at most, whatever the size of the workers")
  void paces(long costMillis, int targets, long pause) {
    assertThat(SamplerPace.pause(costMillis * 1_000_000, targets, false)).isEqualTo(pause);
  }

  @ParameterizedTest(name = "{0} ms → {1} ms")
  @CsvSource({"0, 100", "1, 300", "75, 22500"})
  @DisplayName("MEM-06 newborns are looked at sooner, within the same budget")
  void newborns(long costMillis, long pause) {
    assertThat(SamplerPace.pause(costMillis * 1_000_000, 8, true)).isEqualTo(pause);
  }

  @Test
  @DisplayName(
      "MEM-06 32 workers of 1 GiB at 75 ms a look: ≤ 0.5 % over an hour, and everyone gets a turn")
  void budget() {
    var targets = IntStream.range(1, 33).mapToObj(pid -> new Target(pid, 1)).toList();
    var samples = new HashMap<Integer, Sample>();
    var looks = new HashMap<Integer, Integer>();
    var now = 0L;
    var busy = 0L;
    while (now < 3600L * 1_000_000_000) {
      var target = SamplerPace.next(targets, samples).orElseThrow();
      looks.merge(target.pid(), 1, Integer::sum);
      busy += 75_000_000;
      now += 75_000_000;
      samples.put(target.pid(), new Sample(1, new Unknown(Reason.VANISHED), now));
      now += SamplerPace.pause(75_000_000, 32, samples.size() < 32) * 1_000_000;
    }
    assertThat((double) busy / now).isLessThanOrEqualTo(0.005);
    assertThat(looks).hasSize(32);
    assertThat(looks.values()).allMatch(count -> count >= 4 && count <= 6);
  }

  @Test
  @DisplayName(
      "MEM-09 results carry the process's start time; who is no longer watched disappears, a new one of that pid is looked at anew")
  void publishes() {
    var published = new AtomicReference<Map<Integer, Sample>>(Map.of());
    try (var sampler =
        new Sampler(
            (pid, start) -> new Measured(new ProcessMemory(pid, start, 0)), published::set)) {
      sampler.watch(List.of(new Target(7, 100), new Target(8, 200)));
      await().until(() -> published.get().size() == 2);
      assertThat(published.get().get(8).reading())
          .isEqualTo(new Measured(new ProcessMemory(8, 200, 0)));
      sampler.watch(List.of(new Target(8, 300)));
      await().until(() -> published.get().size() == 1 && published.get().get(8).startTime() == 300);
    }
  }
}
