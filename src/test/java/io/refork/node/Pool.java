package io.refork.node;

import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.ServiceBuilder;
import io.fabric8.kubernetes.client.readiness.Readiness;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.refork.api.WorkerPool;
import io.refork.api.WorkerPoolStatus;
import io.refork.cluster.Ran;
import io.refork.process.Load;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.awaitility.core.ConditionTimeoutException;

/**
 * A pool as a user has one: applied by kubectl, looked at in its status, asked through a Service.
 */
record Pool(Node node, String namespace, String name) {
  /** Longer than any test loads a pool. */
  private static final Duration MOST = Duration.ofMinutes(4);

  /** Creates it, or changes it to {@code spec}, the YAML below {@code spec:}. */
  Pool apply(String spec) {
    node.kubectlWith(
            """
            apiVersion: refork.io/v1alpha1
            kind: WorkerPool
            metadata: {name: %s, namespace: %s}
            spec:
            %s
            """
                .formatted(name, namespace, spec.indent(2)),
            "apply",
            "-f",
            "-")
        .succeeded();
    return this;
  }

  /** A merge patch of its spec. */
  Pool patch(String spec) {
    node.kubectl(
            "patch", "-n", namespace, "wp", name, "--type=merge", "-p", "{\"spec\":" + spec + "}")
        .succeeded();
    return this;
  }

  /** Asks for a wave. */
  Pool request(String token) {
    return patch("{\"refork\":{\"requestedAt\":\"" + token + "\"}}");
  }

  /** Whether the wave of this token has ended, and how. */
  Optional<String> ended(String token) {
    return status()
        .map(WorkerPoolStatus::rollout)
        .flatMap(rollout -> Optional.ofNullable(rollout.ledger()))
        .flatMap(ledger -> Optional.ofNullable(ledger.request()))
        .filter(request -> request.token().equals(token) && request.endedAt() != null)
        .map(request -> String.valueOf(request.outcome()));
  }

  Optional<WorkerPoolStatus> status() {
    return Optional.ofNullable(
            node.client().resources(WorkerPool.class).inNamespace(namespace).withName(name).get())
        .map(WorkerPool::getStatus);
  }

  /** Waits for a status that is as wanted; fails with the last one. */
  WorkerPoolStatus await(String what, Duration bound, Predicate<WorkerPoolStatus> until) {
    try {
      return Node.await(what)
          .atMost(bound)
          .until(this::status, s -> s.filter(until).isPresent())
          .orElseThrow();
    } catch (ConditionTimeoutException e) {
      throw new AssertionError(
          e.getMessage() + "\n" + Serialization.asYaml(status().orElse(null)), e);
    }
  }

  /** Waits until all of this many pods are Ready and all workers of each. */
  WorkerPoolStatus awaitReady(int pods) {
    return await(
        "pool " + name + " has " + pods + " ready pods",
        Duration.ofSeconds(60),
        s ->
            s.readyReplicas() == pods
                && s.replicas() == pods
                && s.workers().desired() > 0
                && s.workers().ready() == s.workers().desired()
                && is(s, "Ready"));
  }

  /** Whether a condition is True. */
  static boolean is(WorkerPoolStatus status, String condition) {
    return status.conditions().stream()
        .anyMatch(c -> c.type().equals(condition) && c.status().equals("True"));
  }

  /** Its line of {@code kubectl get wp}: column to text, empty where there is nothing. */
  Map<String, String> row() {
    var lines = node.kubectl("get", "wp", name, "-n", namespace).succeeded().out().lines().toList();
    var row = new LinkedHashMap<String, String>();
    var heads = Pattern.compile("\\S+").matcher(lines.getFirst()).results().toList();
    for (int i = 0; i < heads.size(); i++) {
      var line = lines.get(1);
      int begin = Math.min(heads.get(i).start(), line.length());
      int end = i + 1 < heads.size() ? heads.get(i + 1).start() : line.length();
      row.put(heads.get(i).group(), line.substring(begin, Math.min(end, line.length())).strip());
    }
    return row;
  }

  /** Of all containers of its pods. */
  int restarts() {
    return pods().stream()
        .flatMap(pod -> pod.getStatus().getContainerStatuses().stream())
        .mapToInt(ContainerStatus::getRestartCount)
        .sum();
  }

  /** Its pods, also those that end. */
  List<Pod> pods() {
    return node.client()
        .pods()
        .inNamespace(namespace)
        .withLabel("refork.io/pool", name)
        .list()
        .getItems();
  }

  /** Of the pods that are Ready and do not end. */
  List<String> readyPods() {
    return pods().stream()
        .filter(pod -> pod.getMetadata().getDeletionTimestamp() == null)
        .filter(Readiness::isPodReady)
        .map(pod -> pod.getMetadata().getName())
        .sorted()
        .toList();
  }

  /** UIDs of all its pods. */
  List<String> uids() {
    return pods().stream().map(pod -> pod.getMetadata().getUid()).sorted().toList();
  }

  /** A command in the application's container of a pod. */
  Ran exec(String pod, String... command) {
    var words = new ArrayList<>(List.of("exec", "-n", namespace, pod, "-c", "app", "--"));
    words.addAll(List.of(command));
    return node.kubectl(words.toArray(String[]::new));
  }

  /** A Service in front of it, if it has none yet; its address. */
  String address() {
    var service =
        new ServiceBuilder()
            .withNewMetadata()
            .withName(name)
            .withNamespace(namespace)
            .endMetadata()
            .withNewSpec()
            .addToSelector("refork.io/pool", name)
            .addNewPort()
            .withPort(80)
            .withNewTargetPort("http")
            .endPort()
            .endSpec()
            .build();
    return node.client().resource(service).serverSideApply().getSpec().getClusterIP();
  }

  /** Load through the Service, by connections that are kept and by new ones. */
  Visitors visitors(double perSecond, List<String> paths) {
    int clients = 4;
    var pause = Duration.ofNanos((long) (1e9 * 2 * clients / perSecond));
    var address = address();
    // A new Service is there before kube-proxy has heard of it.
    Node.await("the Service answers")
        .ignoreExceptionsInstanceOf(IOException.class)
        .until(() -> !Load.get(address, 80, paths.getFirst()).isEmpty());
    return new Visitors(
        Load.start(new Load.Aim(address, 80, paths, true, pause, MOST), clients),
        Load.start(new Load.Aim(address, 80, paths, false, pause, MOST), clients));
  }

  /** Both kinds of visitors. Close them, or ask for {@link #failures()} at the end. */
  record Visitors(Load kept, Load fresh) implements AutoCloseable {
    long requests() {
      return kept.requests() + fresh.requests();
    }

    /** Ends the load; every request that failed, with its time and why. */
    List<String> failures() {
      var all = new ArrayList<>(kept.stop().failures());
      all.addAll(fresh.stop().failures());
      return all;
    }

    @Override
    public void close() {
      kept.close();
      fresh.close();
    }
  }

  @Override
  public String toString() {
    return pods().stream()
        .map(p -> p.getMetadata().getName() + (Readiness.isPodReady(p) ? " Ready" : ""))
        .collect(Collectors.joining(", ", name + ": ", ""));
  }
}
