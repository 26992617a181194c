package io.refork.node;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.readiness.Readiness;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.refork.cluster.Ran;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The chart, installed as a user does it.
 *
 * @param name of the release
 * @param namespace of the operator
 */
record Release(Node node, String name, String namespace) {
  private static final String CHART = "helm/refork";

  /** Where most tests find their operator. */
  static final String HOME = "refork-system";

  /** Tests wait for what the operator sees: it looks once a second, not every ten. */
  private static final List<String> QUICK = List.of("poll.interval=1s", "leaderElection.lease=5s");

  /**
   * The operator that most tests share, for all namespaces; installed unless it is there. Nobody
   * takes it away but {@link #clear}.
   */
  static Release shared(Node node) {
    var release = new Release(node, "refork", HOME);
    if (node.client().namespaces().withName(HOME).get() == null) {
      node.namespace(HOME);
    }
    release.upgrade().succeeded();
    return release.awaitReady();
  }

  @JsonIgnoreProperties(ignoreUnknown = true)
  private record Listed(String name, String namespace) {}

  /** Takes every release, the CRD with all pools, and the namespaces of operators away. */
  static void clear(Node node) {
    var list = node.helm("list", "--all-namespaces", "--all", "-o", "json").succeeded().out();
    for (var release : Serialization.unmarshal(list, Listed[].class)) {
      node.helm("uninstall", release.name(), "--namespace", release.namespace(), "--wait")
          .succeeded();
    }
    node.kubectl("delete", "crd", "workerpools.refork.io", "--ignore-not-found", "--timeout=60s")
        .succeeded();
    // What was not installed by Helm: deploy/refork.yaml.
    node.kubectl(
            "delete",
            "clusterrole,clusterrolebinding",
            "--selector=app.kubernetes.io/part-of=refork",
            "--ignore-not-found")
        .succeeded();
    node.delete(HOME);
  }

  /** {@code helm upgrade --install} of the chart of this source tree, with these values. */
  Ran upgrade(String... values) {
    return upgradeTo(CHART, values);
  }

  /** The same of another chart. */
  Ran upgradeTo(String chart, String... values) {
    var all = new ArrayList<>(QUICK);
    all.addAll(List.of(values));
    return helm(List.of("upgrade", "--install", name, chart), all);
  }

  private Ran helm(List<String> words, List<String> values) {
    var command = new ArrayList<>(words);
    command.addAll(List.of("--namespace", namespace));
    values.forEach(value -> command.addAll(List.of("--set", value)));
    return node.helm(command.toArray(String[]::new));
  }

  /** {@code helm uninstall}, until its objects are gone. */
  Ran uninstall() {
    return node.helm("uninstall", name, "--namespace", namespace, "--wait");
  }

  /** Waits until one operator is Ready and no pod of an older revision is left. */
  Release awaitReady() {
    Node.await("the operator in " + namespace + " is ready")
        .untilAsserted(
            () -> {
              var deployment =
                  node.client()
                      .apps()
                      .deployments()
                      .inNamespace(namespace)
                      .withLabels(LABELS)
                      .list()
                      .getItems()
                      .getFirst();
              var status = deployment.getStatus();
              if (!deployment.getMetadata().getGeneration().equals(status.getObservedGeneration())
                  || !deployment.getSpec().getReplicas().equals(status.getUpdatedReplicas())
                  || !status.getUpdatedReplicas().equals(status.getReadyReplicas())
                  || pods().size() != status.getReadyReplicas()) {
                throw new AssertionError(status.toString());
              }
            });
    return this;
  }

  private static final Map<String, String> LABELS =
      Map.of("app.kubernetes.io/name", "refork-operator");

  /** Of the operator. */
  List<Pod> pods() {
    return node.client().pods().inNamespace(namespace).withLabels(LABELS).list().getItems();
  }

  /** Whether every pod of it is Ready. */
  boolean ready() {
    return !pods().isEmpty() && pods().stream().allMatch(Readiness::isPodReady);
  }

  /** What all of its pods have logged, and their predecessors. */
  String log() {
    return node.kubectl(
            "logs", "-n", namespace, "-l", "app.kubernetes.io/name=refork-operator", "--tail=-1")
        .succeeded()
        .out();
  }
}
