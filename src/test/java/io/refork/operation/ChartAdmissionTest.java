package io.refork.operation;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.client.utils.Serialization;
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
import org.junit.jupiter.params.provider.MethodSource;

/** What the chart renders is admitted by the API server, whatever the values. */
class ChartAdmissionTest {
  static Stream<List<String>> valueSets() {
    return Stream.of(
        List.of(),
        List.of("highAvailability.enabled=true", "resources.limits.cpu=1"),
        List.of("watchNamespaces={NAMESPACE}", "metrics.perPool=false", "log.format=text"),
        List.of("dashboards.install=true", "dashboards.labels.team=shop"),
        List.of("networkPolicy.enabled=true"),
        List.of(
            "watchNamespaces={NAMESPACE}",
            "networkPolicy.enabled=true",
            "networkPolicy.pools=true",
            "networkPolicy.apiServer.to[0].ipBlock.cidr=10.0.0.1/32",
            "networkPolicy.apiServer.ports={6443}",
            "networkPolicy.metricsFrom[0].namespaceSelector.matchLabels.team=monitoring"),
        List.of("watchNamespaces={NAMESPACE}", "networkPolicy.pools=true", "agent.port=65535"),
        List.of("watchNamespaces={NAMESPACE}", "networkPolicy.pools=true", "agent.port=1"),
        List.of("serviceAccount.create=false", "serviceAccount.name=default"),
        List.of("rbac.aggregateToDefaultRoles=false", "crd.install=false"),
        List.of(
            "image.repository=registry.example:5000/team/refork-operator",
            "image.digest=sha256:" + "0123456789abcdef".repeat(4),
            "image.pullPolicy=Always",
            "agent.image.tag=main_1.2"),
        List.of(
            "imagePullSecrets[0].name=registry",
            "priorityClassName=system-cluster-critical",
            "nodeSelector.disk=ssd",
            "tolerations[0].key=infra",
            "tolerations[0].operator=Exists",
            "topologySpreadConstraints[0].maxSkew=1",
            "topologySpreadConstraints[0].topologyKey=zone",
            "topologySpreadConstraints[0].whenUnsatisfiable=DoNotSchedule",
            "affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution=null",
            "podLabels.team=platform",
            "podLabels.app\\.kubernetes\\.io/name=mine",
            "podAnnotations.note=x",
            "commonLabels.app\\.kubernetes\\.io/instance=mine",
            "commonLabels.team=platform",
            "extraEnv[0].name=QUARKUS_LOG_LEVEL",
            "extraEnv[0].value=DEBUG",
            "serviceAccount.name=other",
            "serviceAccount.annotations.a=b"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("valueSets")
  @DisplayName(
      "K8S-10 every object is admitted by the API server, and the pods where restricted ones are enforced")
  void admitted(List<String> values) {
    var cluster = ControlPlane.shared();
    var namespace = cluster.namespace(Map.of("pod-security.kubernetes.io/enforce", "restricted"));
    var set = values.stream().map(v -> v.replace("NAMESPACE", namespace)).toArray(String[]::new);
    var rendered = Helm.template("refork", namespace, set).succeeded().out();
    var answer = dryRun(namespace, rendered);
    assertThat(answer.out().lines().count())
        .isGreaterThanOrEqualTo(rendered.lines().filter(l -> l.startsWith("kind:")).count());
    // Of a Deployment's pods the API server says nothing before there are any.
    dryRun(namespace, Serialization.asYaml(pod(Helm.objects("refork", namespace, set))));
  }

  private static Ran dryRun(String namespace, String objects) {
    var cluster = ControlPlane.shared();
    var answer =
        cluster.kubectl(
            cluster.kubeconfig(),
            objects,
            "apply",
            "--namespace=" + namespace,
            "--dry-run=server",
            "--server-side",
            "--force-conflicts",
            "--validate=strict",
            "-f",
            "-");
    assertThat(answer.succeeded().err()).isEmpty();
    return answer;
  }

  /** A pod of the Deployment. Its service account must be there: only the name is another one. */
  private static Pod pod(List<HasMetadata> objects) {
    var template =
        objects.stream()
            .flatMap(o -> o instanceof Deployment d ? Stream.of(d) : Stream.empty())
            .findFirst()
            .orElseThrow()
            .getSpec()
            .getTemplate();
    return new PodBuilder()
        .withNewMetadata()
        .withName("operator")
        .withLabels(template.getMetadata().getLabels())
        .endMetadata()
        .withSpec(template.getSpec().edit().withServiceAccountName("default").build())
        .build();
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
}
