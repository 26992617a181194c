package io.refork.bench;

import io.refork.process.LocalStatus;
import io.refork.process.Proc;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * What takes memory apart again after a refork: the same traffic on the examples, one setting of
 * malloc or of the garbage collector at a time; private pages by kind of mapping.
 */
final class Unsharing {
  private static final int WORKERS = 4;
  private static final int CLIENTS = 8;
  private static final double RATE = 80;
  private static final double MIB = 1 << 20;
  private static final int WARM = number("WARM", 2000);
  private static final int AFTER = number("AFTER", 2000);
  private static final int TIMES = number("TIMES", 3);

  /** Settings by name; src/test/apps/settings/sitecustomize.py obeys BENCH_*. */
  private static final List<Map.Entry<String, Map<String, String>>> VARIANTS =
      List.of(
          Map.entry("default", Map.of()),
          Map.entry("MALLOC_ARENA_MAX=1", Map.of("MALLOC_ARENA_MAX", "1")),
          Map.entry("MALLOC_ARENA_MAX=2", Map.of("MALLOC_ARENA_MAX", "2")),
          Map.entry("PYTHONMALLOC=malloc", Map.of("PYTHONMALLOC", "malloc")),
          Map.entry(
              "PYTHONMALLOC=malloc, MALLOC_ARENA_MAX=1",
              Map.of("PYTHONMALLOC", "malloc", "MALLOC_ARENA_MAX", "1")),
          Map.entry("MALLOC_TOP_PAD_=4 MiB", Map.of("MALLOC_TOP_PAD_", "4194304")),
          Map.entry("MALLOC_TRIM_THRESHOLD_=64 MiB", Map.of("MALLOC_TRIM_THRESHOLD_", "67108864")),
          Map.entry("malloc_trim before freezing", Map.of("BENCH_TRIM", "1")),
          Map.entry("gc thresholds 10000, 20, 20 in workers", Map.of("BENCH_GC", "10000,20,20")),
          Map.entry("gc off in workers", Map.of("BENCH_GC", "0,0,0")),
          Map.entry("without gc.freeze", Map.of("BENCH_UNFREEZE", "1")));

  private Unsharing() {}

  private static int number(String name, int otherwise) {
    return Integer.parseInt(System.getenv().getOrDefault("UNSHARING_" + name, "" + otherwise));
  }

  static List<Figure> measure() throws Exception {
    var figures = new ArrayList<Figure>();
    var examples =
        System.getenv().getOrDefault("UNSHARING_EXAMPLES", "flask-shop,django-notes,fastapi-books");
    var variants = System.getenv().getOrDefault("UNSHARING_VARIANTS", "");
    for (var example : List.of(Example.flask(), Example.django(), Example.fastapi())) {
      if (examples.contains(example.name())) {
        for (int time = 1; time <= TIMES; time++) {
          for (var variant : VARIANTS) {
            if (variants.isEmpty() || List.of(variants.split(";")).contains(variant.getKey())) {
              var figure = measure(example, variant.getKey(), variant.getValue());
              System.out.println(figure.row());
              figures.add(figure);
            }
          }
        }
      }
    }
    return figures;
  }

  private static Figure measure(Example example, String name, Map<String, String> setting)
      throws Exception {
    var state = Files.createTempDirectory("refork-bench");
    var environment = new java.util.HashMap<>(setting);
    environment.put("PYTHONPATH", Path.of("src/test/apps/settings").toAbsolutePath().toString());
    try (var refork = example.refork(WORKERS, state, environment)) {
      visit(refork.port(), example.paths(), WARM);
      double warm = pss(refork);
      Proc.kill(refork.pid(), "USR2");
      Examples.await(state, 1);
      double first = pss(refork);
      var before = Dirt.of(workers(state));
      double own = anonymous(state);
      visit(refork.port(), example.paths(), AFTER);
      double later = pss(refork);
      var after = new EnumMap<Dirt.Kind, String>(Dirt.Kind.class);
      Dirt.of(workers(state))
          .forEach(
              (kind, bytes) ->
                  after.put(
                      kind,
                      "%.1f → %.1f"
                          .formatted(
                              before.getOrDefault(kind, 0L) / MIB / WORKERS,
                              bytes / MIB / WORKERS)));
      return Figure.recorded(
          example.name() + ", " + name + ": ΣPSS after " + AFTER + " requests",
          later,
          "warm %.0f, after the refork %.0f; per worker: anonymous %.1f → %.1f, private %s"
              .formatted(warm, first, own, anonymous(state), after),
          "MiB");
    }
  }

  private static double pss(Server refork) {
    return (refork.sum("Pss_Anon") - Proc.smaps(refork.pid(), "Pss_Anon")) / MIB;
  }

  /** Of a worker on average: what is new makes this grow, what was copied does not. */
  private static double anonymous(Path state) {
    return workers(state).stream().mapToLong(p -> Proc.smaps(p, "Anonymous")).sum() / MIB / WORKERS;
  }

  private static List<Integer> workers(Path state) {
    return LocalStatus.of(state).list("workers").stream().map(w -> w.integer("pid")).toList();
  }

  private static void visit(int port, List<String> paths, int requests)
      throws InterruptedException {
    try (var traffic = Traffic.unkept(port, paths, CLIENTS, RATE)) {
      long end = System.nanoTime() + 180_000_000_000L;
      while (traffic.between(0, Long.MAX_VALUE).requests() < requests) {
        if (System.nanoTime() > end) {
          throw new IllegalStateException(requests + " requests took more than three minutes");
        }
        Thread.sleep(50);
      }
    }
  }
}
