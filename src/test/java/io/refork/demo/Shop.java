package io.refork.demo;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.LogWatch;
import io.fabric8.kubernetes.client.readiness.Readiness;
import io.refork.api.WorkerPool;
import io.refork.api.WorkerPoolStatus;
import io.refork.cluster.Ran;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The shop on the cluster of the current kubeconfig: made, asked and told. */
final class Shop implements AutoCloseable {
  static final String POOL = "shop";
  static final String VISITORS = "visitors";

  /** How the files of examples/ call the image. */
  private static final String IMAGE = "refork-example/shop:1";

  private static final Path FILES = Path.of("examples/flask-shop");

  private final Proxy proxy;
  private final KubernetesClient client;
  private final String namespace;
  private final String image;

  /** {@code image}: the shop's, as this cluster's nodes know it. */
  Shop(String namespace, String image) throws IOException {
    this.proxy = new Proxy(namespace);
    this.client = proxy.client();
    this.namespace = namespace;
    this.image = image;
  }

  /** What an earlier run left goes. */
  void clear() throws IOException {
    for (var file : List.of("visitors.yaml", "pool.yaml")) {
      kubectl(read(file), "delete", "--ignore-not-found", "--timeout=80s", "-f", "-");
    }
    kubectl("", "wait", "--for=delete", "pod", "-l", "refork.io/pool=" + POOL, "--timeout=80s");
  }

  /** The pool and its Service come. */
  void open() throws IOException {
    kubectl(read("pool.yaml"), "apply", "-f", "-");
  }

  /** The visitors come, for half an hour. */
  void sendVisitors() throws IOException {
    kubectl(read("visitors.yaml"), "apply", "-f", "-");
    kubectl("", "wait", "--for=condition=Ready", "pod/" + VISITORS, "--timeout=60s");
  }

  /** What they see, a line each second. */
  LogWatch visitors() {
    return client.pods().inNamespace(namespace).withName(VISITORS).watchLog();
  }

  private String read(String file) throws IOException {
    return Files.readString(FILES.resolve(file)).replace(IMAGE, image);
  }

  private void kubectl(String input, String... arguments) {
    var command = new java.util.ArrayList<>(List.of("kubectl", "-n", namespace));
    command.addAll(List.of(arguments));
    Ran.run(Map.of(), input, command).succeeded();
  }

  /** Empty until the operator has written one. */
  Optional<WorkerPoolStatus> status() {
    return Optional.ofNullable(
            client.resources(WorkerPool.class).inNamespace(namespace).withName(POOL).get())
        .map(WorkerPool::getStatus);
  }

  /** Names of the pool's pods that are Ready, in an order that does not change. */
  List<String> pods() {
    return client
        .pods()
        .inNamespace(namespace)
        .withLabel("refork.io/pool", POOL)
        .list()
        .getItems()
        .stream()
        .filter(Readiness::isPodReady)
        .map((Pod p) -> p.getMetadata().getName())
        .sorted()
        .toList();
  }

  /** Through the API server, so it works from wherever kubectl does. */
  Optional<PodReading> reading(String pod) {
    try {
      return Optional.ofNullable(
              client.raw(
                  "/api/v1/namespaces/" + namespace + "/pods/" + pod + ":7300/proxy/metrics"))
          .map(PodReading::of);
    } catch (KubernetesClientException e) {
      return Optional.empty(); // it is gone, or too busy: the next look will tell
    }
  }

  /** Asks every pod to refork once, by the command that is shown. */
  String requestWave() {
    var patch =
        "{\"spec\":{\"refork\":{\"requestedAt\":\""
            + java.time.Instant.now().truncatedTo(java.time.temporal.ChronoUnit.SECONDS)
            + "\"}}}";
    kubectl("", "patch", "wp", POOL, "--type=merge", "-p", patch);
    return "kubectl patch wp " + POOL + " --type=merge -p '" + patch + "'";
  }

  @Override
  public void close() {
    proxy.close();
  }
}
