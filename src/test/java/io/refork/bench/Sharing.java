package io.refork.bench;

import io.refork.process.AgentProcess;
import io.refork.process.Apps;
import io.refork.process.Load;
import io.refork.process.Ports;
import io.refork.process.Proc;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * MEM-01: eight workers that each build the same 150 MB cache, before and after one refork, beside
 * gunicorn --preload.
 */
final class Sharing {
  private static final int WORKERS = 8;
  private static final String CACHE = "/cache/150";
  private static final double MIB = 1 << 20;

  private Sharing() {}

  static List<Figure> measure() throws Exception {
    var figures = new ArrayList<Figure>();
    double alone = gunicornAlone();
    try (var agent =
        AgentProcess.gunicornApp("gthread")
            .options("--workers", "" + WORKERS, "--canary-soak", "1s", "--refork-after", "1000000")
            .start()) {
      agent.awaitReady(WORKERS);
      warm(
          agent.port(),
          () ->
              agent.status().list("workers").stream()
                  .allMatch(w -> Proc.smaps(w.integer("pid"), "Anonymous") > 120 * MIB));
      double before = sum(agent.pid());
      agent.signal("USR2");
      agent.awaitStatus("refork completed", s -> s.integer("level") == 1);
      agent.awaitReady(WORKERS);
      double after = sum(agent.pid());
      figures.add(
          Figure.recorded("MEM-01 ΣPSS of gunicorn --preload, caches built", alone, "", "MiB"));
      figures.add(
          Figure.recorded(
              "MEM-01 ΣPSS under refork before the refork (agent included)", before, "", "MiB"));
      figures.add(Figure.recorded("MEM-01 ΣPSS under refork after it", after, "", "MiB"));
      figures.add(Figure.atMost(1 / 3.0, "MEM-01 after ÷ before", after / before, "", ""));
      figures.add(
          Figure.atMost(1 / 3.0, "MEM-01 after ÷ gunicorn --preload", after / alone, "", ""));
    }
    return figures;
  }

  private static double gunicornAlone() throws Exception {
    int port = Ports.free();
    try (var server =
        Server.start(
            List.of(
                Apps.PYTHON,
                "-m",
                "gunicorn",
                "-k",
                "gthread",
                "--preload",
                "--workers",
                "" + WORKERS,
                "--chdir",
                Apps.directory(),
                "--bind",
                "127.0.0.1:" + port,
                "wsgi_app:application"),
            Server.SHIM,
            Path.of("."),
            port,
            "/pid",
            Path.of("target/bench/mem01-gunicorn.log"))) {
      warm(
          port,
          () ->
              Proc.children(server.pid()).stream()
                  .allMatch(p -> Proc.smaps(p, "Anonymous") > 120 * MIB));
      return sum(server.pid());
    }
  }

  private static double sum(int root) {
    return Proc.tree(root).stream().mapToLong(p -> Proc.smaps(p.pid(), "Pss_Anon")).sum() / MIB;
  }

  /** Requests until every worker has built its cache. */
  private static void warm(int port, java.util.function.BooleanSupplier done) throws Exception {
    long end = System.nanoTime() + 120_000_000_000L;
    try (var load = Load.newConnections(port, CACHE, WORKERS)) {
      while (!done.getAsBoolean()) {
        if (System.nanoTime() > end) {
          throw new IllegalStateException("not every worker built its cache within 120 s");
        }
        Thread.sleep(200);
      }
    }
  }
}
