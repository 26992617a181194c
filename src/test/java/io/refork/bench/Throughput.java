package io.refork.bench;

import io.refork.process.AgentProcess;
import io.refork.process.Ports;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * PY-07: requests a second and the 99th percentile under the agent and under the same server alone,
 * with the same workers and the same application, measured by turns while both are up: Flask under
 * gunicorn, FastAPI under uvicorn, on a page that does next to nothing, so that all that the shim
 * costs shows.
 */
final class Throughput {
  private static final int WORKERS = 4;
  private static final int PAIRS = number("PAIRS", 12);
  private static final int SECONDS = number("SECONDS", 5);

  /**
   * @param agents what runs it under the agent
   * @param alone the same server without
   */
  private record Rival(
      String name, AgentProcess.Builder agents, List<String> alone, Path folder, String path) {}

  private Throughput() {}

  private static int number(String name, int otherwise) {
    return Integer.parseInt(System.getenv().getOrDefault("PY07_" + name, "" + otherwise));
  }

  static List<Figure> measure() throws Exception {
    var figures = new ArrayList<Figure>();
    figures.addAll(measure(gunicorn("gthread", "4")));
    figures.addAll(measure(gunicorn("sync", "1")));
    figures.addAll(measure(uvicorn()));
    return figures;
  }

  private static Rival gunicorn(String workerClass, String threads) {
    var python = Example.python("flask-shop");
    var folder = Path.of("examples/flask-shop").toAbsolutePath();
    var arguments =
        List.of(
            "-c",
            folder.resolve("gunicorn.conf.py").toString(),
            "--chdir",
            folder.toString(),
            "-k",
            workerClass,
            "--threads",
            threads);
    var alone = new ArrayList<>(List.of(python, "-m", "gunicorn", "--preload"));
    alone.addAll(List.of("--backlog", "2048", "--bind", "127.0.0.1:PORT"));
    alone.addAll(List.of("--workers", "" + WORKERS));
    alone.addAll(arguments);
    return new Rival(
        workerClass,
        AgentProcess.of(python, "-m", "refork", "gunicorn")
            .command(arguments.toArray(String[]::new)),
        alone,
        folder,
        "/health");
  }

  private static Rival uvicorn() {
    var python = Example.python("fastapi-books");
    var folder = Path.of("examples/fastapi-books").toAbsolutePath();
    return new Rival(
        "uvicorn",
        AgentProcess.of(python, "-m", "refork", "uvicorn", "--no-access-log")
            .command("--app-dir", folder.toString(), "main:app"),
        List.of(
            python,
            "-m",
            "uvicorn",
            "--no-access-log",
            "--port",
            "PORT",
            "--workers",
            "" + WORKERS,
            "main:app"),
        folder,
        "/health");
  }

  private static List<Figure> measure(Rival rival) throws Exception {
    int port = Ports.free();
    try (var agent =
            rival
                .agents()
                .options("--workers", "" + WORKERS, "--refork-after", "100000000")
                .start();
        var alone =
            Server.start(
                rival.alone().stream().map(a -> a.replace("PORT", "" + port)).toList(),
                Map.of(),
                rival.folder(),
                port,
                rival.path(),
                Path.of("target/bench/py07-" + rival.name() + ".log"))) {
      agent.awaitReady(WORKERS);
      var ours = "http://127.0.0.1:" + agent.port() + rival.path();
      var theirs = "http://127.0.0.1:" + port + rival.path();
      Wrk.run(ours, 2);
      Wrk.run(theirs, 2);
      var rates = new double[PAIRS];
      var tails = new double[PAIRS];
      var perSecond = new double[PAIRS];
      long errors = 0;
      for (int i = 0; i < PAIRS; i++) {
        // A B, B A, …: neither always runs on what the other left
        var first = Wrk.run(i % 2 == 0 ? ours : theirs, SECONDS);
        var second = Wrk.run(i % 2 == 0 ? theirs : ours, SECONDS);
        var refork = i % 2 == 0 ? first : second;
        var server = i % 2 == 0 ? second : first;
        rates[i] = refork.perSecond() / server.perSecond();
        tails[i] = refork.p99Millis() / server.p99Millis();
        perSecond[i] = refork.perSecond();
        errors += refork.errors();
      }
      var what = "PY-07 " + rival.name();
      return List.of(
          Figure.recorded(
              what + ": requests/s under the agent",
              Traffic.median(perSecond),
              Figure.spread(perSecond),
              ""),
          Figure.atLeast(
              0.97,
              what + ": requests/s ÷ the server alone",
              Traffic.median(rates),
              Figure.spread(rates),
              ""),
          Figure.atMost(
              1.15,
              what + ": p99 ÷ the server alone",
              Traffic.median(tails),
              Figure.spread(tails),
              ""),
          Figure.atMost(0, what + ": failed requests under the agent", errors, "", ""));
    }
  }
}
