package io.refork.agent.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.refork.agent.control.LocalRequests;
import io.refork.agent.control.LocalRequests.Verdict;
import io.refork.agent.control.Statuses;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class AgentClientTest {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private Path directory;
  private Optional<ServerSocketChannel> server = Optional.empty();

  @BeforeEach
  void directory() throws IOException {
    // Not JUnit's: its path may be too long for a socket.
    directory =
        Files.createTempDirectory(
            Path.of("/tmp"),
            "rf",
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
  }

  @AfterEach
  void cleanUp() throws IOException {
    if (server.isPresent()) {
      server.get().close();
    }
    Files.deleteIfExists(directory.resolve(LocalRequests.SOCKET));
    Files.delete(directory);
  }

  private void agent(UnaryOperator<String> answer) throws IOException {
    var channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    channel.bind(UnixDomainSocketAddress.of(directory.resolve(LocalRequests.SOCKET)));
    server = Optional.of(channel);
    Thread.ofPlatform()
        .daemon()
        .start(
            () -> {
              try {
                while (true) {
                  try (var client = channel.accept()) {
                    var line = ByteBuffer.allocate(1024);
                    client.read(line);
                    client.write(
                        ByteBuffer.wrap(
                            answer
                                .apply(new String(line.array(), 0, line.position(), UTF_8))
                                .getBytes(UTF_8)));
                  }
                }
              } catch (IOException e) {
                // closed by the test
              }
            });
  }

  private int refork(String... args) {
    return new Cli(
            Map.of("REFORK_STATE_DIR", directory.toString()),
            new PrintStream(out, true, UTF_8),
            new PrintStream(err, true, UTF_8),
            (s, c, w) -> 0)
        .run(args);
  }

  private static String real(String line) {
    return new String(
        LocalRequests.answer(
            line.getBytes(UTF_8),
            Statuses.serving(2),
            () -> new Verdict(false, "no: worker 1 promotes\u001b[2J")),
        UTF_8);
  }

  @Test
  @DisplayName("'refork status' shows the tree; '-o json' the agent's own document")
  void status() throws IOException {
    agent(AgentClientTest::real);
    assertThat(refork("status")).isZero();
    assertThat(out.toString(UTF_8)).contains("generation 3\n├─ mold").contains("└─ worker 0");
    out.reset();
    assertThat(refork("status", "-o", "json")).isZero();
    assertThat(out.toString(UTF_8))
        .startsWith("{\"version\":\"0.1.0\"")
        .endsWith("}}\n")
        .hasLineCount(1)
        .contains("\"sharedRatio\":0.8125");
    assertThat(refork("status", "-o", "yaml")).isEqualTo(2);
    assertThat(err.toString(UTF_8))
        .isEqualTo("refork status: --output: \"yaml\" is not allowed; give text or json\n");
  }

  @Test
  @DisplayName("'refork refork' says what the agent says and fails when it is refused")
  void reforkNow() throws IOException {
    agent(AgentClientTest::real);
    assertThat(refork("refork")).isEqualTo(1);
    assertThat(out.toString(UTF_8)).isEqualTo("no: worker 1 promotes\\u001b[2J\n");
  }

  @Test
  @DisplayName(
      "'refork status --watch' without a terminal appends, and ends with a sentence when the agent is gone")
  void watch() throws IOException {
    var asked = new int[1];
    agent(
        line -> {
          if (asked[0]++ == 1) {
            try {
              server.orElseThrow().close();
              Files.delete(directory.resolve(LocalRequests.SOCKET));
            } catch (IOException e) {
              throw new IllegalStateException(e);
            }
          }
          return real(line);
        });
    assertThat(refork("status", "--watch")).isEqualTo(1);
    assertThat(out.toString(UTF_8).split("refork 0\\.1\\.0")).hasSize(3);
    assertThat(out.toString(UTF_8)).doesNotContain("\u001b");
    assertThat(err.toString(UTF_8))
        .startsWith("refork status: no agent runs with the state directory " + directory);
  }

  @Test
  @DisplayName(
      "PID-17 no agent, a stale socket, a stranger's answer: one sentence each, exit code 1")
  void failures() throws IOException {
    assertThat(refork("status")).isEqualTo(1);
    assertThat(err.toString(UTF_8))
        .isEqualTo(
            "refork status: no agent runs with the state directory "
                + directory
                + "; start one by 'refork run', or give its directory by --state-dir\n");
    err.reset();

    try (var stale = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      stale.bind(UnixDomainSocketAddress.of(directory.resolve(LocalRequests.SOCKET)));
    }
    assertThat(refork("status")).isEqualTo(1);
    assertThat(err.toString(UTF_8))
        .isEqualTo(
            "refork status: the agent in "
                + directory
                + " has ended and left its socket behind; start it again, or give another --state-dir\n");
    err.reset();

    Files.delete(directory.resolve(LocalRequests.SOCKET));
    agent(line -> "garbage\n");
    assertThat(refork("status")).isEqualTo(1);
    assertThat(err.toString(UTF_8))
        .isEqualTo(
            "refork status: the agent's answer is not understood; use the 'refork' that the agent was started with\n");
  }

  @Test
  @DisplayName("an agent that does not answer costs five seconds, not for ever")
  void silent() throws IOException {
    var channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    channel.bind(UnixDomainSocketAddress.of(directory.resolve(LocalRequests.SOCKET)));
    server = Optional.of(channel);
    assertThat(AgentClient.PATIENCE).isEqualTo(Duration.ofSeconds(5));
    try {
      new AgentClient(directory, Duration.ofSeconds(1)).ask("status");
      throw new AssertionError("no answer was expected");
    } catch (AgentClient.NoAnswer e) {
      assertThat(e)
          .hasMessage(
              "the agent in "
                  + directory
                  + " does not answer within 1 s; it may be stopped or overloaded: see its log");
    }
  }
}
