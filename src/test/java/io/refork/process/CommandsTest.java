package io.refork.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** FORK-16: the command may be a shell or a script; the mold is who said hello. */
class CommandsTest {
  private static final String APP = Apps.PYTHON + " " + Apps.path("loop_app.py");

  @TempDir Path dir;

  private String script(String... lines) throws Exception {
    var file =
        Files.writeString(
            dir.resolve("entrypoint"), "#!/bin/sh\n" + String.join("\n", lines) + "\n");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    return file.toString();
  }

  static Stream<Arguments> commands() {
    return Stream.of(
        Arguments.of("sh -c", List.of("sh", "-c", "exec " + APP), false),
        Arguments.of("sh -c with more behind it", List.of("sh", "-c", APP + "; exit 3"), true),
        Arguments.of("a script that execs", List.of("exec " + APP), false),
        Arguments.of("a script that stays", List.of("trap '' INT", APP, "exit 3"), true),
        Arguments.of(
            "a script that stays for ever",
            List.of("trap '' TERM", APP, "while :; do sleep 1; done"),
            true));
  }

  @ParameterizedTest(name = "FORK-16 {0}: the mold is who said hello, and its death is seen")
  @MethodSource("commands")
  void molds(String what, List<String> words, boolean stays) throws Exception {
    var command =
        words.getFirst().equals("sh")
            ? words.toArray(String[]::new)
            : new String[] {script(words.toArray(String[]::new))};
    try (var agent =
        AgentProcess.of(command)
            .options("--workers", "2", "--refork-after", "off", "--kill-after", "500ms")
            .start()) {
      var first = agent.awaitReady(2);
      int mold = first.object("mold").integer("pid");
      int parent = Proc.parent(mold).orElseThrow();
      assertThat(Proc.comm(mold)).isEqualTo("refork mold g0");
      assertThat(parent != agent.pid()).as("the script stays").isEqualTo(stays);
      for (int worker : agent.workerPids()) {
        assertThat(Proc.parent(worker)).contains(agent.pid());
      }

      try (var load = Load.newConnections(agent.port(), "/", 2)) {
        Proc.kill(mold, "KILL");
        agent.awaitLine("mold exited .*pid=" + mold);
        agent.awaitStatus(
            "another mold",
            s ->
                !s.isNull("mold")
                    && s.object("mold").integer("pid") != mold
                    && s.object("mold").text("state").equals("ready"));
        agent.awaitReady(2);
        assertThat(load.stop().failures()).isEmpty();
      }
      if (stays) {
        await("the script goes with its mold")
            .atMost(AgentProcess.LONG)
            .until(() -> !Proc.alive(parent));
      }
      assertThat(agent.stop()).isZero();
    }
  }

  @Test
  @DisplayName(
      "FORK-16 the script dies before its mold: the mold goes on, and its death is seen later")
  void scriptDiesFirst() throws Exception {
    var command = script(APP, "exit 3");
    try (var agent =
        AgentProcess.of(command)
            .options("--workers", "2", "--refork-after", "off", "--kill-after", "500ms")
            .start()) {
      int mold = agent.awaitReady(2).object("mold").integer("pid");
      Proc.kill(Proc.parent(mold).orElseThrow(), "KILL");
      await("the agent adopts the mold")
          .atMost(AgentProcess.LONG)
          .until(() -> Proc.parent(mold).orElse(0) == agent.pid());
      // It forks as before.
      int worker = agent.workerPids().getFirst();
      Proc.kill(worker, "KILL");
      var refilled =
          agent.awaitStatus(
              "refilled",
              s ->
                  s.list("workers").stream().allMatch(w -> w.text("state").equals("ready"))
                      && s.list("workers").getFirst().integer("pid") != worker);
      assertThat(refilled.object("mold").integer("pid")).isEqualTo(mold);

      Proc.kill(mold, "KILL");
      agent.awaitStatus(
          "another mold",
          s ->
              !s.isNull("mold")
                  && s.object("mold").integer("pid") != mold
                  && s.object("mold").text("state").equals("ready"));
      agent.awaitReady(2);
      assertThat(agent.lines("mold exited .*pid=" + mold)).hasSize(1);
      assertThat(agent.stop()).isZero();
    }
  }
}
