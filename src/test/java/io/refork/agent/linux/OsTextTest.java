package io.refork.agent.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class OsTextTest {
  @Test
  @DisplayName("any bytes survive the way into a string and back")
  void roundTrips() {
    var random = new Random(7);
    for (var round = 0; round < 20_000; round++) {
      var bytes = new byte[random.nextInt(12)];
      random.nextBytes(bytes);
      assertThat(OsText.encode(OsText.decode(bytes))).as("round %d", round).isEqualTo(bytes);
    }
  }

  @Test
  @DisplayName(
      "UTF-8 reads as what it is; a lone surrogate from elsewhere is replaced, never an error")
  void readsUtf8() {
    var text = "grün 漢 🦀";
    assertThat(OsText.decode(text.getBytes(java.nio.charset.StandardCharsets.UTF_8)))
        .isEqualTo(text);
    assertThat(OsText.encode("a\uD83Db")).asString().isEqualTo("a?b");
  }
}
