package io.refork.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * FORK-13, 15: workers that leave on purpose: there are too many, or they have served their share.
 */
class RecycleTest {
  @TempDir Path dir;

  @Test
  @DisplayName("FORK-13 two workers, eight, one: the pool follows the file and the surplus drains")
  void desired() throws Exception {
    var config = dir.resolve("refork.json");
    write(config, 2);
    try (var agent =
        AgentProcess.loopApp()
            .options("--config", config.toString(), "--refork-after", "off")
            .start()) {
      var two = new HashSet<>(pids(agent.awaitReady(2)));
      try (var load = Load.newConnections(agent.port(), "/sleep/20", 4);
          var kept = Load.keepAlive(agent.port(), "/sleep/20", 4)) {
        write(config, 8);
        assertThat(pids(agent.awaitReady(8))).containsAll(two);
        write(config, 1);
        var one = agent.awaitReady(1);
        assertThat(one.list("workers").getFirst().integer("slot")).isZero();
        assertThat(two).containsAll(pids(one));
        assertThat(load.stop().failures()).isEmpty();
        assertThat(kept.stop().failures()).isEmpty();
      }
      assertThat(agent.status().object("counters").object("workerExits").integer("requested"))
          .isEqualTo(7);
      assertThat(agent.lines("level=error|refork error")).isEmpty();
    }
  }

  private static java.util.List<Integer> pids(Json status) {
    return status.list("workers").stream().map(w -> w.integer("pid")).toList();
  }

  /** In one step, as an editor or a ConfigMap does it. */
  private void write(Path config, int workers) throws Exception {
    var next = Files.writeString(dir.resolve("next"), "{\"workers\": " + workers + "}");
    Files.move(next, config, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
  }

  @ParameterizedTest(
      name =
          "FORK-15 {0} workers with --max-requests {1} leave after their share, no request fails")
  @CsvSource({"3, 200+-50, loop", "1, 200+-50, loop", "2, 300+-100, gthread"})
  void recycled(int workers, String share, String server) {
    var builder = server.equals("loop") ? AgentProcess.loopApp() : AgentProcess.gunicornApp(server);
    try (var agent =
        builder
            .options("--workers", Integer.toString(workers))
            .options("--max-requests", share, "--refork-after", "off")
            .start()) {
      agent.awaitReady(workers);
      try (var load = Load.newConnections(agent.port(), "/", 3);
          var kept = Load.keepAlive(agent.port(), "/", 2)) {
        agent.awaitStatus(
            "every slot recycled twice",
            s -> {
              assertThat(ready(s)).isGreaterThanOrEqualTo(workers == 1 ? 1 : workers - 1);
              return exits(s) >= 2 * workers;
            });
        var fresh = load.stop();
        var reused = kept.stop();
        assertThat(fresh.failures()).isEmpty();
        assertThat(reused.failures()).isEmpty();
      }
      var lines = agent.lines("worker exited .*reason=recycled");
      assertThat(lines).hasSizeGreaterThanOrEqualTo(2 * workers);
      assertThat(agent.lines("worker exited .*reason=(crashed|killed)")).isEmpty();
    }
  }

  private static long ready(Json status) {
    return status.list("workers").stream().filter(w -> w.text("state").equals("ready")).count();
  }

  private static int exits(Json status) {
    var counts = status.object("counters").object("workerExits");
    return counts.isNull("recycled") ? 0 : counts.integer("recycled");
  }
}
