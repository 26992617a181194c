package io.refork.node;

import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.refork.cluster.Binaries;
import io.refork.cluster.Ran;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;

/**
 * A real Kubernetes of one node on this machine, with the project's images. All tests of a run
 * share it; pods and Services are reached by their addresses.
 */
final class Node {
  /** Images by the archives that build/images makes. */
  private static final List<String> IMAGES =
      List.of("operator", "agent", "shop", "hello", "noshell", "ownuid", "musl");

  /** The shared one, or why there is none: every test says so, not only the first. */
  private static @Nullable Node shared;

  private static @Nullable Throwable failed;

  private final String name;
  private final Path folder;
  private final KubernetesClient client;

  /** The one of this JVM, started when first asked for and taken down when the JVM ends. */
  static synchronized Node shared() {
    if (shared == null && failed == null) {
      try {
        shared = start();
      } catch (AssertionError | RuntimeException e) {
        failed = e;
      }
    }
    if (shared == null) {
      throw new IllegalStateException(failed.getMessage(), failed);
    }
    return shared;
  }

  private Node(String name) {
    this.name = name;
    this.folder = Path.of("/var/lib/refork-cluster", name);
    var config = Config.fromKubeconfig(kubeconfig().toFile());
    // The client takes every key that does not say what it is for RSA.
    config.setClientKeyAlgo("EC");
    this.client = new KubernetesClientBuilder().withConfig(config).build();
  }

  private static Node start() {
    var name = System.getProperty("refork.node.name", "test");
    var missing =
        Stream.of("build/cluster/up", "build/cluster/load")
            .map(Path::of)
            .filter(p -> !Files.isExecutable(p))
            .toList();
    if (!missing.isEmpty()) {
      throw new IllegalStateException("not in the project's folder: " + missing + " is missing");
    }
    var archives = IMAGES.stream().map(image -> Path.of("target/images", image + ".tar")).toList();
    for (var archive : archives) {
      if (!Files.exists(archive)) {
        throw new IllegalStateException(
            archive + " is missing: `make test` brings it; by hand: build/images");
      }
    }
    Binaries.of("kubelet");
    boolean keep = System.getProperty("refork.node.keep") != null;
    if (!keep) {
      // One that a killed run has left may hold anything.
      bounded("build/cluster/down", name);
    }
    bounded("build/cluster/up", name);
    if (!keep) {
      Runtime.getRuntime().addShutdownHook(new Thread(() -> bounded("build/cluster/down", name)));
    }
    var load = new ArrayList<>(List.of("build/cluster/load", name));
    archives.forEach(archive -> load.add(archive.toString()));
    bounded(load.toArray(String[]::new));
    return new Node(name);
  }

  /** A cluster that does not come up says so long before this. */
  private static void bounded(String... command) {
    Ran.run(Duration.ofMinutes(3), Map.of(), "", List.of(command)).succeeded();
  }

  /** As the cluster's administrator. Not to be closed. */
  KubernetesClient client() {
    return client;
  }

  /** The administrator's. */
  Path kubeconfig() {
    return folder.resolve("kubeconfig");
  }

  /** The cluster's files: {@code logs/*.log} and {@code run/}. */
  Path folder() {
    return folder;
  }

  /** kubectl as administrator. */
  Ran kubectl(String... arguments) {
    return kubectlWith("", arguments);
  }

  /** kubectl with {@code input} on stdin, for {@code -f -}. */
  Ran kubectlWith(String input, String... arguments) {
    return run("kubectl", input, arguments);
  }

  /** helm as administrator. */
  Ran helm(String... arguments) {
    return run("helm", "", arguments);
  }

  private Ran run(String program, String input, String... arguments) {
    var command = new ArrayList<>(List.of(Binaries.of(program).toString()));
    command.addAll(List.of(arguments));
    return Ran.run(
        Map.of(
            "KUBECONFIG",
            kubeconfig().toString(),
            "KUBECACHEDIR",
            folder.resolve("kubectl-cache").toString()),
        input,
        command);
  }

  /** Another name for an image that the cluster has. */
  void tag(String image, String other) {
    var socket = folder.resolve("run/containerd.sock").toString();
    Ran.run(
            Map.of(),
            "",
            List.of(
                Binaries.of("ctr").toString(),
                "--address",
                socket,
                "--namespace",
                "k8s.io",
                "images",
                "tag",
                "--force",
                image,
                other))
        .succeeded();
  }

  /**
   * A new namespace that enforces restricted pods, ready for pods: it has its default service
   * account. One of this name that an earlier run has left is deleted first.
   */
  String namespace(String name) {
    delete(name);
    client
        .resource(
            new NamespaceBuilder()
                .withNewMetadata()
                .withName(name)
                .addToLabels("pod-security.kubernetes.io/enforce", "restricted")
                .endMetadata()
                .build())
        .create();
    await("the default service account of " + name)
        .until(() -> client.serviceAccounts().inNamespace(name).withName("default").get() != null);
    return name;
  }

  /** Deletes a namespace with all that is in it, and waits until it is gone. */
  void delete(String namespace) {
    if (client.namespaces().withName(namespace).get() == null) {
      return;
    }
    client.namespaces().withName(namespace).delete();
    await(namespace + " is gone")
        .until(() -> client.namespaces().withName(namespace).get() == null);
  }

  /** Deletes a namespace at the end of a test; nobody waits for it. */
  void leave(String namespace) {
    client.namespaces().withName(namespace).delete();
  }

  /** Awaits for a minute at most, looking four times a second. */
  static org.awaitility.core.ConditionFactory await(String what) {
    return Awaitility.await(what)
        .atMost(Duration.ofSeconds(60))
        .pollInterval(Duration.ofMillis(250))
        .pollDelay(Duration.ZERO);
  }

  /** A file's text. */
  static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public String toString() {
    return "cluster " + name;
  }
}
