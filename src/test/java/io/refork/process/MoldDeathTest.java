package io.refork.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** GEN-08, GEN-10: a mold that dies or hangs is no outage, with the real agent and servers. */
class MoldDeathTest {
  private static final Duration SPAWN = Duration.ofSeconds(4);
  private static final Duration PROMOTE = Duration.ofSeconds(8);

  private static AgentProcess.Builder agent(App app) {
    return app.agent()
        .options("--workers", "3")
        .options("--spawn-timeout", SPAWN.toSeconds() + "s")
        .options("--promote-timeout", PROMOTE.toSeconds() + "s");
  }

  @ParameterizedTest(
      name =
          "GEN-08 the mold gets {1} while idle: workers serve on, a mold exists again; {0}, PID 1: {2}")
  @CsvSource({
    "LOOP, KILL, false",
    "LOOP, STOP, false",
    "LOOP, TERM, false",
    "LOOP, KILL, true",
    "LOOP, STOP, true",
    "GTHREAD, KILL, false",
    "SYNC, KILL, false",
  })
  void idle(App app, String signal, boolean asInit) {
    try (var agent = agent(app).asInit(asInit).start()) {
      var mold = agent.awaitReady(3).object("mold").integer("pid");
      hit(agent, mold, signal, 3);
    }
  }

  @ParameterizedTest(
      name = "GEN-08 the mold gets {0} while it forks: the slot is filled; PID 1: {1}")
  @CsvSource({"KILL, false", "STOP, false", "TERM, false", "KILL, true"})
  void forking(String signal, boolean asInit) {
    try (var agent = agent(App.LOOP).env("APP_FORK_SECONDS", "0.5").asInit(asInit).start()) {
      var status = agent.awaitReady(3);
      // A worker that is gone this soon counts as one that never got ready, and its slot waits.
      agent.awaitStatus(
          "workers that have lived a while",
          s -> s.list("workers").stream().allMatch(w -> w.real("ageSeconds") > 2));
      Proc.kill(agent.outer(status.list("workers").getFirst().integer("pid")), "KILL");
      agent.awaitStatus(
          "a spawn under way",
          s -> s.list("workers").stream().anyMatch(w -> w.text("state").equals("spawning")));
      hit(agent, status.object("mold").integer("pid"), signal, 3);
    }
  }

  @ParameterizedTest(
      name =
          "GEN-08 the mold gets {0} while its successor prepares: the refork completes; PID 1: {1}")
  @CsvSource({"KILL, false", "STOP, false", "TERM, false", "KILL, true"})
  void successorPrepares(String signal, boolean asInit) {
    try (var agent =
        agent(App.LOOP)
            .options("--canary-soak", "200ms")
            .env("APP_PREPARE_SECONDS", "1")
            .asInit(asInit)
            .start()) {
      var mold = agent.awaitReady(3).object("mold").integer("pid");
      agent.signal("USR2");
      agent.awaitLine("worker left rotation");
      hit(agent, mold, signal, 3);
      agent.awaitGeneration(3, 1);
    }
  }

  @ParameterizedTest(
      name =
          "GEN-08 the mold gets {0} right after its successor is ready: the refork completes; PID 1: {1}")
  @CsvSource({"KILL, false", "STOP, false", "TERM, false", "KILL, true"})
  void successorReady(String signal, boolean asInit) {
    try (var agent = agent(App.LOOP).options("--canary-soak", "1s").asInit(asInit).start()) {
      var mold = agent.awaitReady(3).object("mold").integer("pid");
      agent.signal("USR2");
      agent.awaitLine("mold ready.*generation=1");
      hit(agent, mold, signal, 3);
      agent.awaitGeneration(3, 1);
    }
  }

  @ParameterizedTest(
      name = "GEN-08 the new mold gets {0} in the canary''s watch: aborted, the old one stays; {1}")
  @CsvSource({"KILL, LOOP", "STOP, GTHREAD", "TERM, SYNC"})
  void successorDies(String signal, App app) {
    try (var agent = agent(app).options("--canary-soak", "60s").start()) {
      agent.awaitReady(3);
      agent.signal("USR2");
      var mold = ReforkTest.pid(agent.awaitLine("mold ready.*generation=1"));
      agent.awaitLine("canary ready");
      hit(agent, mold, signal, 3);
      agent.awaitLine("refork aborted.*mold-died");
      var status = agent.awaitGeneration(3, 0);
      assertThat(status.object("mold").integer("generation")).isZero();
    }
  }

  /**
   * Signals a mold under load; no request may fail, and within the bounds there are a mold that is
   * another process and all workers.
   */
  private static void hit(AgentProcess agent, int mold, String signal, int workers) {
    try (var load = Load.newConnections(agent.port(), "/pid", 2)) {
      var begun = System.nanoTime();
      Proc.kill(agent.outer(mold), signal);
      agent.awaitStatus(
          "the mold is gone, another exists, all workers are ready",
          s ->
              !s.isNull("mold")
                  && s.object("mold").text("state").equals("ready")
                  && s.object("mold").integer("pid") != mold
                  && !agent.lines("mold exited.*pid=" + mold + " ").isEmpty()
                  && s.list("workers").size() == workers
                  && s.list("workers").stream().allMatch(w -> w.text("state").equals("ready")));
      assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(SPAWN.plus(PROMOTE));
      assertThat(load.stop().failures()).isEmpty();
    }
  }

  @Test
  @DisplayName("GEN-10 the mold is dead and no worker qualifies: a boot mold on the same sockets")
  void nobodyQualifies() throws Exception {
    try (var agent = agent(App.LOOP).start()) {
      var before = agent.awaitReady(3);
      var sockets = listening(agent.pid());
      agent.awaitStatus(
          "no worker is fit to be a mold",
          s -> {
            try {
              Load.get(agent.port(), "/unsafe/because");
            } catch (java.io.IOException e) {
              throw new java.io.UncheckedIOException(e);
            }
            return s.list("workers").stream().allMatch(w -> w.number("served") > 0);
          });
      var pids = agent.workerPids();
      try (var load = Load.newConnections(agent.port(), "/pid", 2)) {
        Proc.kill(before.object("mold").integer("pid"), "KILL");
        var status =
            agent.awaitStatus(
                "a boot mold",
                s -> !s.isNull("mold") && s.object("mold").text("state").equals("ready"));
        assertThat(listening(status.object("mold").integer("pid"))).isEqualTo(sockets).hasSize(1);
        assertThat(load.stop().failures()).isEmpty();
      }
      assertThat(agent.workerPids()).isEqualTo(pids);
      assertThat(agent.lines("starting the application")).hasSize(2);
      assertThat(agent.stop()).isZero();
    }
  }

  /** Inodes of the TCP sockets that a process has open and that listen. */
  private static java.util.Set<String> listening(int pid) {
    var listening =
        Proc.file(pid, "net/tcp").stream()
            .flatMap(String::lines)
            .map(l -> l.strip().split("\\s+"))
            .filter(f -> f.length > 9 && f[3].equals("0A"))
            .map(f -> "socket:[" + f[9] + "]")
            .collect(java.util.stream.Collectors.toSet());
    return Proc.descriptors(pid).stream()
        .map(d -> d.split(" ")[1])
        .filter(listening::contains)
        .collect(java.util.stream.Collectors.toCollection(java.util.TreeSet::new));
  }
}
