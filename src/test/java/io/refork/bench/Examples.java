package io.refork.bench;

import io.refork.process.LocalStatus;
import io.refork.process.Proc;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Memory of the applications in examples/ under the agent and, at the same time with the same
 * traffic, under the same server alone: before a refork, after the first and the second, and after
 * some more minutes.
 */
final class Examples {
  private static final int WORKERS = 8;
  private static final int CLIENTS = 16;

  /** Requests a second for each server, each on a connection of its own. */
  private static final double RATE = Double.parseDouble(setting("RATE", "60"));

  private static final Duration WARM = seconds("WARM", "90");
  private static final Duration SETTLE = seconds("SETTLE", "30");
  private static final Duration LATER = seconds("LATER", "180");
  private static final double MIB = 1 << 20;

  private Examples() {}

  private static String setting(String name, String otherwise) {
    return System.getenv().getOrDefault("EXAMPLES_" + name, otherwise);
  }

  private static Duration seconds(String name, String otherwise) {
    return Duration.ofSeconds(Long.parseLong(setting(name, otherwise)));
  }

  static List<Figure> measure() throws Exception {
    var figures = new ArrayList<Figure>();
    var wanted = setting("ONLY", "flask-shop,django-notes,fastapi-books");
    for (var example : List.of(Example.flask(), Example.django(), Example.fastapi())) {
      if (wanted.contains(example.name())) {
        figures.addAll(measure(example));
      }
    }
    return figures;
  }

  private static List<Figure> measure(Example example) throws Exception {
    var state = Files.createTempDirectory("refork-bench");
    var figures = new ArrayList<Figure>();
    var alone = new TreeMap<String, Server>();
    var traffic = new ArrayList<Traffic>();
    try (var refork = example.refork(WORKERS, state, Map.of())) {
      try {
        example.alone().keySet().forEach(s -> alone.put(s, example.alone(s, WORKERS)));
        traffic.add(Traffic.unkept(refork.port(), example.paths(), CLIENTS, RATE));
        for (var server : alone.values()) {
          traffic.add(Traffic.unkept(server.port(), example.paths(), CLIENTS, RATE));
        }
        Thread.sleep(WARM);
        row(figures, example, "warm, before a refork", refork, alone);
        for (int level = 1; level <= 2; level++) {
          Proc.kill(refork.pid(), "USR2");
          await(state, level);
          Thread.sleep(SETTLE);
          row(figures, example, level + (level == 1 ? " refork" : " reforks"), refork, alone);
        }
        Thread.sleep(LATER);
        row(figures, example, LATER.toSeconds() + " s of traffic later", refork, alone);
        figures.add(
            Figure.recorded(
                example.name() + ", then: all of it, pages of files and the agent included",
                refork.sum("Pss") / MIB,
                "agent alone " + Figure.number(Proc.smaps(refork.pid(), "Pss") / MIB),
                "MiB"));
        alone.forEach(
            (name, server) ->
                figures.add(
                    Figure.recorded(
                        example.name() + ", then: the same, " + name,
                        server.sum("Pss") / MIB,
                        "",
                        "MiB")));
      } finally {
        traffic.forEach(Traffic::close);
        alone.values().forEach(Server::close);
      }
      var names = new ArrayList<>(List.of("refork"));
      names.addAll(alone.keySet());
      for (int i = 0; i < names.size(); i++) {
        for (var failure : traffic.get(i).failures()) {
          System.out.println(example.name() + ", " + names.get(i) + ": " + failure);
        }
      }
      figures.add(
          Figure.atMost(
              0,
              example.name() + ": failed requests under the agent",
              traffic.getFirst().failures().size(),
              traffic.getFirst().between(0, Long.MAX_VALUE).requests() + " requests",
              ""));
    }
    return figures;
  }

  static void await(Path state, int level) throws InterruptedException {
    long end = System.nanoTime() + Duration.ofMinutes(3).toNanos();
    while (true) {
      var status = LocalStatus.of(state);
      if (status.integer("level") >= level
          && !status.isNull("refork")
          && !status.object("refork").text("outcome").equals("running")) {
        return;
      }
      if (System.nanoTime() > end) {
        throw new IllegalStateException("refork " + level + " did not complete within 3 minutes");
      }
      Thread.sleep(200);
    }
  }

  /** ΣPSS of anonymous memory, without the agent, and what one worker has of it. */
  private static void row(
      List<Figure> figures,
      Example example,
      String when,
      Server refork,
      Map<String, Server> alone) {
    double ours = (refork.sum("Pss_Anon") - Proc.smaps(refork.pid(), "Pss_Anon")) / MIB;
    add(figures, example.name() + ", " + when + ": refork", ours, workers(refork), "");
    alone.forEach(
        (name, server) -> {
          double theirs = server.sum("Pss_Anon") / MIB;
          add(
              figures,
              example.name() + ", " + when + ": " + name,
              theirs,
              workers(server),
              "; refork ÷ it " + Figure.number(ours / theirs));
        });
  }

  private static void add(
      List<Figure> figures, String what, double value, double[] workers, String more) {
    figures.add(Figure.recorded(what, value, "workers of " + Figure.spread(workers) + more, "MiB"));
  }

  /** Anonymous memory of each of the largest processes, as many as there are workers. */
  private static double[] workers(Server server) {
    return server.processes().stream()
        .filter(p -> p != server.pid())
        .mapToDouble(p -> Proc.smaps(p, "Anonymous") / MIB)
        .sorted()
        .skip(Math.max(0, server.processes().size() - 1 - WORKERS))
        .toArray();
  }
}
