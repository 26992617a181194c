package io.refork.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** FORK-14: a request that is too old, and an agent that did not look for a while. */
class DeadlinesTest {
  @TempDir Path dir;

  @Test
  @DisplayName("FORK-14 a request that is too old: traceback, TERM, KILL, of that worker only")
  void requestTimeout() throws Exception {
    try (var agent =
        AgentProcess.loopApp()
            .options("--workers", "3", "--request-timeout", "1500ms", "--kill-after", "500ms")
            .start()) {
      var before = agent.awaitReady(3);
      for (var path : List.of("/hang", "/deaf")) {
        var others = agent.awaitReady(3);
        var asked =
            CompletableFuture.runAsync(
                () ->
                    assertThatThrownBy(() -> Load.get(agent.port(), path))
                        .isInstanceOf(IOException.class));
        int pid =
            agent.awaitStatus(path + " hangs", s -> busy(s) != 0).list("workers").stream()
                .filter(w -> w.integer("busy") > 0)
                .findFirst()
                .orElseThrow()
                .integer("pid");
        var gone = agent.awaitLine("worker exited .*pid=" + pid + " .*reason=request-timeout");
        // Deaf to TERM: only KILL ends it.
        assertThat(gone).contains(path.equals("/deaf") ? "KILL" : "exit");
        asked.join();
        assertThat(agent.log())
            .as("the traceback names the line that hangs")
            .containsPattern("behaviour.py\", line \\d+ in answer");
        var pids = pids(agent.awaitReady(3));
        assertThat(pids).doesNotContain(pid).containsAll(without(pids(others), pid));
      }
      assertThat(agent.status().object("counters").object("workerExits").integer("request-timeout"))
          .isEqualTo(2);
      assertThat(agent.status().object("mold").integer("pid"))
          .isEqualTo(before.object("mold").integer("pid"));
    }
  }

  private static int busy(Json status) {
    return status.list("workers").stream().mapToInt(w -> w.integer("busy")).sum();
  }

  private static List<Integer> pids(Json status) {
    return status.list("workers").stream().map(w -> w.integer("pid")).toList();
  }

  private static List<Integer> without(List<Integer> pids, int pid) {
    return pids.stream().filter(p -> p != pid).toList();
  }

  @Test
  @DisplayName("FORK-14 an agent that was stopped for longer than every deadline blames nobody")
  void pause() throws Exception {
    var config = Files.writeString(dir.resolve("refork.json"), "{}");
    try (var agent =
        AgentProcess.loopApp()
            .env("APP_READY_SECONDS", "1.2")
            .options("--workers", "4", "--request-timeout", "3s", "--heartbeat-timeout", "3s")
            .options("--spawn-timeout", "3s", "--kill-after", "500ms")
            .options("--config", config.toString())
            .start()) {
      var first = agent.awaitReady(4);
      Files.writeString(config, "{\"boot-timeout\": \"1900ms\"}"); // too short for the boot itself
      agent.awaitLine("settings changed");
      // Two workers are on their way to ready, one serves a long request, one is idle.
      var victims = pids(first).subList(0, 2);
      victims.forEach(pid -> Proc.kill(pid, "KILL"));
      agent.awaitStatus(
          "two are starting",
          s ->
              s.list("workers").stream().filter(w -> w.text("state").equals("starting")).count()
                  == 2);
      var starting = pids(agent.status());
      var slow = CompletableFuture.supplyAsync(() -> get(agent, "/sleep/2500"));
      agent.awaitStatus("a request runs", s -> busy(s) == 1);

      agent.signal("STOP");
      var end = System.nanoTime() + 4_000_000_000L; // longer than every deadline: the pause itself
      assertThat(slow.join()).endsWith("slept");
      while (System.nanoTime() < end) {
        assertThat(Load.get(agent.port(), "/sleep/100")).endsWith("slept");
      }
      agent.signal("CONT");

      var after =
          agent.awaitStatus(
              "it has looked at everyone for a while",
              s ->
                  s.list("workers").stream()
                      .allMatch(w -> w.text("state").equals("ready") && w.real("ageSeconds") > 4));
      assertThat(pids(after)).isEqualTo(starting);
      assertThat(agent.lines("worker hangs|did not get ready|no hello in time")).isEmpty();
    }
  }

  private static String get(AgentProcess agent, String path) {
    try {
      return Load.get(agent.port(), path);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
