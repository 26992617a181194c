package io.refork.agent.steer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.refork.agent.steer.SteeredFile.Found;
import io.refork.protocol.control.DesiredCodec;
import io.refork.protocol.control.Permit;
import io.refork.protocol.control.Revision;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What outlives a restart of the agent, and what a broken file costs. */
class SteeredFileTest {
  @TempDir private Path dir;

  private static Permit permit(String id) {
    return new Permit(id, 1, Optional.of("monday \"ü\""), Instant.EPOCH);
  }

  @Test
  @DisplayName(
      "OP-11 what was written is read back by the next agent of the pod, and by no other's")
  void back() throws Exception {
    var file = new SteeredFile(dir);
    assertThat(file.read("uid")).isEqualTo(new Found.Nothing());
    var steered = Steered.by("uid");
    file.write(steered);
    assertThat(file.read("uid")).isEqualTo(new Found.State(steered));

    steered =
        steered
            .heeding(new Revision(7, 42), Map.of("workers", "4"))
            .taking(permit("p-1"))
            .ended(Optional.of("p-1"), "aborted", "canary-died", "exit\u001b[2J code 1")
            .taking(permit("p-2"));
    file.write(steered);
    assertThat(file.read("uid")).isEqualTo(new Found.State(steered));
    assertThat(file.read("other")).isEqualTo(new Found.Nothing());
    assertThat(Files.getPosixFilePermissions(dir.resolve("steered.json")))
        .isEqualTo(PosixFilePermissions.fromString("rw-------"));
    try (var files = Files.list(dir)) {
      assertThat(files).hasSize(1);
    }
  }

  @Test
  @DisplayName("the largest desired state fits")
  void largest() throws Exception {
    var settings = new TreeMap<String, String>();
    for (int i = 0; i < DesiredCodec.MAX_SETTINGS; i++) {
      settings.put("option-" + i, "x".repeat(480));
    }
    var steered = Steered.by("u".repeat(64)).heeding(new Revision(1, 1), settings);
    for (int i = 0; i < 20; i++) {
      steered =
          steered
              .taking(permit(i + "p".repeat(60)))
              .ended(Optional.empty(), "aborted", "r", "\\\"".repeat(500));
    }
    var file = new SteeredFile(dir);
    file.write(steered);
    assertThat(file.read("u".repeat(64))).isEqualTo(new Found.State(steered));
  }

  @ParameterizedTest(name = "a file of {0} is a sentence, not a death")
  @ValueSource(strings = {"", "{", "{}", "[]", "\u0000\u0000", "{\"pod\":\"uid\",\"settings\":7}"})
  void corrupt(String text) throws Exception {
    Files.writeString(dir.resolve("steered.json"), text);
    assertThat(new SteeredFile(dir).read("uid")).isInstanceOf(Found.Unusable.class);
  }

  @Test
  @DisplayName("what cannot be written is an exception, and what was there stays")
  void notWritable() throws Exception {
    var file = new SteeredFile(dir);
    var before = Steered.by("uid").taking(permit("p-1"));
    file.write(before);
    Files.createDirectories(dir.resolve("steered.json.new/in/the/way"));
    assertThatThrownBy(() -> file.write(before.taking(permit("p-2"))))
        .isInstanceOf(IOException.class);
    assertThat(file.read("uid")).isEqualTo(new Found.State(before));
  }
}
