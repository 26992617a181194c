package io.refork.process;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** FORK-09: which threads keep a worker from becoming the mold, and what an application can do. */
class ThreadsTest {
  private static AgentProcess.Builder app() {
    return AgentProcess.of(Apps.PYTHON, Apps.path("careless_app.py"))
        .options("--workers", "2", "--refork-after", "off")
        .options("--canary-soak", "100ms", "--kill-after", "500ms");
  }

  private static Json refork(AgentProcess agent) {
    agent.awaitReady(2);
    agent.signal("USR2");
    return agent
        .awaitStatus(
            "the refork is over",
            s -> !s.isNull("refork") && !s.object("refork").text("outcome").equals("running"))
        .object("refork");
  }

  private static void assertCompleted(AgentProcess agent, Json refork) {
    assertThat(refork.text("outcome")).as(refork + "\n" + agent.log()).startsWith("completed");
    agent.awaitGeneration(2, 1);
  }

  private static void assertRefused(AgentProcess agent, Json refork, String reason, String detail) {
    assertThat(refork.text("outcome")).as(refork + "\n" + agent.log()).isEqualTo("refused");
    assertThat(refork.text("reason")).isEqualTo(reason);
    assertThat(refork.text("detail")).contains(detail);
    var after = agent.awaitReady(2);
    assertThat(after.integer("generation")).isZero();
    assertThat(after.object("counters").object("refusals").integer(reason)).isPositive();
  }

  @Test
  @DisplayName(
      "FORK-09 a thread that the boot mold had, started again in each worker, is no obstacle")
  void usual() {
    try (var agent =
        app().env("APP_LOAD_THREAD", "flusher-1").env("APP_FORK_THREAD", "flusher-2").start()) {
      assertCompleted(agent, refork(agent));
    }
  }

  @Test
  @DisplayName("FORK-09 a new thread refuses promotion by its name, and the worker serves on")
  void unusual() throws Exception {
    try (var agent =
        app().env("APP_LOAD_THREAD", "flusher").env("APP_FORK_THREAD", "heartbeats").start()) {
      assertRefused(agent, refork(agent), "threads", "thread 'heartbeats'");
      assertThat(Load.get(agent.port(), "/threads")).isEqualTo("MainThread,heartbeats");
    }
  }

  @ParameterizedTest(name = "FORK-09 a native thread called {0} refuses promotion")
  @ValueSource(strings = {"telemetry", "-"})
  void nativeThread(String name) {
    try (var agent = app().env("APP_FORK_NATIVE", name).start()) {
      var called = name.equals("-") ? "unnamed" : name;
      assertRefused(agent, refork(agent), "threads", "native thread '" + called + "'");
    }
  }

  @ParameterizedTest(
      name = "FORK-09 a native thread called {0} that is allow-listed is no obstacle")
  @ValueSource(strings = {"telemetry", "-"})
  void allowed(String name) {
    try (var agent =
        app()
            .env("APP_FORK_NATIVE", name)
            .options("--allow-thread", name.equals("-") ? "unnamed" : name)
            .start()) {
      assertCompleted(agent, refork(agent));
    }
  }

  @Test
  @DisplayName("FORK-09 libuv's threads are allow-listed as they are")
  void libuv() {
    try (var agent = app().env("APP_FORK_NATIVE", "libuv-worker").start()) {
      assertCompleted(agent, refork(agent));
    }
  }

  @Test
  @DisplayName(
      "FORK-09 hooks stop the threads before a promotion; workers of the new mold start theirs")
  void stoppedByHooks() throws Exception {
    try (var agent = app().env("APP_FORK_THREAD", "heartbeats").env("APP_HOOKS", "tidy").start()) {
      assertCompleted(agent, refork(agent));
      assertThat(Load.get(agent.port(), "/threads")).isEqualTo("MainThread,heartbeats");
    }
  }

  @Test
  @DisplayName("FORK-09 when the promotion fails after all, the threads are started again")
  void restartedByHooks() throws Exception {
    try (var agent =
        app().env("APP_FORK_THREAD", "heartbeats").env("APP_HOOKS", "tidy-then-raise").start()) {
      var before = agent.awaitReady(2).list("workers");
      assertRefused(agent, refork(agent), "hook-failed", "not today");
      assertThat(agent.workerPids()).isEqualTo(before.stream().map(w -> w.integer("pid")).toList());
      for (int i = 0; i < 10; i++) {
        assertThat(Load.get(agent.port(), "/threads")).isEqualTo("MainThread,heartbeats");
      }
    }
  }
}
