package io.refork.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How an application fails to start, the first time and later. */
class BootTest {
  @TempDir private Path directory;

  @ParameterizedTest(name = "PID-05 {0}: exit code {2}, and a line says what was tried; PID 1: {3}")
  @CsvSource(
      delimiter = '|',
      value = {
        "command not found     | no-such-command  | 127 | 'no-such-command': no such command | false",
        "file not found        | /no/such/file    | 127 | '/no/such/file': no such file      | false",
        "file not executable   | /etc/passwd      | 126 | '/etc/passwd': not executable      | true",
        "directory             | /etc             | 126 | '/etc': not executable             | false",
        "ends before hello     | sh -c 'exit 7'   | 7   | exit code 7, before it said hello  | false",
        "ends before hello     | sh -c 'exit 7'   | 7   | exit code 7, before it said hello  | true",
        "dies of SIGSEGV       | sh -c 'kill -SEGV $$' | 139 | signal SEGV                   | false",
        "dies of SIGSEGV       | sh -c 'kill -SEGV $$' | 139 | signal SEGV                   | true",
      })
  void firstBoot(String what, String command, int code, String said, boolean asInit) {
    var words =
        command.startsWith("sh -c ")
            ? new String[] {"sh", "-c", command.substring(6).replace("'", "")}
            : new String[] {command};
    try (var agent = AgentProcess.of(words).asInit(asInit).start()) {
      assertThat(agent.exitCode(AgentProcess.LONG)).isEqualTo(code);
      assertThat(agent.lines("application did not start")).hasSize(1);
      assertThat(agent.lines("application did not start").getFirst()).contains(said);
      assertThat(agent.log()).contains(words[0]).doesNotContain("Exception", "\tat ");
    }
  }

  @Test
  @DisplayName("PID-05 the mold dies of SIGSEGV after hello, before ready: 139")
  void diesWhileLoading() {
    try (var agent =
        AgentProcess.of(
                Apps.PYTHON,
                "-c",
                "import os, refork; refork.run(lambda: os.kill(os.getpid(), 11), print)")
            .start()) {
      assertThat(agent.exitCode(AgentProcess.LONG)).isEqualTo(139);
      assertThat(agent.lines("application did not start.*signal SEGV")).hasSize(1);
    }
  }

  @Test
  @DisplayName("PID-05 a later boot mold that fails does not end the agent: it backs off")
  void laterBoot() throws Exception {
    var broken = directory.resolve("broken");
    var script =
        "test -e %s && exit 9; exec %s %s".formatted(broken, Apps.PYTHON, Apps.path("loop_app.py"));
    try (var agent = AgentProcess.of("sh", "-c", script).options("--workers", "1").start()) {
      var status = agent.awaitReady(1);
      assertThat(Load.get(agent.port(), "/unsafe/test")).startsWith("not fork safe");
      Files.createFile(broken);
      Proc.kill(status.object("mold").integer("pid"), "KILL");
      agent.awaitLine("application did not start.*exit code 9");
      agent.awaitStatus("backing off", s -> s.object("counters").real("backoffSeconds") > 0);
      agent.awaitStatus("second try", s -> agent.lines("application did not start").size() >= 2);
      assertThat(Load.get(agent.port(), "/pid")).contains("generation 0");
      Files.delete(broken);
      agent.awaitStatus(
          "a mold again", s -> !s.isNull("mold") && s.object("mold").text("state").equals("ready"));
      assertThat(agent.stop()).isZero();
    }
  }

  @Test
  @DisplayName(
      "an application that never says hello: ended at the boot timeout, told how to start one")
  void neverSaysHello() {
    try (var agent = AgentProcess.of("sleep", "1000").options("--boot-timeout", "500ms").start()) {
      assertThat(agent.exitCode(AgentProcess.LONG)).isEqualTo(124);
      assertThat(agent.lines("said hello within").getFirst())
          .contains("--boot-timeout", "python -m refork");
    }
  }

  @Test
  @DisplayName("a shim of another protocol version is told so and turned away")
  void otherProtocol() {
    var program =
        """
        import json, os, socket, sys
        s = socket.socket(socket.AF_UNIX); s.connect(os.environ["REFORK_SOCKET"])
        hello = dict(type="hello", protocol=2, role="mold", pid=os.getpid(), language="x", shim="9")
        s.sendall(json.dumps(hello).encode() + b"\\n")
        print("answer", s.makefile().readline(), flush=True)
        sys.exit(5)
        """;
    try (var agent = AgentProcess.of(Apps.PYTHON, "-c", program).start()) {
      assertThat(agent.exitCode(Duration.ofSeconds(30))).isEqualTo(5);
      assertThat(agent.lines("answer .*\"code\": ?\"protocol\"")).hasSize(1);
      assertThat(agent.lines("connection turned away.*protocol.*2")).hasSize(1);
    }
  }
}
