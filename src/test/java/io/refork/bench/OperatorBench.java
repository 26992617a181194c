package io.refork.bench;

import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.refork.api.WorkerPool;
import io.refork.api.WorkerPoolStatus;
import io.refork.cluster.Cluster;
import io.refork.cluster.OperatorProcess;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.function.Predicate;

/**
 * {@code make bench-operator}: one operator with a thousand pools and ten thousand pods on this
 * machine's API server, kubelet and agents played, into bench/results/operator.md. Other numbers:
 * {@code POOLS=50 PODS=10}.
 */
public final class OperatorBench {
  /** Everything runs on the same two cores: ten thousand pods take minutes to come up. */
  private static final Duration BOUND = Duration.ofMinutes(25);

  private static final Duration STEADY = Duration.ofSeconds(60);

  /** As the chart's limit of 512 MiB leaves it. */
  private static final int HEAP_MIB = 256;

  private static final int NAMESPACES = 10;

  private final int poolCount;
  private final int podsPerPool;
  private final Cluster cluster = Cluster.start();
  private final List<String> namespaces = new ArrayList<>();
  private final List<Figure> figures = new ArrayList<>();

  private OperatorBench(int poolCount, int podsPerPool) {
    this.poolCount = poolCount;
    this.podsPerPool = podsPerPool;
  }

  public static void main(String[] args) throws Exception {
    var bench = new OperatorBench(Integer.parseInt(args[0]), Integer.parseInt(args[1]));
    try {
      bench.measure();
    } finally {
      bench.cluster.close();
    }
    var missed = bench.figures.stream().anyMatch(Figure::missed);
    bench.write();
    System.exit(missed ? 1 : 0);
  }

  private void measure() throws Exception {
    for (int i = 0; i < NAMESPACES; i++) {
      namespaces.add(cluster.controlPlane().namespace());
    }
    cluster.kubelet().withoutFiles();
    var setup =
        OperatorProcess.of(cluster)
            .in(cluster.controlPlane().namespace())
            .heap(HEAP_MIB)
            .with("REFORK_POLL_INTERVAL", "10s");
    try (var operator = setup.start().awaitReady()) {
      long began = System.nanoTime();
      create();
      var created = since(began);
      add(Figure.recorded("pools created by the test within", created, "", "s"));
      awaitAll("first statuses", s -> s.observedGeneration() >= 1);
      add(
          Figure.atMost(
              180, "first status of all pools, from the first create on", since(began), "", "s"));
      awaitAll("all pods in the statuses", s -> s.memory().pods() == podsPerPool);
      add(
          Figure.recorded(
              "every pod up and its agent's report in a status", since(began), "", "s"));
      steady(operator, "");
      operator.kill();
      began = System.nanoTime();
      operator.start();
      operator.awaitReady();
      add(Figure.recorded("restarted: ready after", since(began), "", "s"));
      steady(operator, ", after a restart");
    }
  }

  private void create() throws Exception {
    try (var threads = Executors.newFixedThreadPool(4)) {
      for (int i = 0; i < poolCount; i++) {
        var pool = pool(namespaces.get(i % NAMESPACES), "pool-" + i);
        threads.submit(() -> cluster.controlPlane().client().resource(pool).create());
      }
    }
  }

  private GenericKubernetesResource pool(String namespace, String name) {
    return Serialization.unmarshal(
        """
        apiVersion: refork.io/v1alpha1
        kind: WorkerPool
        metadata: {namespace: %s, name: %s}
        spec:
          replicas: %d
          workers: 4
          template:
            spec:
              nodeName: played
              containers:
              - name: app
                image: registry.example/shop:1
                command: [python, -m, refork, gunicorn, shop.wsgi]
        """
            .formatted(namespace, name, podsPerPool),
        GenericKubernetesResource.class);
  }

  private void awaitAll(String what, Predicate<WorkerPoolStatus> enough)
      throws InterruptedException {
    long end = System.nanoTime() + BOUND.toNanos();
    long done = 0;
    while (done < poolCount) {
      if (System.nanoTime() > end) {
        throw new IllegalStateException(
            what + ": " + done + " of " + poolCount + " after " + BOUND);
      }
      Thread.sleep(1000);
      done =
          namespaces.stream()
              .flatMap(n -> list(n).stream())
              .filter(p -> Optional.ofNullable(p.getStatus()).filter(enough).isPresent())
              .count();
      System.out.println(what + ": " + done);
    }
  }

  private List<WorkerPool> list(String namespace) {
    // From the watch cache: the bench must not load etcd.
    return cluster
        .controlPlane()
        .client()
        .resources(WorkerPool.class)
        .inNamespace(namespace)
        .list(
            new io.fabric8.kubernetes.api.model.ListOptionsBuilder()
                .withResourceVersion("0")
                .build())
        .getItems();
  }

  /** Waits until it has become quiet, then looks for a minute. */
  private void steady(OperatorProcess operator, String when) throws InterruptedException {
    var audit = cluster.controlPlane().audit();
    long began = System.nanoTime();
    long moment;
    do {
      moment = audit.now();
      Thread.sleep(Duration.ofSeconds(15));
    } while (!audit.writesSince(moment, operator.user()).isEmpty() && since(began) < 600);
    add(Figure.recorded("quiet after" + when, since(began) - 15, "", "s"));
    moment = audit.now();
    var cpu = operator.cpu();
    var asked = operator.metric("refork_agent_requests_total");
    Thread.sleep(STEADY);
    var writes = audit.writesSince(moment, operator.user());
    add(Figure.atMost(0, "writes in a minute but the lease's" + when, writes.size(), "", "writes"));
    add(
        Figure.atMost(
            1,
            "CPU" + when,
            operator.cpu().minus(cpu).toMillis() / 1e3 / STEADY.toSeconds(),
            "over a minute",
            "cores"));
    add(
        Figure.recorded(
            "agents asked" + when,
            (operator.metric("refork_agent_requests_total") - asked) / STEADY.toSeconds(),
            "",
            "1/s"));
    add(
        Figure.atMost(
            512, "resident memory" + when, operator.residentBytes() / 1048576.0, "", "MiB"));
    add(
        Figure.atMost(
            512,
            "highest resident memory" + when,
            operator.peakResidentBytes() / 1048576.0,
            "",
            "MiB"));
    add(
        Figure.atLeast(
            99, "passes within 250 ms" + when, within250(operator.metrics()), "since start", "%"));
    writes.stream().limit(5).forEach(w -> System.out.println("unexpected: " + w));
  }

  private static double within250(String metrics) {
    var name = "refork_reconcile_duration_seconds";
    double within = 0;
    double all = 0;
    for (var line : metrics.split("\n")) {
      var value = line.substring(line.lastIndexOf(' ') + 1);
      if (line.startsWith(name + "_bucket") && line.contains("le=\"0.25\"")) {
        within += Double.parseDouble(value);
      } else if (line.startsWith(name + "_count")) {
        all += Double.parseDouble(value);
      }
    }
    return 100 * within / all;
  }

  private void add(Figure figure) {
    System.out.println(figure.row());
    figures.add(figure);
  }

  private void write() throws Exception {
    var lines = new ArrayList<String>();
    lines.add("# " + LocalDate.now(ZoneOffset.UTC) + ": make bench-operator");
    lines.add("");
    lines.add(
        "%d pools with %d pods each. Operator, kube-apiserver, etcd, controllers, the played kubelet and the simulated agents share this machine:"
            .formatted(poolCount, podsPerPool));
    lines.add(Bench.machine() + ". Load of the machine at the end: " + load() + ".");
    lines.add("");
    lines.add(
        "Operator: Java " + Runtime.version() + ", -Xmx" + HEAP_MIB + "m, polling every 10 s");
    lines.add("");
    lines.add("| figure | value | how | bar | |");
    lines.add("|---|---|---|---|---|");
    figures.forEach(f -> lines.add(f.row()));
    var file = Path.of("bench/results/operator.md");
    Files.write(file, lines);
    System.out.println("Written to " + file);
  }

  private static String load() throws Exception {
    return Files.readString(Path.of("/proc/loadavg")).split(" ")[0];
  }

  private static double since(long began) {
    return (System.nanoTime() - began) / 1e9;
  }
}
