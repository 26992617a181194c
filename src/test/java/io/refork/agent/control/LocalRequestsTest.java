package io.refork.agent.control;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.refork.agent.control.LocalRequests.Verdict;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LocalRequestsTest {
  private final AtomicInteger asked = new AtomicInteger();

  private String answer(String line) {
    return new String(
        LocalRequests.answer(
            line.getBytes(UTF_8),
            Statuses.booting(),
            () -> {
              asked.incrementAndGet();
              return new Verdict(false, "a refork is \"running\"");
            }),
        UTF_8);
  }

  @Test
  @DisplayName("a question for the status is answered in one line")
  void status() {
    assertThat(answer("{\"ask\":\"status\"}\n"))
        .startsWith("{\"status\":{\"version\":")
        .endsWith("}}\n")
        .hasLineCount(1);
    assertThat(asked).hasValue(0);
  }

  @Test
  @DisplayName("a wish to refork is passed on once, and the verdict comes back")
  void refork() {
    assertThat(answer("{\"later\":[1,{}],\"ask\":\"refork\"}"))
        .isEqualTo("{\"accepted\":false,\"message\":\"a refork is \\\"running\\\"\"}\n");
    assertThat(asked).hasValue(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "\n",
        "status",
        "[]",
        "{",
        "{\"ask\":1}",
        "{\"ask\":\"refork\"",
        "{\"ask\":\"refork\"} x",
        "{\"ask\":[\"refork\"]}",
        "\u0000\u0001",
        "{\"a\":[[[[[[[[]]]]]]]],\"ask\":\"refork\"}"
      })
  @DisplayName("FORK-12 anything else is answered by an error")
  void garbage(String line) {
    assertThat(answer(line))
        .isEqualTo(
            "{\"error\":\"not a request: send {\\\"ask\\\":\\\"status\\\"} or {\\\"ask\\\":\\\"refork\\\"}\"}\n");
    assertThat(asked).hasValue(0);
  }

  @Test
  @DisplayName("FORK-12 a request of a megabyte is not even parsed; an unknown one is escaped")
  void hostile() {
    assertThat(answer("{\"ask\":\"" + "x".repeat(1 << 20) + "\"}"))
        .startsWith("{\"error\":\"not a request");
    assertThat(answer("{\"ask\":\"\\u001b[2J\"}"))
        .isEqualTo("{\"error\":\"unknown request \\\\u001b[2J: ask for status or refork\"}\n");
  }
}
