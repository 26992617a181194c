package io.refork.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The way out: graceful, patient, fast, and always bounded. */
class StopTest {
  /** What a stop may take beyond its delay and its drain. */
  private static final Duration BOUND = Duration.ofSeconds(5);

  @TempDir private Path directory;

  @Test
  @DisplayName("PID-06 TERM 1 to 500 ms after the start, 50 times: none is lost")
  void termWhileStarting() throws Exception {
    // Two at a time: the machine has two processors, and one that starts waits for nothing else.
    try (var two = Executors.newFixedThreadPool(2)) {
      var runs = new ArrayList<Future<?>>();
      for (int i = 0; i < 50; i++) {
        int millis = Math.max(1, i * 500 / 49);
        var asInit = i % 2 == 1;
        runs.add(two.submit(() -> termAfter(millis, asInit)));
      }
      for (var run : runs) {
        run.get();
      }
    }
  }

  private static void termAfter(int millis, boolean asInit) {
    try (var agent = AgentProcess.loopApp().options("--workers", "1").asInit(asInit).start()) {
      int pid = agent.pid();
      if (asInit) {
        // Until then it is unshare(1), to which TERM means nothing.
        await()
            .pollDelay(Duration.ZERO)
            .pollInterval(Duration.ofMillis(1))
            .until(() -> Proc.file(pid, "cmdline").orElse("").contains("refork"));
      }
      Thread.sleep(millis); // the moment is what is tried
      agent.signal("TERM");
      assertThat(agent.exitCode(Duration.ofSeconds(20)))
          .as("TERM after %d ms, PID 1: %s\n%s", millis, asInit, agent.log())
          .isZero();
      assertThat(agent.log()).doesNotContain("Exception", "Traceback", "\tat ");
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @ParameterizedTest(name = "PID-06 TERM while the application loads for long; PID 1: {0}")
  @ValueSource(booleans = {false, true})
  void termWhileLoading(boolean asInit) throws Exception {
    var loads = directory.resolve("loads");
    try (var agent =
        AgentProcess.loopApp()
            .env("APP_LOAD_SECONDS", "60")
            .env("APP_LOADS", loads.toString())
            .asInit(asInit)
            .start()) {
      await().atMost(AgentProcess.LONG).until(() -> Files.exists(loads));
      agent.signal("TERM");
      assertThat(agent.exitCode(BOUND)).isZero();
      assertThat(agent.log()).doesNotContain("Traceback");
    }
  }

  @ParameterizedTest(
      name = "PID-07 TERM: not ready at once, what is in flight finishes; PID 1: {0}")
  @ValueSource(booleans = {false, true})
  void graceful(boolean asInit) throws Exception {
    try (var agent =
        AgentProcess.loopApp()
            .options("--workers", "2", "--shutdown-delay", "1500ms")
            .asInit(asInit)
            .start()) {
      agent.awaitReady(2);
      var slow = inFlight(agent, "/sleep/2500");
      assertThat(readiness(agent)).isEqualTo(200);
      agent.signal("TERM");
      var asked = System.nanoTime();
      await().atMost(Duration.ofSeconds(1)).until(() -> readiness(agent) == 503);
      int served = 0;
      while (System.nanoTime() - asked < 1_000_000_000L) {
        assertThat(Load.get(agent.port(), "/pid")).startsWith("pid ");
        served++;
      }
      assertThat(served).isPositive();
      assertThat(slow.get()).contains("slept");
      assertThat(agent.exitCode(BOUND)).isZero();
    }
  }

  @Test
  @DisplayName("PID-08 a second and a third TERM during the drain cut nothing short")
  void impatientTerm() throws Exception {
    try (var agent = AgentProcess.loopApp().options("--workers", "2").start()) {
      agent.awaitReady(2);
      var slow = inFlight(agent, "/sleep/1500");
      agent.signal("TERM");
      agent.awaitLine("stopping");
      agent.signal("TERM");
      agent.awaitLine("worker exited");
      agent.signal("TERM");
      assertThat(slow.get()).contains("slept");
      assertThat(agent.exitCode(BOUND)).isZero();
    }
  }

  @ParameterizedTest(
      name = "PID-09 a worker that ignores TERM, and one that is stopped, are killed; PID 1: {0}")
  @ValueSource(booleans = {false, true})
  void deafWorkers(boolean asInit) throws Exception {
    try (var agent =
        AgentProcess.loopApp()
            .options("--workers", "2", "--drain-timeout", "500ms", "--kill-after", "500ms")
            .asInit(asInit)
            .start()) {
      agent.awaitReady(2);
      var deaf = Integer.parseInt(Load.get(agent.port(), "/do/deaf").split(" ")[1]);
      int other = agent.workerPids().stream().filter(p -> p != deaf).findFirst().orElseThrow();
      Proc.kill(agent.outer(other), "STOP");
      var hanging = inFlight(agent, "/hang");
      agent.signal("TERM");
      assertThat(agent.exitCode(BOUND.plusMillis(500))).isZero();
      assertThat(hanging).isDone();
    }
  }

  @ParameterizedTest(
      name = "PID-10 helpers of requests are not hit, others get TERM and their time; PID 1: {0}")
  @ValueSource(booleans = {false, true})
  void otherProcesses(boolean asInit) throws Exception {
    try (var agent = AgentProcess.loopApp().options("--workers", "2").asInit(asInit).start()) {
      agent.awaitReady(2);
      Load.get(agent.port(), "/do/daemon/" + directory.toString().replace('/', ':'));
      await().atMost(AgentProcess.LONG).until(() -> Files.exists(directory.resolve("up")));
      var helped = inFlight(agent, "/do/helper/1200").thenApply(r -> r + stamp("replied"));
      agent.signal("TERM");
      assertThat(helped.get()).startsWith("helped");
      assertThat(agent.exitCode(BOUND)).isZero();
      assertThat(directory.resolve("done")).exists();
      assertThat(Files.getLastModifiedTime(directory.resolve("asked")))
          .isGreaterThanOrEqualTo(Files.getLastModifiedTime(directory.resolve("replied")));
    }
  }

  private Path stamp(String name) {
    try {
      return Files.createFile(directory.resolve(name));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  @ParameterizedTest(name = "PID-11 INT cuts what is in flight; PID 1: {0}")
  @ValueSource(booleans = {false, true})
  void fast(boolean asInit) throws Exception {
    try (var agent =
        AgentProcess.loopApp()
            .options("--workers", "2", "--shutdown-delay", "30s")
            .asInit(asInit)
            .start()) {
      agent.awaitReady(2);
      var slow = inFlight(agent, "/sleep/30000");
      agent.signal("INT");
      assertThat(agent.exitCode(BOUND)).isZero();
      assertThat(slow.get()).startsWith("failed");
    }
  }

  @ParameterizedTest(name = "PID-11 QUIT is as TERM; PID 1: {0}")
  @ValueSource(booleans = {false, true})
  void quit(boolean asInit) throws Exception {
    try (var agent = AgentProcess.loopApp().options("--workers", "2").asInit(asInit).start()) {
      agent.awaitReady(2);
      var slow = inFlight(agent, "/sleep/1000");
      agent.signal("QUIT");
      assertThat(slow.get()).contains("slept");
      assertThat(agent.exitCode(BOUND)).isZero();
    }
  }

  /** A request, and when this returns a worker is busy with it. Its reply, or {@code failed …}. */
  private static CompletableFuture<String> inFlight(AgentProcess agent, String path) {
    var reply =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return Load.get(agent.port(), path);
              } catch (IOException e) {
                return "failed: " + e;
              }
            });
    agent.awaitStatus(
        "a request runs", s -> s.list("workers").stream().anyMatch(w -> w.integer("busy") > 0));
    return reply;
  }

  private static int readiness(AgentProcess agent) throws IOException {
    var uri = URI.create("http://127.0.0.1:" + agent.controlPort() + "/readyz");
    var connection = (HttpURLConnection) uri.toURL().openConnection();
    connection.setConnectTimeout(5_000);
    connection.setReadTimeout(5_000);
    return connection.getResponseCode();
  }
}
