package io.refork.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** FORK-07, 08, 10: what two processes must not have in common although one was copied. */
class ForkHygieneTest {
  /** Its output is buffered, whatever the environment of the tests says. */
  private static AgentProcess.Builder exitApp() {
    return AgentProcess.of(Apps.PYTHON, Apps.path("exit_app.py")).env("PYTHONUNBUFFERED", "");
  }

  @Test
  @DisplayName(
      "FORK-07 handlers and output: what is the mold's stays there, what is the worker's is done once")
  void handlersAndOutput() {
    try (var agent = exitApp().options("--workers", "3").start()) {
      var status = agent.awaitReady(3);
      int mold = status.object("mold").integer("pid");
      var workers = agent.workerPids();
      assertThat(agent.stop()).isZero();

      var log = agent.log();
      assertThat(log).doesNotContain("handler of load", "finalizer of load");
      assertThat(count(log, "printed at load in " + mold)).isOne();
      assertThat(count(log, "printed at load")).isOne();
      assertThat(count(log, "logged at load")).isOne();
      for (int worker : workers) {
        for (var line :
            List.of(
                "printed in worker in " + worker,
                "logged in worker " + worker,
                "hook at exit in " + worker,
                "logged at exit " + worker,
                "handler of worker in " + worker,
                "finalizer of worker in " + worker)) {
          assertThat(count(log, line)).as(line + "\n" + log).isOne();
        }
      }
      assertThat(count(log, "handler of worker")).isEqualTo(3);
    }
  }

  @Test
  @DisplayName("FORK-07 an exit handler that never ends is bounded, and the others' output is kept")
  void slowHandler() {
    try (var agent =
        exitApp()
            .env("APP_SLOW_EXIT", "1")
            .options("--workers", "2", "--kill-after", "1s", "--drain-timeout", "1s")
            .start()) {
      agent.awaitReady(2);
      var begun = System.nanoTime();
      assertThat(agent.stop()).isZero();
      assertThat((System.nanoTime() - begun) / 1e9).isLessThan(1 + 5.0);
      assertThat(count(agent.log(), "handler of worker")).isEqualTo(2);
      assertThat(count(agent.log(), "hook at exit")).isEqualTo(2);
    }
  }

  @Test
  @DisplayName("FORK-08 random numbers, UUIDs and TLS sessions of siblings differ")
  void differ() throws Exception {
    try (var agent =
        AgentProcess.of(Apps.PYTHON, Apps.path("careless_app.py"))
            .options("--workers", "4")
            .start()) {
      agent.awaitReady(4);
      var seen = new HashSet<String>();
      var pids = new HashSet<String>();
      int words = 0;
      for (int i = 0; i < 40 || pids.size() < 2; i++) {
        pids.add(Load.get(agent.port(), "/pid"));
        for (var path : List.of("/random", "/tls")) {
          for (var word : Load.get(agent.port(), path).split(" ")) {
            words++;
            assertThat(word).isNotBlank();
            assertThat(seen.add(word)).as(path + " said twice: " + word).isTrue();
          }
        }
      }
      assertThat(words).isGreaterThan(100);
    }
  }

  @Test
  @DisplayName("FORK-10 a connection opened at load is reported with its peer and the processes")
  void sharedConnection() throws Exception {
    try (var database = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      var peer = "127.0.0.1:" + database.getLocalPort();
      try (var agent =
          AgentProcess.of(Apps.PYTHON, Apps.path("careless_app.py"))
              .env("APP_DATABASE", peer)
              .options("--workers", "2")
              .start()) {
        var status = agent.awaitReady(2);
        var line = agent.awaitLine("shared-socket");
        assertThat(line)
            .contains("connected to " + peer)
            .contains("pid=" + status.object("mold").integer("pid"))
            .contains("this mold and all its workers")
            .contains("after_fork");
        assertThat(agent.lines("shared-socket")).hasSize(1);

        var check =
            new ProcessBuilder("target/agent/bin/refork", "check", Integer.toString(agent.pid()))
                .redirectErrorStream(true)
                .start();
        var rows = new String(check.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(check.waitFor()).as(rows).isEqualTo(1);
        var row = rows.lines().filter(l -> l.contains("shared socket")).findFirst().orElse(rows);
        assertThat(row).startsWith("  fail").contains(peer);
        assertThat(row).contains(Integer.toString(status.object("mold").integer("pid")));
        for (int worker : agent.workerPids()) {
          assertThat(row).contains(Integer.toString(worker));
        }
      }
    }
  }

  private static int count(String log, String line) {
    return (int) Pattern.compile(Pattern.quote(line) + "\\b").matcher(log).results().count();
  }
}
