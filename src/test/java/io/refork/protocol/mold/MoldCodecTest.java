package io.refork.protocol.mold;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Lines that a hostile process may write. */
class MoldCodecTest {
  private static final String HELLO =
      "{\"type\":\"hello\",\"pid\":12,\"role\":\"mold\",\"protocol\":1,\"language\":\"p\",\"shim\":\"1\",\"x\":[1,{\"a\":null}]}";

  @ParameterizedTest
  @ValueSource(
      strings = {
        "null",
        "",
        " ",
        "[]",
        "1",
        "\"ready\"",
        "{}",
        "{\"type\":null}",
        "{\"type\":[\"ready\"]}",
        "{\"type\":\"spawned\",\"spawn\":\"A\",\"pid\":1}",
        "{\"type\":\"spawned\",\"spawn\":\"a\",\"pid\":0}",
        "{\"type\":\"spawned\",\"spawn\":\"a\",\"pid\":99999999999999999999}",
        "{\"type\":\"ready\",\"type\":\"ready\"}"
      })
  @DisplayName("FORK-12 what is not one object of the right types is malformed, and nothing worse")
  void malformed(String line) {
    assertThatExceptionOfType(MalformedException.class)
        .isThrownBy(() -> MoldCodec.decode(bytes(line)))
        .satisfies(e -> assertThat(e.code()).isEqualTo("malformed"));
  }

  @Test
  @DisplayName("FORK-12 objects in objects, as deep as a line can hold, are malformed")
  void deep() {
    for (var open : new String[] {"[", "{\"a\":"}) {
      var line = "{\"type\":\"ready\",\"x\":" + open.repeat(60_000 / open.length());
      assertThatExceptionOfType(MalformedException.class)
          .isThrownBy(() -> MoldCodec.decode(bytes(line)));
    }
  }

  @Test
  @DisplayName("FORK-12 random bytes in a line are understood or malformed, and nothing worse")
  void random() {
    var random = new Random(7);
    var hellos = 0;
    for (int i = 0; i < 20_000; i++) {
      var line = bytes(HELLO);
      for (int hit = random.nextInt(4); hit >= 0; hit--) {
        line[random.nextInt(line.length)] = (byte) random.nextInt(256);
      }
      try {
        if (MoldCodec.decode(line) instanceof FromProcess.Hello) {
          hellos++;
        }
      } catch (MalformedException e) {
        assertThat(e.code()).isIn("malformed", "unknown-type", "protocol");
      }
    }
    assertThat(hellos).isPositive();
  }

  private static byte[] bytes(String line) {
    return line.getBytes(StandardCharsets.UTF_8);
  }
}
