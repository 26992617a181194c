package io.refork.demo;

import io.refork.api.WorkerPoolStatus;
import io.refork.api.WorkerPoolStatus.State;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * {@code make demo}: the shop of examples/ as a pool on a real node, under load: two reforks by its
 * own thresholds, then a requested wave. Shows {@code kubectl get wp -w} as it goes, then the
 * numbers. The cluster, the images and the operator are there already: build/demo sees to that.
 */
public final class Demo {
  /** More than four times what each step takes on two idle cores; then it ends with what it saw. */
  private static final Duration MOST_START = Duration.ofSeconds(90);

  private static final Duration MOST = Duration.ofMinutes(6);

  /** The agents look at their workers' memory every ten seconds or so. */
  private static final Duration SETTLE = Duration.ofSeconds(20);

  private static final int THRESHOLDS = 2;

  private final Shop shop;
  private final Numbers numbers = new Numbers();
  private final long start = System.nanoTime();
  private State state = State.Idle;
  private int level;
  private String shown = "";

  private Demo(Shop shop) {
    this.shop = shop;
  }

  /**
   * {@code args}: the namespace, the shop's image, and for {@link Next} how to reach the cluster in
   * a new shell and by make.
   */
  public static void main(String[] args) throws Exception {
    boolean complete;
    try (var shop = new Shop(args[0], args[1])) {
      complete = new Demo(shop).run(args[0]);
    }
    System.out.print(Next.text(args[0], args[2], args[3]));
    System.exit(complete ? 0 : 1);
  }

  private boolean run(String namespace) throws Exception {
    shop.clear();
    say("two pods of four workers each: kubectl apply -f examples/flask-shop/pool.yaml");
    shop.open();
    long applied = System.nanoTime();
    try (var lines = new PoolLines(namespace, Shop.POOL, this::line)) {
      if (!ready()) {
        return failed("the pool did not get Ready within " + MOST_START.toSeconds() + " s");
      }
      say(
          "Ready %.0f s after apply. Now visitors: 80 requests/s through the Service",
          (System.nanoTime() - applied) / 1e9);
      shop.sendVisitors();
      try (var visitors = new Visitors(shop.visitors())) {
        boolean complete = reforks(visitors);
        lines.close();
        numbers.report(visitors);
        return complete && visitors.replies().failures().isEmpty();
      }
    }
  }

  private boolean ready() throws InterruptedException {
    long end = System.nanoTime() + MOST_START.toNanos();
    while (System.nanoTime() < end) {
      if (shop.status().filter(s -> is(s, "Ready")).isPresent()) {
        return true;
      }
      Thread.sleep(250);
    }
    return false;
  }

  private static boolean is(WorkerPoolStatus status, String condition) {
    return status.conditions().stream()
        .anyMatch(c -> c.type().equals(condition) && c.status().equals("True"));
  }

  private boolean reforks(Visitors visitors) throws Exception {
    say("each worker fills caches of its own: memory grows, and little of it is shared");
    numbers.begin("generation 0, freshly forked");
    long end = System.nanoTime() + MOST.toNanos();
    awaitLevel(THRESHOLDS, visitors, end);
    if (System.nanoTime() < end) {
      say("now a wave that somebody asks for: %s", shop.requestWave());
      awaitLevel(THRESHOLDS + 1, visitors, end);
    }
    boolean complete = System.nanoTime() < end;
    for (long settled = System.nanoTime(); complete && since(settled) < SETTLE.toNanos(); ) {
      look(visitors);
    }
    numbers.end(visitors.replies());
    return complete
        || failed(
            "three reforks of both pods did not complete within " + MOST.toMinutes() + " minutes");
  }

  /** Until both pods have reforked so often and the operator wants nothing more. */
  private void awaitLevel(int wanted, Visitors visitors, long end) throws InterruptedException {
    while (System.nanoTime() < end) {
      var readings = look(visitors);
      if (state == State.Idle
          && readings.size() == 2
          && readings.values().stream().allMatch(r -> r.level() >= wanted)) {
        return;
      }
    }
  }

  private Map<String, PodReading> look(Visitors visitors) throws InterruptedException {
    Thread.sleep(1_000);
    var readings = readings();
    numbers.add(readings);
    shop.status().ifPresent(s -> tell(s, visitors));
    return readings;
  }

  private static long since(long nanos) {
    return System.nanoTime() - nanos;
  }

  private Map<String, PodReading> readings() {
    var found = new TreeMap<String, PodReading>();
    for (var pod : shop.pods()) {
      shop.reading(pod).ifPresent(r -> found.put(pod, r));
    }
    return found;
  }

  /** What has changed, in words. */
  private void tell(WorkerPoolStatus status, Visitors visitors) {
    var rollout = status.rollout();
    if (rollout.state() == state && rollout.level() == level) {
      return;
    }
    var before = state;
    state = rollout.state();
    switch (state) {
      case Canary -> {
        int refork = rollout.level() + 1;
        numbers.next("after refork " + refork, visitors.replies());
        say(
            "refork %d: one pod first, alone: its warmest worker becomes the mold of all its workers",
            refork);
      }
      case Soaking ->
          say("that pod has reforked; it is watched for ten seconds before the other may");
      case Rolling -> say("it does well: the other pod reforks");
      case Idle -> {
        if (before != State.Idle) {
          say("the operator: %s", rollout.message());
        }
      }
      case Aborted, Paused -> say("the operator: %s", rollout.message());
    }
    level = rollout.level();
  }

  private boolean failed(String what) {
    say("%s. What the operator says:", what);
    shop.status()
        .ifPresentOrElse(
            s -> {
              System.out.println("  " + s.summary() + ": " + s.rollout().message());
              s.conditions()
                  .forEach(
                      c ->
                          System.out.println(
                              "  "
                                  + c.type()
                                  + " "
                                  + c.status()
                                  + " "
                                  + c.reason()
                                  + ": "
                                  + c.message()));
              s.problemPods()
                  .forEach(p -> System.out.println("  " + p.name() + ": " + p.message()));
            },
            () ->
                System.out.println(
                    "  nothing; kubectl -n refork-system logs deployment/refork-operator"));
    return false;
  }

  private synchronized void line(String text) {
    // kubectl repeats a row when something changed that it has no column for
    var row = text.replaceAll("\\s+\\S+\\s*$", "");
    if (!row.equals(shown)) {
      shown = row;
      System.out.println(clock() + "   " + text);
    }
  }

  private synchronized void say(String format, Object... values) {
    System.out.println(clock() + " ─ " + String.format(Locale.ROOT, format, values));
  }

  private String clock() {
    long seconds = (System.nanoTime() - start) / 1_000_000_000;
    return String.format(Locale.ROOT, "%2d:%02d", seconds / 60, seconds % 60);
  }
}
