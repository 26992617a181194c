package io.refork.operation;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.DeploymentSpec;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import io.refork.cluster.Helm;
import io.refork.cluster.Ran;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the chart renders: names, labels, images, and what each switch adds. */
class ChartTest {
  @Test
  @DisplayName("the chart's copies and the file to apply are what make generate makes")
  void noDrift() throws IOException {
    Ran.run(Map.of(), "", List.of("build/manifests", "target/manifests")).succeeded();
    for (var folder :
        List.of(
            "deploy/refork.yaml",
            "deploy/monitoring.yaml",
            "helm/refork/README.md",
            "helm/refork/files")) {
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
    "a.b, a-b-refork-operator",
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz1, abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz1-refork-op",
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrst-refork, abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrst-refork-operator",
  })
  @DisplayName("the name of a release of 53 characters makes names of at most 63")
  void names(String release, String name) {
    assertThat(name).hasSizeLessThanOrEqualTo(63);
    assertThat(deployment(release).getMetadata().getName()).isEqualTo(name);
  }

  @Test
  @DisplayName("helm's own linter has nothing to say")
  void lint() {
    Helm.on(Path.of("none"), "lint", Helm.CHART, "--strict", "--kube-version=1.34.2").succeeded();
  }

  @Test
  @DisplayName("a Deployment's selector is what it has always been: an upgrade could not change it")
  void selector() {
    var spec = deployment("shop", "commonLabels.team=x", "podLabels.team=y").getSpec();
    var selector =
        Map.of("app.kubernetes.io/name", "refork-operator", "app.kubernetes.io/instance", "shop");
    assertThat(spec.getSelector().getMatchLabels()).isEqualTo(selector);
    assertThat(spec.getTemplate().getMetadata().getLabels())
        .containsAllEntriesOf(selector)
        .containsEntry("team", "x");
  }

  @Test
  @DisplayName(
      "one switch for two operators: both elect, one may be evicted, two nodes if there are")
  void highAvailability() {
    assertThat(deployment("refork").getSpec().getReplicas()).isEqualTo(1);
    var objects = Helm.objects("refork", "refork-system", "highAvailability.enabled=true");
    var spec = only(objects, Deployment.class).getSpec();
    assertThat(spec.getReplicas()).isEqualTo(2);
    assertThat(spec.getTemplate().getSpec().getTopologySpreadConstraints())
        .allMatch(spread -> spread.getWhenUnsatisfiable().equals("ScheduleAnyway"))
        .hasSize(1);
    var budget = only(objects, PodDisruptionBudget.class).getSpec();
    assertThat(budget.getMaxUnavailable().getIntVal()).isEqualTo(1);
    assertThat(budget.getSelector()).isEqualTo(spec.getSelector());
    assertThat(environment(spec)).containsEntry("REFORK_LEADER_ELECTION_ENABLED", "true");
  }

  @Test
  @DisplayName("images: the digest wins, no tag is the chart's version")
  void images() {
    var digest = "sha256:" + "0123456789abcdef".repeat(4);
    var preset = deployment("refork").getSpec();
    assertThat(image(preset)).isEqualTo("refork-operator:0.1.0");
    assertThat(environment(preset)).containsEntry("REFORK_AGENT_IMAGE", "refork-agent:0.1.0");
    var own =
        deployment(
                "refork",
                "image.repository=example/operator",
                "image.tag=x",
                "image.digest=" + digest,
                "agent.image.tag=y")
            .getSpec();
    assertThat(image(own)).isEqualTo("example/operator@" + digest);
    assertThat(environment(own)).containsEntry("REFORK_AGENT_IMAGE", "refork-agent:y");
  }

  @Test
  @DisplayName("each dashboard is a ConfigMap as Grafana's sidecar wants it, as it is in deploy/")
  void dashboards() throws IOException {
    var maps =
        Helm.objects(
                "refork",
                "refork-system",
                "dashboards.install=true",
                "dashboards.namespace=grafana")
            .stream()
            .flatMap(o -> o instanceof ConfigMap map ? Stream.of(map) : Stream.empty())
            .toList();
    var seen = new TreeMap<String, String>();
    for (var map : maps) {
      assertThat(map.getMetadata().getNamespace()).isEqualTo("grafana");
      assertThat(map.getMetadata().getLabels()).containsEntry("grafana_dashboard", "1");
      assertThat(map.getMetadata().getAnnotations()).containsEntry("grafana_folder", "Refork");
      assertThat(map.getData()).hasSize(1);
      map.getData().values().forEach(json -> assertThat(json).hasSizeLessThan(1 << 20));
      seen.putAll(map.getData());
    }
    try (var files = Files.list(Path.of("deploy/dashboards"))) {
      for (var file : files.filter(f -> f.toString().endsWith(".json")).toList()) {
        assertThat(seen.remove("refork-" + file.getFileName())).isEqualTo(Files.readString(file));
      }
    }
    assertThat(seen).isEmpty();
  }

  @Test
  @DisplayName("K8S-10 for some namespaces, and with somebody else's CRD, nothing is the cluster's")
  void namespaced() {
    assertThat(
            Helm.objects(
                "refork", "refork-system", "watchNamespaces={a,b,a}", "networkPolicy.pools=true"))
        .allMatch(
            object ->
                List.of("refork-system", "a", "b").contains(object.getMetadata().getNamespace()))
        .filteredOn(object -> object.getKind().equals("NetworkPolicy"))
        .hasSize(2);
  }

  @Test
  @DisplayName("the Service finds the operator's pods and not the one of helm test")
  void service() {
    var objects = Helm.objects("refork", "refork-system");
    var selector = only(objects, Service.class).getSpec().getSelector();
    assertThat(deployment("refork").getSpec().getTemplate().getMetadata().getLabels())
        .containsAllEntriesOf(selector);
    var test = only(objects, Pod.class);
    assertThat(test.getMetadata().getLabels().entrySet())
        .doesNotContainAnyElementsOf(
            Map.of("app.kubernetes.io/name", "refork-operator").entrySet());
    assertThat(test.getSpec().getAutomountServiceAccountToken()).isFalse();
    assertThat(test.getSpec().getContainers().getFirst().getArgs())
        .containsExactly("leads", "$(REFORK_OPERATOR_SERVICE_HOST)", "8080");
  }

  private static Deployment deployment(String release, String... values) {
    return only(Helm.objects(release, "refork-system", values), Deployment.class);
  }

  private static <T> T only(List<HasMetadata> objects, Class<T> kind) {
    var all = objects.stream().filter(kind::isInstance).map(kind::cast).toList();
    assertThat(all).hasSize(1);
    return all.getFirst();
  }

  private static String image(DeploymentSpec spec) {
    return spec.getTemplate().getSpec().getContainers().getFirst().getImage();
  }

  private static Map<String, String> environment(DeploymentSpec spec) {
    return spec.getTemplate().getSpec().getContainers().getFirst().getEnv().stream()
        .filter(variable -> variable.getValue() != null)
        .collect(Collectors.toMap(EnvVar::getName, EnvVar::getValue));
  }
}
