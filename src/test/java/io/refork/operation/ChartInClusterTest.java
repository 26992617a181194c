package io.refork.operation;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.authorization.v1.SubjectAccessReviewBuilder;
import io.refork.cluster.ControlPlane;
import io.refork.cluster.Helm;
import io.refork.cluster.Ran;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Helm at work in a cluster: what it finds there decides what the chart makes. */
class ChartInClusterTest {
  private static final String MONITORS =
      "podmonitors.monitoring.coreos.com,servicemonitors.monitoring.coreos.com,prometheusrules.monitoring.coreos.com";

  /** With the Prometheus Operator's kinds, which the shared one does not have. */
  private static ControlPlane cluster;

  @BeforeAll
  static void start() {
    cluster = ControlPlane.start();
    kubectl("apply", "-f", "src/test/resources/monitoring/crds.yaml").succeeded();
    kubectl("wait", "--for=condition=Established", "crd", "--all").succeeded();
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  @Test
  @DisplayName(
      "K8S-08 install, upgrade to other values, uninstall, install again: the CRD and its pools stay")
  void life() {
    var home = cluster.namespace();
    assertThat(helm(home, "install").out()).contains("manages the worker pools of all namespaces");
    awaitCrd();
    kubectl("-n", home, "apply", "-f", "deploy/samples/minimal.yaml").succeeded();
    var pool = get(home, "workerpool", "{.items[*].metadata.uid}");
    helm(
        home,
        "upgrade",
        "highAvailability.enabled=true",
        "networkPolicy.enabled=true",
        "dashboards.install=true",
        "poll.interval=5s");
    assertThat(get(home, "deployment", "{.items[*].spec.replicas}")).isEqualTo("2");
    assertThat(get(home, "poddisruptionbudget", "{.items[*].metadata.name}"))
        .isEqualTo("refork-operator");
    helm(home, "upgrade", "highAvailability.enabled=false");
    assertThat(get(home, "deployment", "{.items[*].spec.replicas}")).isEqualTo("1");
    Helm.on(cluster.kubeconfig(), "uninstall", "refork", "-n", home, "--wait").succeeded();
    assertThat(get(home, "deployment,service,role,podmonitor", "{.items[*].metadata.name}"))
        .isEmpty();
    assertThat(get(home, "crd/workerpools.refork.io", "{.metadata.deletionTimestamp}")).isEmpty();
    helm(home, "install");
    assertThat(get(home, "workerpool", "{.items[*].metadata.uid}")).isEqualTo(pool);
    Helm.on(cluster.kubeconfig(), "uninstall", "refork", "-n", home).succeeded();
  }

  @Test
  @DisplayName("K8S-07 monitors are made where the cluster knows them, and admitted")
  void monitors() {
    var home = cluster.namespace();
    var notes = helm(home, "install", "crd.install=false", "watchNamespaces={" + home + "}").out();
    assertThat(notes).contains("Prometheus finds PodMonitor, PrometheusRule, ServiceMonitor");
    assertThat(get(home, MONITORS, "{.items[*].kind}"))
        .isEqualTo("PodMonitor ServiceMonitor PrometheusRule");
    assertThat(get(home, "podmonitor", "{.items[0].spec.namespaceSelector.matchNames[0]}"))
        .isEqualTo(home);
    assertThat(get(home, "servicemonitor", "{.items[0].spec.endpoints[0].honorLabels}"))
        .isEqualTo("true");
    Helm.on(cluster.kubeconfig(), "uninstall", "refork", "-n", home).succeeded();
  }

  @Test
  @DisplayName("K8S-07 the same without Helm, field by field as the kinds have them")
  void monitorsAsFile() {
    kubectl("create", "namespace", "refork-system").succeeded();
    assertThat(
            kubectl(
                    "apply",
                    "--dry-run=server",
                    "--server-side",
                    "--validate=strict",
                    "-f",
                    "deploy/monitoring.yaml")
                .succeeded()
                .err())
        .isEmpty();
  }

  @Test
  @DisplayName("the alerts come as they are in deploy/rules: their braces are Prometheus's")
  void rules() throws Exception {
    var file = Files.readString(Path.of("deploy/rules/refork.rules.yaml"));
    assertThat(Files.readString(Path.of("deploy/monitoring.yaml")))
        .contains(file.stripTrailing().indent(2).stripTrailing());
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "podMonitor, PodMonitor",
    "serviceMonitor, ServiceMonitor",
    "prometheusRule, PrometheusRule"
  })
  @DisplayName("a monitor that must be there is refused by a cluster that does not know the kind")
  void always(String name, String kind) {
    var without = ControlPlane.shared();
    var ran =
        Helm.on(
            without.kubeconfig(),
            arguments(without.namespace(), "install", "monitoring." + name + ".enabled=Always"));
    assertThat(ran.exit()).isNotZero();
    assertThat(ran.err())
        .contains(
            "monitoring."
                + name
                + ".enabled is Always, but this cluster knows no "
                + kind
                + " of monitoring.coreos.com/v1: install the Prometheus Operator's CRDs first");
  }

  @Test
  @DisplayName("without these kinds the notes say what was left out, and what to do next")
  void notes() {
    var without = ControlPlane.shared();
    var home = without.namespace();
    var values = new String[] {"crd.install=false", "watchNamespaces={" + home + "}"};
    var ran = Helm.on(without.kubeconfig(), arguments(home, "install", values)).succeeded();
    assertThat(ran.out())
        .contains(
            "kubectl -n %s rollout status deployment/refork-operator".formatted(home),
            "helm -n %s test refork".formatted(home),
            "kubectl -n %s apply -f pool.yaml".formatted(home),
            "kubectl get workerpools -n %s --watch".formatted(home),
            "crd.install is false: apply the CRD of this release yourself",
            "does not know them: PodMonitor, PrometheusRule, ServiceMonitor",
            "dashboards.install, or import deploy/dashboards");
    Helm.on(without.kubeconfig(), "uninstall", "refork", "-n", home).succeeded();
  }

  @Test
  @DisplayName(
      "K8S-10 two installations for two sets of namespaces, neither with rights in the other's")
  void twoInstallations() {
    var homes = List.of(cluster.namespace(), cluster.namespace());
    var pools = List.of(cluster.namespace(), cluster.namespace());
    for (int i : List.of(0, 1)) {
      helm(
          homes.get(i),
          "install",
          "crd.install=false",
          "watchNamespaces={" + pools.get(i) + "}",
          "networkPolicy.enabled=true",
          "networkPolicy.pools=true");
    }
    for (int i : List.of(0, 1)) {
      var user = "system:serviceaccount:" + homes.get(i) + ":refork-operator";
      assertThat(may(user, pools.get(i), "update", "workerpools/status")).isTrue();
      assertThat(may(user, pools.get(1 - i), "list", "workerpools")).isFalse();
      assertThat(may(user, homes.get(1 - i), "list", "workerpools")).isFalse();
      assertThat(get(pools.get(i), "networkpolicy", "{.items[*].metadata.name}"))
          .isEqualTo("refork-operator-pools");
      Helm.on(cluster.kubeconfig(), "uninstall", "refork", "-n", homes.get(i)).succeeded();
    }
  }

  @ParameterizedTest(name = "{0}")
  @ValueSource(strings = {"view", "edit", "admin"})
  @DisplayName(
      "whoever has the cluster's role for a namespace has the pools in it, not their status")
  void people(String role) {
    var home = cluster.namespace();
    helm(home, "install", "crd.install=false");
    kubectl("-n", home, "create", "rolebinding", "p", "--clusterrole=" + role, "--user=anna")
        .succeeded();
    Awaitility.await("the roles are aggregated")
        .atMost(Duration.ofSeconds(30))
        .until(() -> may("anna", home, "get", "workerpools"));
    boolean changes = !role.equals("view");
    assertThat(may("anna", home, "list", "workerpools")).isTrue();
    assertThat(may("anna", home, "create", "workerpools")).isEqualTo(changes);
    assertThat(may("anna", home, "delete", "workerpools")).isEqualTo(changes);
    assertThat(may("anna", home, "patch", "workerpools/scale")).isEqualTo(changes);
    for (var verb : List.of("update", "patch")) {
      assertThat(may("anna", home, verb, "workerpools/status")).isFalse();
    }
    Helm.on(cluster.kubeconfig(), "uninstall", "refork", "-n", home).succeeded();
  }

  /** Asked of the API server itself: kubectl would first look whether there is such a kind. */
  private static boolean may(String user, String namespace, String verb, String resource) {
    var parts = (resource + "/").split("/", -1);
    var asked =
        new SubjectAccessReviewBuilder()
            .withNewSpec()
            .withUser(user)
            .withNewResourceAttributes()
            .withNamespace(namespace)
            .withGroup("refork.io")
            .withResource(parts[0])
            .withSubresource(parts[1])
            .withVerb(verb)
            .endResourceAttributes()
            .endSpec()
            .build();
    return cluster.client().resource(asked).create().getStatus().getAllowed();
  }

  private static Ran helm(String home, String verb, String... values) {
    return Helm.on(cluster.kubeconfig(), arguments(home, verb, values)).succeeded();
  }

  private static String[] arguments(String home, String verb, String... values) {
    var all = new ArrayList<>(List.of(verb, "refork", Helm.CHART, "--namespace=" + home));
    for (var value : values) {
      all.addAll(List.of("--set", value));
    }
    return all.toArray(String[]::new);
  }

  private static String get(String namespace, String kinds, String path) {
    return kubectl("-n", namespace, "get", kinds, "-o", "jsonpath=" + path).succeeded().out();
  }

  private static void awaitCrd() {
    kubectl("wait", "--for=condition=Established", "crd/workerpools.refork.io").succeeded();
  }

  private static Ran kubectl(String... arguments) {
    return cluster.kubectl(arguments);
  }
}
