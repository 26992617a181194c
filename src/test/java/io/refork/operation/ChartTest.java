package io.refork.operation;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.refork.cluster.ControlPlane;
import io.refork.cluster.Helm;
import io.refork.cluster.Ran;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The chart renders what the API server admits, and refuses what makes no sense. */
class ChartTest {
  static Stream<List<String>> valueSets() {
    return Stream.of(
        List.of(),
        List.of("replicas=2", "resources.limits.cpu=1"),
        List.of("leaderElection.enabled=false"),
        List.of("watchNamespaces={NAMESPACE}", "metrics.perPool=false", "log.format=text"),
        List.of("dashboards.install=true", "dashboards.labels.team=shop"),
        List.of(
            "imagePullSecrets[0].name=registry",
            "priorityClassName=system-cluster-critical",
            "nodeSelector.disk=ssd",
            "tolerations[0].key=infra",
            "tolerations[0].operator=Exists",
            "podLabels.team=platform",
            "podAnnotations.note=x",
            "serviceAccount.name=other",
            "serviceAccount.annotations.a=b"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("valueSets")
  @DisplayName(
      "K8S-10 every object is admitted by the API server, in a namespace that enforces restricted pods")
  void admitted(List<String> values) {
    var cluster = ControlPlane.shared();
    var namespace = cluster.namespace(Map.of("pod-security.kubernetes.io/enforce", "restricted"));
    var set = values.stream().map(v -> v.replace("NAMESPACE", namespace)).toArray(String[]::new);
    var rendered = Helm.template("refork", namespace, set).succeeded().out();
    var answer =
        cluster.kubectl(
            cluster.kubeconfig(),
            rendered,
            "apply",
            "--dry-run=server",
            "--server-side",
            "--force-conflicts",
            "--validate=strict",
            "-f",
            "-");
    answer.succeeded();
    assertThat(answer.err()).isEmpty();
    assertThat(answer.out().lines().count())
        .isGreaterThanOrEqualTo(rendered.lines().filter(l -> l.startsWith("kind:")).count());
  }

  @Test
  @DisplayName("K8S-01 the file to apply is admitted, into a cluster without its namespace")
  void manifest() throws IOException {
    var cluster = ControlPlane.shared();
    var file = Files.readString(Path.of("deploy/refork.yaml"));
    assertThat(file).contains("pod-security.kubernetes.io/enforce: restricted");
    // A dry run makes no namespace that the other objects could be in.
    var elsewhere = file.replace("refork-system", cluster.namespace());
    cluster
        .kubectl(
            cluster.kubeconfig(),
            elsewhere,
            "apply",
            "--dry-run=server",
            "--server-side",
            "--force-conflicts",
            "-f",
            "-")
        .succeeded();
  }

  @Test
  @DisplayName("the chart's copies and the file to apply are what make generate makes")
  void noDrift() throws IOException {
    Ran.run(Map.of(), "", List.of("build/manifests", "target/manifests")).succeeded();
    for (var folder : List.of("deploy/refork.yaml", "helm/refork/files")) {
      try (var files = Files.walk(Path.of("target/manifests", folder))) {
        for (var made : files.filter(Files::isRegularFile).toList()) {
          var own = Path.of("target/manifests").relativize(made);
          assertThat(own).as("run make generate").hasSameTextualContentAs(made);
        }
      }
    }
    try (var own = Files.walk(Path.of("helm/refork/files"))) {
      assertThat(own).allMatch(file -> Files.exists(Path.of("target/manifests").resolve(file)));
    }
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "replcas=2, 'additional properties ''replcas'' not allowed'",
    "agent.prot=1, 'at ''/agent'': additional properties ''prot'' not allowed'",
    "replicas=9, '/replicas'",
    "agent.port=70000, '/agent/port'",
    "poll.interval=10, '/poll/interval'",
    "watchNamespaces={Web}, '/watchNamespaces/0'",
    "log.format=xml, '/log/format'",
    "image.pullPolicy=Sometimes, '/image/pullPolicy'",
    "'replicas=2,leaderElection.enabled=false', 'set leaderElection.enabled to true or replicas to 1'",
  })
  @DisplayName("wrong values are refused with the name of what is wrong")
  void refused(String value, String sentence) {
    var ran = Helm.template("refork", "refork-system", value);
    assertThat(ran.exit()).isNotZero();
    assertThat(ran.err()).contains(sentence);
  }

  @ParameterizedTest(name = "{0}")
  @ValueSource(strings = {"refork", "shop"})
  @DisplayName(
      "the pod is restricted: no root, no capability, read-only root, its own token and no more")
  void restricted(String release) {
    var pod = deployment(release).getSpec().getTemplate().getSpec();
    assertThat(pod.getSecurityContext().getRunAsNonRoot()).isTrue();
    assertThat(pod.getSecurityContext().getSeccompProfile().getType()).isEqualTo("RuntimeDefault");
    assertThat(pod.getContainers())
        .allSatisfy(
            container -> {
              var context = container.getSecurityContext();
              assertThat(context.getAllowPrivilegeEscalation()).isFalse();
              assertThat(context.getReadOnlyRootFilesystem()).isTrue();
              assertThat(context.getCapabilities().getDrop()).containsExactly("ALL");
              assertThat(container.getResources().getLimits()).containsKey("memory");
              assertThat(container.getStartupProbe()).isNotNull();
              assertThat(container.getReadinessProbe()).isNotNull();
              assertThat(container.getLivenessProbe()).isNotNull();
            });
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "refork, refork-operator",
    "shop, shop-refork-operator",
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz1, abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz1-refork-op",
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrst-refork, abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrst-refork-operator",
  })
  @DisplayName("the name of a release of 53 characters makes names of at most 63")
  void names(String release, String name) {
    assertThat(name).hasSizeLessThanOrEqualTo(63);
    assertThat(deployment(release).getMetadata().getName()).isEqualTo(name);
  }

  @Test
  @DisplayName("the dashboards are in the ConfigMap as they are in deploy/")
  void dashboards() throws IOException {
    var map =
        Helm.objects("refork", "refork-system", "dashboards.install=true").stream()
            .filter(ConfigMap.class::isInstance)
            .map(ConfigMap.class::cast)
            .findFirst()
            .orElseThrow();
    assertThat(map.getData())
        .containsEntry(
            "refork-pool.json", Files.readString(Path.of("deploy/dashboards/pool.json")));
    assertThat(map.getMetadata().getLabels()).containsEntry("grafana_dashboard", "1");
  }

  private static Deployment deployment(String release) {
    return Helm.objects(release, "refork-system").stream()
        .filter(Deployment.class::isInstance)
        .map(Deployment.class::cast)
        .findFirst()
        .orElseThrow();
  }
}
