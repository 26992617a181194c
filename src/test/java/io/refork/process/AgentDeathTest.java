package io.refork.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.refork.process.Proc.Id;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The agent is killed where it is not PID 1: nothing that it has started may serve on, unseen. */
class AgentDeathTest {
  private static final Duration SECOND = Duration.ofSeconds(1);

  @TempDir private Path directory;

  @Test
  @DisplayName("PID-12 agent killed: mold, idle workers and one in a busy loop end within a second")
  void busy() throws Exception {
    try (var agent = AgentProcess.loopApp().options("--workers", "3").start()) {
      agent.awaitReady(3);
      var client = Thread.ofVirtual().start(() -> ask(agent.port(), "/do/spin"));
      agent.awaitStatus(
          "one is busy", s -> s.list("workers").stream().anyMatch(w -> w.integer("busy") > 0));
      killAndAwait(agent, descendants(agent));
      client.join();
    }
  }

  @Test
  @DisplayName("PID-12 agent killed: a newborn in a hook ends within a second")
  void inHook() throws Exception {
    var fault = directory.resolve("fault");
    Files.writeString(fault, "never-ready");
    try (var agent =
        AgentProcess.loopApp()
            .env("APP_FAULT", fault.toString())
            .options("--workers", "2")
            .start()) {
      agent.awaitStatus(
          "newborns in their hook",
          s ->
              s.list("workers").size() == 2
                  && s.list("workers").stream().allMatch(w -> w.text("state").equals("starting")));
      killAndAwait(agent, descendants(agent));
    }
  }

  @Test
  @DisplayName("PID-12 agent killed: a boot mold that loads ends within a second")
  void loading() throws Exception {
    var loads = directory.resolve("loads");
    try (var agent =
        AgentProcess.loopApp()
            .env("APP_LOAD_SECONDS", "60")
            .env("APP_LOADS", loads.toString())
            .start()) {
      await().atMost(AgentProcess.LONG).until(() -> Files.exists(loads));
      killAndAwait(agent, descendants(agent));
    }
  }

  @Test
  @DisplayName("PID-12 agent killed: a boot mold behind a script that stays ends within a second")
  void behindScript() throws Exception {
    try (var agent =
        AgentProcess.of(
                "sh", "-c", "%s %s; exit $?".formatted(Apps.PYTHON, Apps.path("loop_app.py")))
            .options("--workers", "2")
            .start()) {
      var status = agent.awaitReady(2);
      assertThat(Proc.parent(status.object("mold").integer("pid")))
          .isNotEqualTo(Optional.of(agent.pid()));
      killAndAwait(agent, descendants(agent));
    }
  }

  private static List<Id> descendants(AgentProcess agent) {
    var all = Proc.tree(agent.pid()).stream().filter(id -> id.pid() != agent.pid()).toList();
    assertThat(all).isNotEmpty();
    return all;
  }

  private static void killAndAwait(AgentProcess agent, List<Id> descendants) {
    agent.signal("KILL");
    await()
        .atMost(SECOND)
        .pollInterval(Duration.ofMillis(10))
        .until(
            () ->
                descendants.stream()
                    .noneMatch(
                        id -> Proc.alive(id.pid()) && Proc.id(id.pid()).equals(Optional.of(id))));
  }

  private static void ask(int port, String path) {
    try {
      Load.get(port, path);
    } catch (IOException e) {
      // its worker is killed
    }
  }
}
