package io.refork.agent;

import static org.assertj.core.api.Assertions.assertThat;

import io.refork.agent.Link.Received;
import io.refork.agent.linux.Kernel;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** What one look at a connection may bring. */
class LinkTest {
  private static final int MAX_LINE = 100;

  private final ArrayDeque<String> sent = new ArrayDeque<>();
  private final Link link =
      new Link(kernel(), new Kernel.Accepted(9, new Kernel.Peer(77, 1000)), 0);

  /** Only reads are asked of it: what was sent, in these pieces. */
  private Kernel kernel() {
    return (Kernel)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {Kernel.class},
            (proxy, method, arguments) ->
                Optional.ofNullable(sent.poll())
                    .<Kernel.Read>map(s -> new Kernel.Read.Data(s.getBytes(StandardCharsets.UTF_8)))
                    .orElseGet(Kernel.Read.Nothing::new));
  }

  private static List<String> texts(Received received) {
    return ((Received.Lines) received)
        .lines().stream().map(l -> new String(l, StandardCharsets.UTF_8)).toList();
  }

  @Test
  @DisplayName("FORK-12 lines come in pieces and together")
  void pieces() {
    sent.addAll(List.of("on", "e\ntwo\nth"));
    assertThat(texts(link.receive(MAX_LINE))).containsExactly("one", "two");
    sent.add("ree\n");
    assertThat(texts(link.receive(MAX_LINE))).containsExactly("three");
  }

  @Test
  @DisplayName("FORK-12 a line beyond the bound is refused, with and without its end")
  void tooLong() {
    sent.add("x".repeat(MAX_LINE - 1) + "\n");
    assertThat(texts(link.receive(MAX_LINE))).hasSize(1);
    sent.add("x".repeat(MAX_LINE));
    assertThat(link.receive(MAX_LINE)).isEqualTo(new Received.TooMuch());
  }

  @Test
  @DisplayName("FORK-12 a megabyte of line ends is refused before it fills the heap")
  void tooMany() {
    sent.add("\n".repeat(Link.MAX_LINES));
    assertThat(texts(link.receive(MAX_LINE))).hasSize(Link.MAX_LINES);
    for (int i = 0; i < 16; i++) {
      sent.add("\n".repeat(65_536));
    }
    assertThat(link.receive(MAX_LINE)).isEqualTo(new Received.TooMuch());
    assertThat(sent).hasSize(15);
  }
}
