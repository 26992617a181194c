package io.refork.agent.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ListenAddressTest {
  @ParameterizedTest(name = "{0} is {1}")
  @CsvSource({
    "0.0.0.0:8000, http=0.0.0.0:8000",
    "admin=127.0.0.1:0, admin=127.0.0.1:0",
    "[::1]:65535, http=[::1]:65535",
    "six=[fe80::1]:80, six=[fe80::1]:80",
    "localhost:8000, http=localhost:8000",
    "unix:/run/a=b.sock, http=unix:/run/a=b.sock",
    "web-1=unix:relative, web-1=unix:relative",
  })
  @DisplayName("what is a listener")
  void accepts(String text, String expected) {
    assertThat(ListenAddress.parse(List.of(text)).getFirst()).hasToString(expected);
  }

  @ParameterizedTest(name = "{0}: {1}")
  @CsvSource({
    "8000, write [NAME=]HOST:PORT",
    ":8000, before the port stands a host",
    "0.0.0.0:, a port is a number",
    "0.0.0.0:65536, a port is a number",
    "0.0.0.0:+80, a port is a number",
    "0.0.0.0:999999999999, a port is a number",
    "::1:8000, stands in brackets",
    "[1.2.3.4]:8000, in brackets stands an IPv6 address",
    "[::zz]:8000, in brackets stands an IPv6 address",
    "a b:80, before the port stands a host",
    "Web=0.0.0.0:80, a name has",
    "=0.0.0.0:80, a name has",
    "unix:, after unix: comes the path",
  })
  @DisplayName("what is none, and the sentence about it")
  void refuses(String text, String sentence) {
    assertThatThrownBy(() -> ListenAddress.parse(List.of(text)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("listener '" + text + "': ")
        .hasMessageContaining(sentence);
  }

  @Test
  @DisplayName("several listeners: names and addresses are unique, the nameless are numbered")
  void several() {
    assertThat(ListenAddress.parse(List.of("0.0.0.0:1", "b=0.0.0.0:2", "0.0.0.0:0", "0.0.0.0:0")))
        .extracting(ListenAddress::name)
        .containsExactly("http", "b", "http-3", "http-4");
    assertThatThrownBy(() -> ListenAddress.parse(List.of("a=h:1", "a=h:2")))
        .hasMessageContaining("the name 'a'");
    assertThatThrownBy(() -> ListenAddress.parse(List.of("a=h:1", "b=h:1")))
        .hasMessageContaining("given twice");
    assertThatThrownBy(() -> ListenAddress.parse(List.of())).hasMessageContaining("0 listeners");
    assertThatThrownBy(() -> ListenAddress.parse(Collections.nCopies(198, "h:0")))
        .hasMessageContaining("1 to 197");
  }

  @Test
  @DisplayName("TOK-15 what a user made goes into a sentence without its control characters")
  void escapes() {
    assertThatThrownBy(() -> ListenAddress.parse(List.of("a\u001b[31m\nb\u202e")))
        .hasMessageStartingWith("listener 'a?[31m?b?'");
  }
}
