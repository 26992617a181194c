package io.refork.cluster;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fabric8.kubernetes.api.model.ServiceAccountBuilder;
import io.fabric8.kubernetes.api.model.rbac.ClusterRoleBindingBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.awaitility.Awaitility;

/**
 * The packaged operator as a process of its own, with a service account of its own, so that the
 * audit log tells its requests from others'. It can be killed, stopped and started again.
 */
public final class OperatorProcess implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration START_BOUND = Duration.ofSeconds(60);
  private static final String ACCOUNT = "refork-operator";

  /** As the image starts it, but for the heap, which {@link Setup#heap} says. */
  private static final List<String> JVM =
      List.of(
          "-XX:+UseSerialGC",
          "-XX:TieredStopAtLevel=1",
          "-Xss512k",
          "--enable-native-access=ALL-UNNAMED",
          "--sun-misc-unsafe-memory-access=allow");

  /** How it is started. Immutable; {@link #start} begins. */
  public record Setup(
      Cluster cluster,
      String namespace,
      Optional<Path> kubeconfig,
      int heapMiB,
      Map<String, String> settings) {

    /** The namespace it lives in, with its lease and its key; empty: a new one. */
    public Setup in(String itsNamespace) {
      return new Setup(cluster, itsNamespace, kubeconfig, heapMiB, settings);
    }

    /** Whose rights it has; else a service account that may do everything. */
    public Setup as(Path file) {
      return new Setup(cluster, namespace, Optional.of(file), heapMiB, settings);
    }

    /** The largest heap; 96 MiB unless told. */
    public Setup heap(int mebibytes) {
      return new Setup(cluster, namespace, kubeconfig, mebibytes, settings);
    }

    /** An environment variable. */
    public Setup with(String variable, String value) {
      var more = new TreeMap<>(settings);
      more.put(variable, value);
      return new Setup(cluster, namespace, kubeconfig, heapMiB, more);
    }

    /** Only the pools of these namespaces. */
    public Setup watching(String... namespaces) {
      return with("REFORK_WATCH_NAMESPACES", String.join(",", namespaces));
    }

    /** Starts it; {@link OperatorProcess#awaitReady} waits for it. */
    public OperatorProcess start() {
      return new OperatorProcess(this);
    }
  }

  private final Setup setup;
  private final String user;
  private final int port = ControlPlane.freePort();
  private final Map<String, String> environment = new TreeMap<>();
  private final Path log;
  private final HttpClient http = HttpClient.newHttpClient();
  private Child child;

  /** One that asks its agents every second. */
  public static Setup of(Cluster cluster) {
    return new Setup(cluster, "", Optional.empty(), 96, Map.of("REFORK_POLL_INTERVAL", "1s"));
  }

  private OperatorProcess(Setup setup) {
    this.setup = setup;
    var controlPlane = setup.cluster().controlPlane();
    var home = setup.namespace().isEmpty() ? controlPlane.namespace() : setup.namespace();
    user = "system:serviceaccount:" + home + ":" + ACCOUNT;
    var kubeconfig = setup.kubeconfig().orElseGet(() -> allowEverything(controlPlane, home));
    log = controlPlane.folder().resolve("operator-" + port + ".log");
    environment.put("KUBECONFIG", kubeconfig.toString());
    environment.put("HOSTNAME", "operator-" + port);
    environment.put("REFORK_NAMESPACE", home);
    environment.put("REFORK_AGENT_PORT", Integer.toString(setup.cluster().agents().port()));
    environment.put("REFORK_POLL_LOOPBACK", "true");
    environment.put("QUARKUS_HTTP_HOST", "127.0.0.1");
    environment.put("QUARKUS_HTTP_PORT", Integer.toString(port));
    environment.putAll(setup.settings());
    start();
  }

  private static Path allowEverything(ControlPlane controlPlane, String home) {
    var client = controlPlane.client();
    client
        .resource(
            new ServiceAccountBuilder()
                .withNewMetadata()
                .withNamespace(home)
                .withName(ACCOUNT)
                .endMetadata()
                .build())
        .serverSideApply();
    client
        .resource(
            new ClusterRoleBindingBuilder()
                .withNewMetadata()
                .withName(ACCOUNT + "-" + home)
                .endMetadata()
                .withNewRoleRef("rbac.authorization.k8s.io", "ClusterRole", "cluster-admin")
                .addNewSubject("", "ServiceAccount", ACCOUNT, home)
                .build())
        .serverSideApply();
    return controlPlane.kubeconfig(home, ACCOUNT);
  }

  /** Starts it again with the same settings after {@link #kill} or {@link #terminate}. */
  public void start() {
    var jar = Path.of(System.getProperty("refork.operator", "target/quarkus-app/quarkus-run.jar"));
    if (!Files.exists(jar)) {
      throw new IllegalStateException(jar.toAbsolutePath() + " is missing: `make build` makes it");
    }
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin/java").toString());
    command.addAll(JVM);
    command.add("-Xmx" + setup.heapMiB() + "m");
    command.add("-jar");
    command.add(jar.toString());
    child = Child.start("the operator", log, environment, command);
  }

  /** Waits until it leads, or waits for a leader to fail. */
  public OperatorProcess awaitReady() {
    Awaitility.await("the operator is ready")
        .atMost(START_BOUND)
        .pollInterval(Duration.ofMillis(100))
        .failFast(
            () -> {
              if (!child.alive()) {
                throw new AssertionError("the operator has ended:\n" + child.tail());
              }
            })
        .until(() -> status("/readyz") == 200);
    return this;
  }

  /** Whether it runs. */
  public boolean alive() {
    return child.alive();
  }

  /** SIGKILL, and waits until it is gone. */
  public void kill() {
    child.close();
  }

  /** SIGTERM, and waits until it is gone; its exit code. */
  public int terminate() {
    child.signal("TERM");
    return child.awaitExit(Duration.ofSeconds(30));
  }

  /** Any signal, by name. */
  public void signal(String name) {
    child.signal(name);
  }

  /** Its exit code, once it has ended by itself. */
  public int awaitExit(Duration bound) {
    return child.awaitExit(bound);
  }

  /** The namespace it lives in. */
  public String namespace() {
    return environment.get("REFORK_NAMESPACE");
  }

  /** Its name in the audit log, unless it runs {@link Setup#as} somebody else. */
  public String user() {
    return user;
  }

  public long pid() {
    return child.pid();
  }

  /** Everything that it and its forerunners printed. */
  public String output() {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The end of it, for the message of a failure. */
  public String tail() {
    return child.tail();
  }

  /** The same as JSON; lines that are none are left out. */
  public List<JsonNode> logged() {
    return output().lines().filter(line -> line.startsWith("{")).flatMap(this::parsed).toList();
  }

  /** Lines of level ERROR or FATAL. */
  public List<String> errors() {
    return logged().stream()
        .filter(l -> List.of("ERROR", "FATAL").contains(l.path("level").asText()))
        .map(l -> l.path("message").asText())
        .toList();
  }

  private Stream<JsonNode> parsed(String line) {
    try {
      return Stream.of(JSON.readTree(line));
    } catch (IOException e) {
      return Stream.empty(); // killed while it wrote
    }
  }

  /** Where probes and metrics are, on 127.0.0.1. */
  public int port() {
    return port;
  }

  /** What {@code /metrics} says. */
  public String metrics() {
    return get("/metrics").body();
  }

  /** The sum over all series of that name, 0 when there is none. */
  public double metric(String name) {
    return metrics()
        .lines()
        .filter(l -> l.startsWith(name + " ") || l.startsWith(name + "{"))
        .mapToDouble(l -> Double.parseDouble(l.substring(l.lastIndexOf(' ') + 1)))
        .sum();
  }

  /** Resident memory in bytes. */
  public long residentBytes() {
    return procStatus("VmRSS") * 1024;
  }

  /** The highest it was. */
  public long peakResidentBytes() {
    return procStatus("VmHWM") * 1024;
  }

  /** CPU time since its start. */
  public Duration cpu() {
    return ProcessHandle.of(pid()).flatMap(p -> p.info().totalCpuDuration()).orElse(Duration.ZERO);
  }

  @Override
  public void close() {
    child.close();
    http.close();
  }

  private long procStatus(String field) {
    try (var lines = Files.lines(Path.of("/proc/" + pid() + "/status"))) {
      return lines
          .filter(l -> l.startsWith(field + ":"))
          .mapToLong(l -> Long.parseLong(l.replaceAll("[^0-9]", "")))
          .findFirst()
          .orElse(0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private int status(String path) {
    try {
      return get(path).statusCode();
    } catch (UncheckedIOException e) {
      return 0;
    }
  }

  private HttpResponse<String> get(String path) {
    try {
      var request =
          HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
              .timeout(Duration.ofSeconds(10))
              .build();
      return http.send(request, HttpResponse.BodyHandlers.ofString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
