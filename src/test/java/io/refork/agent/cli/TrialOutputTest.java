package io.refork.agent.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.refork.agent.cli.TrialSeen.Warning;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TrialOutputTest {
  private static final String TRUE =
      "2026-11-22T00:31:15.680Z refork warn  the application warns pid=7 code=load-threads"
          + " message=\"left running: thread \\\"a\\\"\"\n";

  private static List<Warning> warnings(String text) {
    var output = new TrialOutput(new PrintStream(OutputStream.nullOutputStream()));
    output.copy(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)));
    return output.warnings();
  }

  @Test
  @DisplayName("the agent's warnings are kept, and all bytes passed on as they are")
  void copied() {
    var text = ("no line end\u00e9\n\n" + TRUE + "x".repeat(20_000) + "\n" + TRUE + "\u0001 end");
    var bytes = text.getBytes(StandardCharsets.UTF_8);
    var err = new ByteArrayOutputStream();
    var output = new TrialOutput(new PrintStream(err));
    output.copy(new ByteArrayInputStream(bytes));
    assertThat(err.toByteArray()).isEqualTo(bytes);
    assertThat(output.warnings())
        .containsOnly(new Warning("load-threads", "left running: thread \"a\""))
        .hasSize(2);
  }

  @ParameterizedTest
  @DisplayName("what only looks like a warning of the agent is none")
  @ValueSource(
      strings = {
        "an application says: ",
        " refork warn  the application warns pid=1 code=x message=y ",
      })
  void forged(String before) {
    assertThat(warnings(before + TRUE)).isEmpty();
    assertThat(warnings(TRUE.replace("load-threads", "\u001b[2J"))).isEmpty();
  }

  @Test
  @DisplayName("lines that are written by the thousand do not fill the memory")
  void many() {
    assertThat(warnings(TRUE.repeat(5000))).hasSizeLessThanOrEqualTo(50);
  }

  @Test
  @DisplayName("output without a line end is passed on as it comes")
  void endless() {
    var err = new ByteArrayOutputStream();
    var stream =
        new InputStream() {
          private int given;

          @Override
          public int read() {
            throw new UnsupportedOperationException("by blocks");
          }

          @Override
          public int read(byte[] into, int from, int count) {
            assertThat(err.size()).as("passed on before more is read").isEqualTo(given);
            Arrays.fill(into, from, from + count, (byte) 'x');
            given += count;
            return given < 1_000_000 ? count : -1;
          }
        };
    var output = new TrialOutput(new PrintStream(err));
    output.copy(stream);
    assertThat(output.warnings()).isEmpty();
    assertThat(err.size()).isGreaterThan(900_000);
  }
}
