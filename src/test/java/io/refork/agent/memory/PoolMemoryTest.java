package io.refork.agent.memory;

import static io.refork.agent.memory.PoolMemory.Role.CURRENT;
import static io.refork.agent.memory.PoolMemory.Role.MOLD;
import static io.refork.agent.memory.PoolMemory.Role.OLD;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.refork.agent.memory.MemoryReading.Measured;
import io.refork.agent.memory.MemoryReading.Reason;
import io.refork.agent.memory.MemoryReading.Unknown;
import io.refork.agent.memory.PoolMemory.Member;
import io.refork.agent.memory.PoolMemory.Role;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class PoolMemoryTest {
  private static Member member(Role role, long resident, long proportional, long privateOnly) {
    return new Member(role, new Measured(new ProcessMemory(resident, proportional, privateOnly)));
  }

  private static Member unknown(Role role, Reason reason) {
    return new Member(role, new Unknown(reason));
  }

  private static Figure known(double value) {
    return new Figure.Known(value);
  }

  private static Figure not(String reason) {
    return new Figure.Unknown(reason);
  }

  static Stream<Arguments> pools() {
    return Stream.of(
        arguments(
            "nothing",
            List.of(),
            not("no-process"),
            not("no-process"),
            not("fewer-than-two-workers")),
        arguments(
            "a mold alone",
            List.of(member(MOLD, 100, 100, 100)),
            known(100),
            not("no-process"),
            not("fewer-than-two-workers")),
        arguments(
            "one worker",
            List.of(member(MOLD, 100, 60, 10), member(CURRENT, 100, 60, 20)),
            known(120),
            known(0),
            not("fewer-than-two-workers")),
        arguments(
            "two that share 80 of 100",
            List.of(
                member(MOLD, 100, 30, 0), member(CURRENT, 100, 45, 20), member(OLD, 100, 45, 20)),
            known(120),
            known(80),
            known(0.8)),
        arguments(
            "two that share nothing",
            List.of(
                member(MOLD, 100, 100, 100),
                member(CURRENT, 100, 100, 100),
                member(CURRENT, 100, 100, 100)),
            known(300),
            known(0),
            known(0)),
        arguments(
            "empty ones",
            List.of(member(CURRENT, 0, 0, 0), member(CURRENT, 0, 0, 0)),
            known(0),
            known(0),
            not("no-anonymous-memory")),
        arguments(
            "a newborn without a sample",
            List.of(
                member(MOLD, 100, 30, 0),
                member(CURRENT, 100, 35, 10),
                member(CURRENT, 100, 35, 10),
                unknown(CURRENT, Reason.NOT_SAMPLED_YET)),
            known(100),
            known(100),
            known(0.9)),
        arguments(
            "one of two measured",
            List.of(member(CURRENT, 100, 35, 10), unknown(CURRENT, Reason.VANISHED)),
            known(35),
            known(65),
            not("vanished")),
        arguments(
            "an unknown mold",
            List.of(
                unknown(MOLD, Reason.NOT_READABLE),
                member(CURRENT, 100, 35, 10),
                member(CURRENT, 100, 35, 10)),
            known(70),
            not("mold-not-readable"),
            known(0.9)),
        arguments(
            "gVisor",
            List.of(
                unknown(MOLD, Reason.NOT_SUPPORTED),
                unknown(CURRENT, Reason.NOT_SUPPORTED),
                unknown(CURRENT, Reason.NOT_SUPPORTED)),
            not("not-supported"),
            not("mold-not-supported"),
            not("not-supported")));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("pools")
  @DisplayName(
      "MEM-02 MEM-09 proportional, saved and shared ratio by their definitions; unknown is not zero")
  void sums(String pool, List<Member> members, Figure proportional, Figure saved, Figure ratio) {
    var memory = PoolMemory.of(members);
    assertThat(memory.proportional()).isEqualTo(proportional);
    assertThat(memory.saved()).isEqualTo(saved);
    if (ratio instanceof Figure.Known expected) {
      assertThat(((Figure.Known) memory.sharedRatio()).value())
          .isCloseTo(expected.value(), within(1e-9));
    } else {
      assertThat(memory.sharedRatio()).isEqualTo(ratio);
    }
  }

  @Test
  @DisplayName(
      "by role: sums of what is measured, 0 where there is no process, unknown where none could be measured")
  void roles() {
    var memory =
        PoolMemory.of(
            List.of(
                member(CURRENT, 10, 5, 1),
                member(CURRENT, 20, 6, 2),
                unknown(MOLD, Reason.VANISHED),
                unknown(CURRENT, Reason.VANISHED)));
    assertThat(memory.byRole().get(CURRENT))
        .isEqualTo(new PoolMemory.Sum(known(30), known(11), known(3)));
    assertThat(memory.byRole().get(OLD))
        .isEqualTo(new PoolMemory.Sum(known(0), known(0), known(0)));
    assertThat(memory.byRole().get(MOLD).privateOnly()).isEqualTo(not("vanished"));
    assertThat(memory.unknown()).isEqualTo(Map.of(Reason.VANISHED, 2));
  }
}
