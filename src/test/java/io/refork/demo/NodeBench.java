package io.refork.demo;

import io.refork.bench.Bench;
import io.refork.bench.Figure;
import io.refork.bench.Replies.Summary;
import io.refork.cluster.Ran;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * {@code make bench-node}: the shop three times on one node, at the same time under the same
 * traffic: as a pool, under {@code gunicorn --preload}, and under gunicorn alone. One pod of eight
 * workers each.
 */
public final class NodeBench {
  private static final double MIB = 1 << 20;

  /** For each of the three: what two cores serve of all of them without a queue. */
  private static final int PER_SECOND = 25;

  /** At 25 requests/s every worker has served 450: nearly all of the shop's categories. */
  private static final Duration WARM = Duration.ofSeconds(150);

  private static final Duration BETWEEN = Duration.ofSeconds(60);
  private static final Duration MOST_REFORK = Duration.ofSeconds(120);
  private static final String POOL = "shop";
  private static final List<String> SERVERS = List.of(POOL, "preload", "plain");

  private final String namespace;
  private final List<Figure> figures = new ArrayList<>();
  private final Map<String, Visitors> visitors = new LinkedHashMap<>();

  private NodeBench(String namespace) {
    this.namespace = namespace;
  }

  /** {@code args}: the namespace. The cluster has the images, and no operator yet. */
  public static void main(String[] args) throws Exception {
    var bench = new NodeBench(args[0]);
    bench.install();
    bench.sizes();
    try (var proxy = new Proxy(args[0])) {
      bench.run(proxy);
    }
    var versions =
        "Kubernetes "
            + bench
                .kubectl("", "version")
                .out()
                .lines()
                .filter(l -> l.startsWith("Server"))
                .findFirst()
                .orElse("")
                .replaceFirst(".*: ", "")
            + ", commit "
            + Bench.output("git", "rev-parse", "--short", "HEAD");
    System.out.println(
        "Written to " + Bench.write(bench.figures, "node", "make bench-node", versions));
    System.exit(bench.figures.stream().anyMatch(Figure::missed) ? 1 : 0);
  }

  private void install() {
    long begun = System.nanoTime();
    Ran.run(
            Map.of(),
            "",
            List.of(
                "helm",
                "install",
                "refork",
                "helm/refork",
                "--namespace",
                "refork-system",
                "--create-namespace",
                "--wait",
                "--timeout",
                "80s",
                "--set",
                "poll.interval=2s"))
        .succeeded();
    record(Figure.atMost(60, "helm install to Ready", seconds(begun), "", "s"));
  }

  private void sizes() throws IOException {
    size("operator", 300);
    size("agent", 90);
  }

  /** Layers as they lie unpacked on a node. */
  private void size(String image, int bar) throws IOException {
    var archive = Path.of("target/images/" + image + ".tar");
    var unpacked =
        Ran.run(
                Map.of(),
                "",
                List.of(
                    "sh",
                    "-c",
                    "tar -xf "
                        + archive
                        + " --wildcards 'blobs/sha256/*' --to-command='gzip -dc 2>/dev/null || true' | wc -c"))
            .succeeded();
    var bytes = Double.parseDouble(unpacked.out().strip());
    if (bytes < Files.size(archive)) {
      throw new IllegalStateException(
          archive + " unpacks to " + bytes + " bytes, less than itself: its layers are not gzip");
    }
    record(
        Figure.atMost(
            bar,
            image + " image, unpacked",
            bytes / 1e6,
            Math.round(Files.size(archive) / 1e6) + " MB as an archive",
            "MB"));
  }

  private void run(Proxy proxy) throws Exception {
    var pool =
        read("examples/flask-shop/pool.yaml")
            .replace("replicas: 2", "replicas: 1")
            .replace("workers: 4", "workers: 8")
            .replace("limits: {memory: 1Gi}", "limits: {memory: 2Gi}")
            .replaceAll("afterRequests: .*", "policy: Manual");
    long applied = System.nanoTime();
    kubectl(pool, "apply", "-f", "-");
    kubectl("", "wait", "--for=condition=Ready", "wp/" + POOL, "--timeout=80s");
    record(Figure.atMost(20, "pool: apply to Ready, image present", seconds(applied), "", "s"));
    var deployment = read("bench/node.yaml");
    kubectl(
        deployment.replace("NAME", "preload").replace("OPTION", "--preload"), "apply", "-f", "-");
    kubectl(deployment.replace("NAME", "plain").replace(", OPTION", ""), "apply", "-f", "-");
    for (var name : List.of("preload", "plain")) {
      kubectl("", "wait", "--for=condition=Available", "deployment/" + name, "--timeout=80s");
    }
    visit(proxy);
    var fresh = System.nanoTime();
    pause("all three warm up", WARM);
    measure(proxy, "before any refork", fresh);
    for (int level = 1; level <= 2; level++) {
      long begun = System.nanoTime();
      refork(proxy, level);
      record(
          Figure.recorded(
              "refork " + level + " of 8 workers, canary included", seconds(begun), "", "s"));
      traffic("during refork " + level, begun);
      long after = System.nanoTime();
      pause("traffic goes on", BETWEEN);
      measure(proxy, "a minute after refork " + level, after);
    }
    for (var name : SERVERS) {
      record(
          Figure.atMost(
              0,
              name(name) + ": failed requests",
              visitors.get(name).replies().failures().size(),
              "",
              ""));
    }
  }

  private void visit(Proxy proxy) throws IOException {
    for (var name : SERVERS) {
      kubectl(
          read("examples/flask-shop/visitors.yaml")
              .replace("name: visitors", "name: visitors-" + name)
              .replace("SHOP_SERVICE", name.toUpperCase(java.util.Locale.ROOT) + "_SERVICE")
              .replace("\"80\"", "\"" + PER_SECOND + "\""),
          "apply",
          "-f",
          "-");
    }
    for (var name : SERVERS) {
      var pod = "visitors-" + name;
      kubectl("", "wait", "--for=condition=Ready", "pod/" + pod, "--timeout=60s");
      visitors.put(
          name,
          new Visitors(proxy.client().pods().inNamespace(namespace).withName(pod).watchLog()));
    }
  }

  private void refork(Proxy proxy, int level) throws Exception {
    kubectl(
        "",
        "patch",
        "wp",
        POOL,
        "--type=merge",
        "-p",
        "{\"spec\":{\"refork\":{\"requestedAt\":\"level " + level + "\"}}}");
    long end = System.nanoTime() + MOST_REFORK.toNanos();
    while (System.nanoTime() < end) {
      var metrics =
          proxy
              .client()
              .raw(
                  "/api/v1/namespaces/"
                      + namespace
                      + "/pods/"
                      + pod(proxy, POOL).getMetadata().getName()
                      + ":7300/proxy/metrics");
      if (metrics != null && PodReading.of(metrics).level() >= level) {
        return;
      }
      Thread.sleep(500);
    }
    throw new IllegalStateException(
        "refork " + level + " did not complete within " + MOST_REFORK.toSeconds() + " s");
  }

  private static void pause(String why, Duration time) throws InterruptedException {
    System.out.println("-- " + why + ", " + time.toSeconds() + " s");
    Thread.sleep(time);
  }

  private io.fabric8.kubernetes.api.model.Pod pod(Proxy proxy, String server) {
    return proxy
        .client()
        .pods()
        .inNamespace(namespace)
        .withLabel(server.equals(POOL) ? "refork.io/pool" : "app", server)
        .list()
        .getItems()
        .getFirst();
  }

  private void measure(Proxy proxy, String when, long since) {
    var found = new LinkedHashMap<String, PodMemory>();
    for (var name : SERVERS) {
      found.put(name, PodMemory.of(pod(proxy, name).getMetadata().getUid()));
    }
    found.forEach(
        (name, memory) -> {
          var spread =
              "ΣPSS with code %.0f, unshared %.0f, %d processes"
                  .formatted(memory.all() / MIB, memory.resident() / MIB, memory.processes());
          record(
              Figure.recorded(
                  when + ": " + name(name) + ", ΣPSS", memory.proportional() / MIB, spread, "MiB"));
          record(
              Figure.recorded(
                  when + ": " + name(name) + ", cgroup's working set",
                  memory.workingSet() / MIB,
                  "",
                  "MiB"));
        });
    for (var other : List.of("preload", "plain")) {
      record(
          Figure.recorded(
              when + ": working set of the pool's pod ÷ " + name(other) + "'s",
              found.get(POOL).workingSet() / found.get(other).workingSet(),
              "",
              ""));
    }
    traffic(when, since);
  }

  private void traffic(String when, long since) {
    for (var name : SERVERS) {
      Summary seen = visitors.get(name).replies().between(since, System.nanoTime());
      record(
          Figure.recorded(
              when + ": " + name(name) + ", p99",
              seen.p99Millis(),
              "p50 %.1f ms, %d requests, %d failed"
                  .formatted(seen.p50Millis(), seen.requests(), seen.failures()),
              "ms"));
    }
  }

  private static String name(String server) {
    return switch (server) {
      case "preload" -> "gunicorn --preload";
      case "plain" -> "gunicorn";
      default -> "refork";
    };
  }

  private void record(Figure figure) {
    System.out.println(figure.row());
    figures.add(figure);
  }

  private static double seconds(long since) {
    return (System.nanoTime() - since) / 1e9;
  }

  private static String read(String file) throws IOException {
    return Files.readString(Path.of(file));
  }

  private Ran kubectl(String input, String... arguments) {
    var command = new ArrayList<>(List.of("kubectl", "-n", namespace));
    command.addAll(List.of(arguments));
    return Ran.run(Map.of(), input, command).succeeded();
  }
}
