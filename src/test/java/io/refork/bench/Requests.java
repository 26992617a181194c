package io.refork.bench;

import io.refork.process.AgentProcess;
import io.refork.process.App;
import io.refork.process.Apps;
import io.refork.process.Load;
import io.refork.process.LongRun;
import io.refork.process.Ports;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What a request pays: GEN-02's latency, and a death until its replacement's first reply. */
final class Requests {
  private static final int DEATHS = 15;

  private Requests() {}

  static List<Figure> measure() throws Exception {
    var figures = new ArrayList<Figure>();
    deaths(figures);
    rollout(figures);
    var run = LongRun.run(App.LOOP, 20, 200);
    figures.add(
        Figure.atMost(
            1.05,
            "GEN-14 time of a fork, generation 200 ÷ generation 20",
            run.last().forkMicros() / run.first().forkMicros(),
            Figure.number(run.first().forkMicros() / 1000)
                + " → "
                + Figure.number(run.last().forkMicros() / 1000)
                + " ms",
            ""));
    return figures;
  }

  /** A worker is killed; until its slot's next worker has answered a request, asked every 2 ms. */
  private static void deaths(List<Figure> figures) throws Exception {
    var ours = new double[DEATHS];
    var theirs = new double[DEATHS];
    int port = Ports.free();
    try (var agent = AgentProcess.gunicornApp("gthread").options("--workers", "1").start();
        var alone =
            Server.start(
                List.of(
                    Apps.PYTHON,
                    "-m",
                    "gunicorn",
                    "-k",
                    "gthread",
                    "--preload",
                    "--workers",
                    "1",
                    "--chdir",
                    Apps.directory(),
                    "--bind",
                    "127.0.0.1:" + port,
                    "wsgi_app:application"),
                Server.SHIM,
                Path.of("."),
                port,
                "/pid",
                Path.of("target/bench/death-gunicorn.log"))) {
      agent.awaitReady(1);
      for (int i = 0; i < DEATHS; i++) {
        Thread.sleep(1200); // one that dies within a second of ready is taken for a crash loop
        ours[i] = replyAfterDeath(agent.port());
        theirs[i] = replyAfterDeath(alone.port());
      }
    }
    var ratios = new double[DEATHS];
    for (int i = 0; i < DEATHS; i++) {
      ratios[i] = ours[i] / theirs[i];
    }
    figures.add(
        Figure.recorded(
            "a worker's death to its replacement's first reply, refork",
            Traffic.median(ours),
            Figure.spread(ours),
            "ms"));
    figures.add(
        Figure.recorded(
            "the same, gunicorn --preload alone",
            Traffic.median(theirs),
            Figure.spread(theirs),
            "ms"));
    figures.add(
        Figure.recorded(
            "the same, refork ÷ gunicorn", Traffic.median(ratios), Figure.spread(ratios), ""));
  }

  private static double replyAfterDeath(int port) throws Exception {
    var before = Load.get(port, "/pid");
    int pid = Integer.parseInt(before.split(" ")[1]);
    long begun = System.nanoTime();
    new ProcessBuilder("kill", "-KILL", "" + pid).start().waitFor();
    while (System.nanoTime() - begun < 30_000_000_000L) {
      try {
        if (!Load.get(port, "/pid").equals(before)) {
          return (System.nanoTime() - begun) / 1e6;
        }
      } catch (IOException e) {
        Thread.sleep(2); // it was the dead one's connection
      }
    }
    throw new IllegalStateException("no other worker answered within 30 s");
  }

  /** Four reforks under load; the 99th percentile while they run against before. */
  private static void rollout(List<Figure> figures) throws Exception {
    try (var agent =
        AgentProcess.gunicornApp("gthread", "--threads", "4")
            .options("--workers", "4", "--canary-soak", "2s", "--refork-after", "100000000")
            .start()) {
      agent.awaitReady(4);
      var paths = List.of("/pid", "/sleep/2", "/random");
      try (var traffic = new Traffic(agent.port(), paths, 8, 200)) {
        Thread.sleep(3_000);
        long start = System.nanoTime();
        Thread.sleep(15_000);
        long begun = System.nanoTime();
        for (int level = 1; level <= 4; level++) {
          int wanted = level;
          agent.signal("USR2");
          agent.awaitStatus("refork " + level, s -> s.integer("level") == wanted);
        }
        long end = System.nanoTime();
        var before = traffic.between(start, begun);
        var during = traffic.between(begun, end);
        traffic.close();
        figures.add(
            Figure.recorded(
                "GEN-02 p99 before", before.p99Millis(), before.requests() + " requests", "ms"));
        figures.add(
            Figure.recorded(
                "GEN-02 p99 during four reforks",
                during.p99Millis(),
                during.requests() + " requests",
                "ms"));
        figures.add(
            Figure.atMost(
                2, "GEN-02 p99 during ÷ before", during.p99Millis() / before.p99Millis(), "", ""));
        figures.add(Figure.atMost(0, "GEN-02 failed requests", traffic.failures().size(), "", ""));
      }
    }
  }
}
