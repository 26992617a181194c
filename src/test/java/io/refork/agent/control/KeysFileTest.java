package io.refork.agent.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.refork.agent.log.Log;
import io.refork.protocol.control.PublicKeys;
import io.refork.protocol.control.Tokens;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KeysFileTest {
  @TempDir private Path dir;

  @Test
  @DisplayName(
      "TOK-16 a file that could not be read is read again, though it is the same; said once")
  void unreadable() throws Exception {
    var file = dir.resolve("keys.json");
    var text =
        new PublicKeys(Tokens.ISSUER, Map.of(Tokens.KID, Tokens.newKey().getPublic())).write();
    Files.writeString(file, text);
    var complaints = new AtomicInteger();
    var failing = new boolean[] {true};
    try (var log =
        Log.start(
            Log.Format.TEXT,
            line -> {
              if (new String(line, StandardCharsets.UTF_8).contains("stay as they were")) {
                complaints.incrementAndGet();
              }
            })) {
      var keys =
          new KeysFile(
              Optional.of(file),
              log,
              path -> {
                if (failing[0]) {
                  throw new IOException("Too many open files");
                }
                return Files.newInputStream(path);
              });
      for (int second = 0; second < 5; second++) {
        assertThat(keys.keys(second * 1_000_000_000L)).isEmpty();
      }
      failing[0] = false;
      assertThat(keys.keys(6_000_000_000L)).isPresent();
    }
    assertThat(complaints).hasValue(1);
  }
}
