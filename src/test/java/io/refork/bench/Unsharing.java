package io.refork.bench;

import io.refork.process.LocalStatus;
import io.refork.process.Proc;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;

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
        var seen = new LinkedHashMap<String, List<Seen>>();
        for (int time = 1; time <= TIMES; time++) {
          for (var variant : VARIANTS) {
            if (variants.isEmpty() || List.of(variants.split(";")).contains(variant.getKey())) {
              var one = measure(example, variant.getValue());
              System.out.println(example.name() + ", " + variant.getKey() + ": " + one);
              seen.computeIfAbsent(variant.getKey(), v -> new ArrayList<>()).add(one);
            }
          }
        }
        seen.forEach((name, all) -> figures.add(figure(example.name() + ", " + name, all)));
      }
    }
    return figures;
  }

  /**
   * ΣPSS in MiB when warm, after the refork and after the same traffic again, and what each worker
   * then has alone, by kind of mapping.
   */
  private record Seen(double warm, double shared, double later, Map<Dirt.Kind, Double> alone) {}

  private static Figure figure(String what, List<Seen> all) {
    var kinds = new StringBuilder();
    for (var kind : Dirt.Kind.values()) {
      double mebibytes = median(all, s -> s.alone().getOrDefault(kind, 0.0));
      kinds.append(" %s %.1f".formatted(kind.name().toLowerCase(Locale.ROOT), mebibytes));
    }
    return Figure.recorded(
        what,
        median(all, Seen::later),
        Figure.spread(all.stream().mapToDouble(Seen::later).toArray())
            + "; warm %.0f, after the refork %.0f; then private in each worker:%s"
                .formatted(median(all, Seen::warm), median(all, Seen::shared), kinds),
        "MiB");
  }

  private static double median(List<Seen> all, ToDoubleFunction<Seen> of) {
    return Traffic.median(all.stream().mapToDouble(of).toArray());
  }

  private static Seen measure(Example example, Map<String, String> setting) throws Exception {
    var state = Files.createTempDirectory("refork-bench");
    var environment = new java.util.HashMap<>(setting);
    environment.put("PYTHONPATH", Path.of("src/test/apps/settings").toAbsolutePath().toString());
    try (var refork = example.refork(WORKERS, state, environment)) {
      visit(refork.port(), example.paths(), WARM);
      double warm = pss(refork);
      Proc.kill(refork.pid(), "USR2");
      Examples.await(state, 1);
      double shared = pss(refork);
      visit(refork.port(), example.paths(), AFTER);
      var alone = new EnumMap<Dirt.Kind, Double>(Dirt.Kind.class);
      Dirt.of(workers(state)).forEach((kind, bytes) -> alone.put(kind, bytes / MIB / WORKERS));
      return new Seen(warm, shared, pss(refork), alone);
    }
  }

  private static double pss(Server refork) {
    return (refork.sum("Pss_Anon") - Proc.smaps(refork.pid(), "Pss_Anon")) / MIB;
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
