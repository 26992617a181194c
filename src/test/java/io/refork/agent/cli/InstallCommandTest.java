package io.refork.agent.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.refork.agent.AgentFolder;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InstallCommandTest {
  private static final FileTime TIME = FileTime.from(Instant.parse("2026-01-01T00:00:00Z"));

  @TempDir private Path dir;
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private Path home;

  @BeforeEach
  void home() throws IOException {
    home = Files.createDirectories(dir.resolve("home"));
    launcher(
        "echo Picked up _JAVA_OPTIONS; echo refork 1.2.3; [ \"$REFORK_JVM_OPTIONS\" = -XX:AOTMode=on ]");
    Files.writeString(Files.createDirectories(home.resolve("lib")).resolve("refork.jar"), "jar");
    Files.writeString(home.resolve("lib/refork.aot"), "cache");
    Files.createSymbolicLink(home.resolve("lib/link"), Path.of("refork.jar"));
    Files.setLastModifiedTime(home.resolve("lib/refork.jar"), TIME);
    Files.setLastModifiedTime(home.resolve("lib"), TIME);
  }

  private void launcher(String script) throws IOException {
    var launcher = Files.createDirectories(home.resolve("bin")).resolve("refork");
    Files.writeString(launcher, "#!/bin/sh\n" + script + "\n");
    Files.setPosixFilePermissions(launcher, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private int install(Path to) throws InstallCommand.Failure {
    return new InstallCommand(new AgentFolder(home), new PrintStream(out, true)).install(to);
  }

  @Test
  @DisplayName(
      "the copy has the times, modes and links of the original, is run under its AOT cache, and can be repeated")
  void copies() throws Exception {
    var to = Files.createDirectory(dir.resolve("volume"));
    Files.setLastModifiedTime(to, FileTime.from(Instant.EPOCH));
    for (int i = 0; i < 2; i++) {
      assertThat(install(to)).isZero();
    }
    assertThat(out)
        .hasToString(
            ("installed refork 1.2.3 into " + to + "; the copy starts with its AOT cache\n")
                .repeat(2));
    assertThat(Files.getLastModifiedTime(to.resolve("lib/refork.jar"))).isEqualTo(TIME);
    assertThat(Files.getLastModifiedTime(to.resolve("lib"))).isEqualTo(TIME);
    assertThat(Files.isExecutable(to.resolve("bin/refork"))).isTrue();
    assertThat(Files.readSymbolicLink(to.resolve("lib/link"))).isEqualTo(Path.of("refork.jar"));
    try (var files = Files.walk(to)) {
      assertThat(files.map(Path::getFileName).map(Path::toString))
          .noneMatch(name -> name.endsWith(".new"));
    }
  }

  @Test
  @DisplayName("a copy that does not start, or not from its cache, fails with what it said")
  void broken() throws IOException {
    launcher("echo 'no\033[2J cache'; exit 1");
    assertThatThrownBy(() -> install(dir.resolve("volume")))
        .hasMessage(
            "the copy in "
                + dir.resolve("volume")
                + " does not start (code 1): no\\u001b[2J cache");
  }

  @Test
  @DisplayName("a directory that overlaps the agent's own, or cannot be written, is refused")
  void refused() throws IOException {
    assertThatThrownBy(() -> install(home.resolve("lib/x")))
        .hasMessageEndingWith("overlap; give another directory");
    assertThatThrownBy(() -> install(dir)).hasMessageEndingWith("overlap; give another directory");
    var file = Files.writeString(dir.resolve("file"), "");
    assertThatThrownBy(() -> install(file.resolve("x")))
        .hasMessageStartingWith("cannot copy to " + file + "/x: ");
  }
}
