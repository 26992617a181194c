package io.refork.bench;

import io.refork.bench.MemoryPlot.Line;
import io.refork.bench.MemoryPlot.Mark;
import io.refork.bench.MemoryPlot.Point;
import io.refork.bench.Replies.Summary;
import io.refork.process.Json;
import io.refork.process.LocalStatus;
import io.refork.process.Ports;
import io.refork.process.Proc;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * {@code make try}: the Flask shop of examples/ under the agent and, at the same time with the same
 * traffic, under {@code gunicorn --preload}; two generations; a table and a plot.
 */
public final class Try {
  private static final int WORKERS = 8;
  private static final int CLIENTS = 8;

  /**
   * Requests a second for each of the two servers: what two cores serve of both without a queue.
   */
  private static final double RATE = 60;

  /** After this much a try says what it has seen instead of waiting on. */
  private static final long MOST_NANOS = 150_000_000_000L;

  private static final double MIB = 1 << 20;

  private final Path shop = Path.of("examples/flask-shop").toAbsolutePath();
  private final Path out = Path.of("target/try");
  private final Path state;
  private final String python = System.getProperty("refork.python", "python3");
  private final int port = Ports.free();
  private final List<Point> ours = new ArrayList<>();
  private final List<Point> theirs = new ArrayList<>();
  private final List<Mark> marks = new ArrayList<>();
  private final List<Row> rows = new ArrayList<>();

  /** What a generation looked like when it ended. */
  private record Row(String name, double pss, String shared, Summary traffic) {}

  private Try() throws IOException {
    state = Files.createTempDirectory("refork-try");
  }

  public static void main(String[] args) throws Exception {
    System.exit(new Try().run() ? 0 : 1);
  }

  private boolean run() throws Exception {
    System.out.println(
        "The Flask shop of examples/flask-shop, "
            + WORKERS
            + " workers, "
            + (int) RATE
            + " requests/s to each of two servers: under refork, and under gunicorn --preload. About a minute.");
    var paths = Files.readAllLines(paths());
    int other = Ports.free();
    try (var refork =
            Server.start(command(), Map.of(), shop, port, "/", out.resolve("refork.log"));
        var gunicorn =
            Server.start(
                List.of(
                    python,
                    "-m",
                    "gunicorn",
                    "-c",
                    "gunicorn.conf.py",
                    "--preload",
                    "--workers",
                    "" + WORKERS,
                    "--bind",
                    "127.0.0.1:" + other),
                Map.of(),
                shop,
                other,
                "/",
                out.resolve("gunicorn.log"));
        var traffic = new Traffic(port, paths, CLIENTS, RATE);
        var same = new Traffic(other, paths, CLIENTS, RATE)) {
      var complete = watch(refork, gunicorn, traffic, same);
      traffic.close();
      same.close();
      report(traffic, same, complete);
      return complete && rows.stream().allMatch(r -> r.traffic().failures() == 0);
    }
  }

  /** Real visitors' paths, as the example makes them. */
  private Path paths() throws Exception {
    Files.createDirectories(out);
    var file = out.resolve("paths.txt").toAbsolutePath();
    var process =
        new ProcessBuilder(python, "paths.py", "4000")
            .directory(shop.toFile())
            .redirectOutput(file.toFile())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    if (process.waitFor() != 0) {
      throw new IllegalStateException("examples/flask-shop/paths.py failed");
    }
    return file;
  }

  private List<String> command() {
    return List.of(
        Path.of("target/agent/bin/refork").toAbsolutePath().toString(),
        "run",
        "--workers",
        "" + WORKERS,
        "--listen",
        "127.0.0.1:" + port,
        "--control",
        "127.0.0.1:" + Ports.free(),
        "--state-dir",
        state.toString(),
        "--refork-after",
        "100,200",
        "--refork-min-interval",
        "0s",
        "--canary-soak",
        "3s",
        "--",
        python,
        "-m",
        "refork",
        "gunicorn",
        "-c",
        "gunicorn.conf.py");
  }

  private boolean watch(Server refork, Server gunicorn, Traffic traffic, Traffic same)
      throws Exception {
    long start = System.nanoTime();
    long since = start;
    int level = 0;
    var seen = "";
    long settled = 0;
    tree("generation 0: freshly forked");
    while (System.nanoTime() - start < MOST_NANOS) {
      Thread.sleep(1000);
      double seconds = (System.nanoTime() - start) / 1e9;
      ours.add(new Point(seconds, refork.sum("Pss_Anon") / MIB));
      theirs.add(new Point(seconds, gunicorn.sum("Pss_Anon") / MIB));
      var status = LocalStatus.of(state);
      var id = status.isNull("refork") ? "" : status.object("refork").text("id");
      if (!id.equals(seen)) {
        seen = id;
        rows.add(row(rows.size(), refork, status, traffic.between(since, System.nanoTime())));
        since = System.nanoTime();
        marks.add(new Mark(seconds, "refork " + rows.size()));
        tree("refork " + rows.size() + " begins");
      }
      if (status.integer("level") > level) {
        level = status.integer("level");
        tree("refork " + level + " completed");
        settled = System.nanoTime();
      }
      if (level == 2 && System.nanoTime() - settled > 10_000_000_000L) {
        rows.add(row(rows.size(), refork, status, traffic.between(since, System.nanoTime())));
        rows.add(
            new Row(
                "gunicorn --preload",
                gunicorn.sum("Pss_Anon"),
                shared(gunicorn),
                same.between(start, System.nanoTime())));
        return true;
      }
    }
    System.out.println("Two reforks did not complete in time; see target/try/refork.log");
    return false;
  }

  private Row row(int level, Server refork, Json status, Summary traffic) {
    var memory = status.object("memory");
    var shared =
        memory.isNull("sharedRatio") ? "unknown" : Table.percent(memory.real("sharedRatio"));
    return new Row("refork, generation " + level, refork.sum("Pss_Anon"), shared, traffic);
  }

  /** The same ratio for a server that does not tell it: over its workers. */
  private static String shared(Server server) {
    var workers = Proc.children(server.pid());
    double resident = workers.stream().mapToLong(p -> Proc.smaps(p, "Anonymous")).sum();
    double alone = workers.stream().mapToLong(p -> Proc.smaps(p, "Private_Dirty")).sum();
    return Table.percent(1 - alone / resident);
  }

  private void tree(String title) throws Exception {
    System.out.println("\n-- " + title);
    System.out.flush();
    new ProcessBuilder("target/agent/bin/refork", "status", "--state-dir", state.toString())
        .inheritIO()
        .start()
        .waitFor();
  }

  private void report(Traffic traffic, Traffic same, boolean complete) throws IOException {
    var table =
        new Table(
            Stream.concat(Stream.of("", "ΣPSS MiB", "shared"), Table.trafficColumns().stream())
                .toArray(String[]::new));
    for (var row : rows) {
      table.row(
          row.name(),
          Stream.concat(
              Stream.of(Table.mebibytes(row.pss()), row.shared()), Table.traffic(row.traffic())));
    }
    System.out.print("\n" + table);
    System.out.println(
        "ΣPSS: anonymous memory at the end of that time, agent, molds and workers (gunicorn: arbiter and"
            + " workers); a generation's traffic includes the refork that made it.");
    traffic.failures().forEach(f -> System.out.println("refork: " + f));
    same.failures().forEach(f -> System.out.println("gunicorn: " + f));
    var plot = out.resolve("memory.svg");
    Files.writeString(
        plot,
        MemoryPlot.svg(
            "Anonymous memory of 8 workers under the same traffic",
            List.of(
                new Line("refork", "#0072b2", ours),
                new Line("gunicorn --preload", "#d55e00", theirs)),
            marks));
    System.out.println("Memory over time: " + plot + (complete ? "" : " (incomplete)"));
  }
}
