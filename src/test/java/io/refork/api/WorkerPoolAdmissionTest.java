package io.refork.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.apiextensions.v1.JSONSchemaProps;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.refork.cluster.ControlPlane;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What a real API server makes of the CRD and of pools. {@link RefusedSpecsTest} has the others.
 */
class WorkerPoolAdmissionTest {
  private static ControlPlane cluster;
  private static KubernetesClient client;
  private static String namespace;

  @BeforeAll
  static void start() {
    cluster = ControlPlane.shared();
    client = cluster.client();
    namespace = cluster.namespace();
  }

  @Test
  @DisplayName("OP-01 the CRD is taken client-side and server-side, and its schema is structural")
  void apply() throws IOException {
    // Of another group, so that the one that other tests use stays as it is.
    var copy = cluster.folder().resolve("copy-of-crd.yml").toString();
    var yaml = Files.readString(Crd.FILE).replace("refork.io", "refork.example");
    Files.writeString(Path.of(copy), yaml);
    cluster.kubectl("apply", "-f", copy).succeeded();
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", copy).succeeded();
    var name = "workerpools.refork.example";
    cluster.kubectl("wait", "--for=condition=Established", "crd", name).succeeded();
    var crd = client.apiextensions().v1().customResourceDefinitions().withName(name);
    assertThat(crd.get().getStatus().getConditions())
        .noneMatch(condition -> condition.getType().equals("NonStructuralSchema"));
    crd.delete();
  }

  @Test
  @DisplayName("OP-01 kubectl explain shows the description of every field of ours")
  void explain() {
    var root = Crd.generate().getSpec().getVersions().getFirst().getSchema().getOpenAPIV3Schema();
    explained("wp", root, List.of("spec", "status"));
  }

  /** One call shows an object and all its fields. */
  private static void explained(String path, JSONSchemaProps object, Collection<String> names) {
    var said = oneLine(cluster.kubectl("explain", path).succeeded().out());
    for (var name : names) {
      var field = object.getProperties().get(name);
      assertThat(said).contains(name + " <").contains(oneLine(field.getDescription()));
      var inner = field.getItems() == null ? field : field.getItems().getSchema();
      if (inner.getProperties() != null
          && inner.getProperties().values().stream().allMatch(f -> f.getDescription() != null)) {
        explained(path + "." + name, inner, inner.getProperties().keySet());
      }
    }
  }

  private static String oneLine(String text) {
    return text.replaceAll("\\s+", " ");
  }

  @Test
  @DisplayName("OP-01 a pool that says nothing gets every default, the ones that Pools has")
  void defaults() {
    assertThat(created("plain", "{}").getSpec()).isEqualTo(Pools.shop().getSpec());
  }

  @Test
  @DisplayName("OP-01 a field that is given does not take the defaults of its neighbours away")
  void partial() {
    var changes =
        """
        spec: {refork: {policy: Manual}, rollout: {pods: {maxConcurrent: 4}}, timeouts: {boot: 2m}}
        """;
    assertThat(created("partial", changes).getSpec()).isEqualTo(Pools.shop(changes).getSpec());
  }

  @Test
  @DisplayName("OP-01 a status with everything in it is taken and read back")
  void status() {
    told("told");
    var read =
        client
            .genericKubernetesResources(WorkerPool.GROUP + "/" + WorkerPool.VERSION, "WorkerPool")
            .inNamespace(namespace)
            .withName("told")
            .get();
    assertThat(read.getAdditionalProperties().get("status"))
        .isEqualTo(Serialization.unmarshal(FULL_STATUS, Map.class));
  }

  @Test
  @DisplayName(
      "OP-01 kubectl get wp shows the columns; -o wide three more; kubectl get refork, too")
  void columns() {
    told("shown");
    var lines = cluster.kubectl("-n", namespace, "get", "wp", "shown").succeeded().out().lines();
    assertThat(lines.map(WorkerPoolAdmissionTest::oneLine).toList())
        .satisfiesExactly(
            head ->
                assertThat(head)
                    .isEqualTo("NAME DESIRED READY WORKERS GEN SHARED% SAVED STATUS AGE"),
            row -> assertThat(row).startsWith("shown 1 2 24 2 78 2310Mi Rolling "));
    assertThat(
            oneLine(
                cluster.kubectl("-n", namespace, "get", "refork", "-o", "wide").succeeded().out()))
        .startsWith("NAME DESIRED READY WORKERS GEN SHARED% SAVED STATUS AGE PSS LIMIT MESSAGE")
        .contains("912Mi 3Gi 24 of 24 workers ready in 3 pods");
  }

  @Test
  @DisplayName(
      "OP-04 the scale subresource: kubectl scale sets replicas, status answers count and selector")
  void scale() {
    var pool = told("scaled");
    cluster.kubectl("-n", namespace, "scale", "wp/scaled", "--replicas=7").succeeded();
    assertThat(client.resource(pool).inNamespace(namespace).get().getSpec().replicas())
        .isEqualTo(7);
    var scale =
        cluster
            .kubectl(
                "get",
                "--raw",
                "/apis/refork.io/v1alpha1/namespaces/" + namespace + "/workerpools/scaled/scale")
            .succeeded()
            .out();
    assertThat(scale)
        .contains("\"replicas\":7")
        .contains("\"replicas\":3")
        .contains("\"selector\":\"refork.io/pool=shop\"");
  }

  @Test
  @DisplayName("OP-01 records read what a newer API server hands out: unknown fields are ignored")
  void unknownFields() {
    var pool =
        Serialization.unmarshal(
            Pools.merged(
                Serialization.asJson(Pools.shop()),
                """
                spec:
                  newer: 1
                  listeners: [{name: http, port: 8000, newer: 1}]
                  refork: {newer: 1}
                  rollout: {newer: 1, workers: {newer: 1}, pods: {newer: 1}}
                  timeouts: {newer: 1}
                  recycle: {newer: 1}
                  agent: {newer: 1}
                """),
            WorkerPool.class);
    assertThat(pool.getSpec()).isEqualTo(Pools.shop().getSpec());
  }

  @ParameterizedTest(name = "OP-01 deploy/samples/{0}.yaml applies client-side and server-side")
  @ValueSource(
      strings = {"minimal", "full", "manual", "autoscaled", "sidecar", "networkpolicy", "beside"})
  void samples(String name) {
    var file = "deploy/samples/" + name + ".yaml";
    cluster.kubectl("-n", namespace, "apply", "--dry-run=server", "-f", file).succeeded();
    cluster.kubectl("-n", namespace, "apply", "--server-side", "-f", file).succeeded();
  }

  @Test
  @DisplayName("OP-01 no sample is forgotten by the test above")
  void allSamples() throws IOException {
    var names = new ArrayList<String>();
    try (var files = Files.list(Path.of("deploy/samples"))) {
      files.forEach(file -> names.add(file.getFileName().toString()));
    }
    assertThat(names)
        .containsExactlyInAnyOrder(
            "minimal.yaml",
            "full.yaml",
            "manual.yaml",
            "autoscaled.yaml",
            "sidecar.yaml",
            "networkpolicy.yaml",
            "beside.yaml");
  }

  @Test
  @DisplayName(
      "OP-01 a template copied from kubectl create --dry-run, with its null timestamp, is taken")
  void nullTimestamp() {
    var json =
        Pools.merged(
            minimal("copied"), "spec: {template: {metadata: {creationTimestamp: 'null'}}}");
    json = json.replace("\"null\"", "null");
    assertThat(json).contains("\"creationTimestamp\":null");
    cluster
        .kubectl(
            cluster.kubeconfig(), json, "-n", namespace, "apply", "--dry-run=server", "-f", "-")
        .succeeded();
  }

  @Test
  @DisplayName("OP-01 a template with much in it is kept as it was written, field by field")
  void richTemplate() throws IOException {
    var template = Files.readString(Path.of("src/test/resources/api/rich-template.yaml"));
    var pool = Pools.merged(minimal("rich"), "spec: " + Serialization.asJson(yaml(template)));
    // kubectl is strict: it says which field the schema does not know.
    var kept =
        cluster
            .kubectl(
                cluster.kubeconfig(),
                pool,
                "-n",
                namespace,
                "create",
                "--dry-run=server",
                "-o",
                "json",
                "-f",
                "-")
            .succeeded()
            .out();
    assertThat(((Map<?, ?>) yaml(kept).get("spec")).get("template"))
        .isEqualTo(yaml(template).get("template"));
  }

  private static Map<?, ?> yaml(String text) {
    return Serialization.unmarshal(text, Map.class);
  }

  static String minimal(String name) {
    return """
        apiVersion: refork.io/v1alpha1
        kind: WorkerPool
        metadata: {name: %s}
        spec:
          template:
            spec:
              containers:
              - name: app
                image: registry.example/shop:1
                command: [python, -m, refork, gunicorn, shop.wsgi]
        """
        .formatted(name);
  }

  /** Sent as it stands, not as records: these would write what the API server should fill in. */
  private static WorkerPool created(String name, String changes) {
    var pool =
        Serialization.unmarshal(
            Pools.merged(minimal(name), changes), GenericKubernetesResource.class);
    var made = client.resource(pool).inNamespace(namespace).create();
    return Serialization.unmarshal(Serialization.asJson(made), WorkerPool.class);
  }

  private static WorkerPool told(String name) {
    var pool = created(name, "{}");
    pool.setStatus(Serialization.unmarshal(FULL_STATUS, WorkerPoolStatus.class));
    return client.resource(pool).inNamespace(namespace).updateStatus();
  }

  private static final String FULL_STATUS =
      """
      observedGeneration: 1
      replicas: 3
      readyReplicas: 2
      selector: refork.io/pool=shop
      summary: Rolling
      generation: 2
      workers: {desired: 24, ready: 24, busy: 7, starting: 0, draining: 0, backingOff: 0}
      generations:
      - {generation: 2, pods: 2, workers: 16, sharedPercent: 81}
      - {generation: 1, pods: 1, workers: 8}
      memory: {pods: 3, proportional: 912Mi, saved: 2310Mi, sharedPercent: 78, limit: 3Gi}
      rollout:
        state: Rolling
        level: 2
        pods: {updated: 2, total: 3, reforking: 1}
        message: pod shop-7c9-x2x4k reforks (5 of 8 workers)
        ledger:
          template: 5f0c7c0e
          seq: 12
          proven: 2
          canary: {uid: a1, session: s1, seq: 11, level: 3, reachedAt: "2026-11-21T13:20:00Z"}
          grants:
          - g1 a1 s1 11 3 r 1795267200
          request:
            token: "2026-11-21T13:20:00Z"
            seq: 10
            startedAt: "2026-11-21T13:20:00Z"
            progressedAt: "2026-11-21T13:20:00Z"
            canary: {uid: a1, session: s1, seq: 11, level: 3}
            proven: false
            outcome: Running
          abort:
            reason: canary-died
            pod: shop-7c9-x2x4k
            message: the canary died
            count: 1
            retryAt: "2026-11-21T13:20:00Z"
      problemPods:
      - {name: shop-7c9-x2x4k, reason: CrashLoop, message: it dies}
      conditions:
      - type: Ready
        status: "True"
        reason: AllWorkersReady
        message: 24 of 24 workers ready in 3 pods
        observedGeneration: 1
        lastTransitionTime: "2026-11-21T13:20:00Z"
      """;
}
