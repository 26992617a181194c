package io.refork.operator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.ResourceQuotaBuilder;
import io.fabric8.kubernetes.api.model.admissionregistration.v1.ValidatingWebhookConfigurationBuilder;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.DeploymentBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.refork.api.WorkerPool;
import io.refork.api.WorkerPoolStatus.Condition;
import io.refork.cluster.AuditLog;
import io.refork.cluster.Cluster;
import io.refork.cluster.Fate;
import io.refork.cluster.OperatorProcess;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;
import org.awaitility.core.ThrowingRunnable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A pool's children and what a user hears of them, with the real API server and its controllers.
 */
class PoolTest {
  private static final String SHOP =
      """
      apiVersion: refork.io/v1alpha1
      kind: WorkerPool
      metadata: {name: %s}
      spec:
        replicas: 2
        workers: 4
        listeners: [{name: http, port: 8000}]
        template:
          spec:
            containers:
            - name: app
              image: registry.example/shop:1
              command: [python, -m, refork, gunicorn, shop.wsgi]
              resources: {requests: {cpu: 100m, memory: 1024Mi}}
      """;

  private static OperatorProcess operator;

  private final Cluster cluster = Cluster.shared();
  private final KubernetesClient client = cluster.controlPlane().client();
  private String namespace = "";

  @BeforeAll
  static void start() {
    operator = OperatorProcess.of(Cluster.shared()).start().awaitReady();
  }

  @AfterAll
  static void stop() {
    operator.close();
  }

  @BeforeEach
  void newNamespace() {
    namespace = cluster.controlPlane().namespace();
  }

  /** What one test leaves would be another's load. */
  @AfterEach
  void deletePools() {
    client.resources(WorkerPool.class).inNamespace(namespace).delete();
  }

  @Test
  @DisplayName(
      "OP-02 a pool becomes a Deployment, a ConfigMap and a PodDisruptionBudget, gets ready, and takes them along when it is deleted")
  void createAndDelete() {
    apply(SHOP.formatted("shop"));
    awaitReady("shop");
    for (var child : children("shop")) {
      assertThat(child.getMetadata().getOwnerReferences())
          .extracting(owner -> owner.getKind() + "/" + owner.getName())
          .containsExactly("WorkerPool/shop");
    }
    assertThat(kubectl("get", "wp", "shop", "--no-headers")).matches("shop +2 +2 +.*\n");
    assertThat(events("shop")).contains("AllWorkersReady");

    kubectl("delete", "wp", "shop");
    await(
        () -> {
          assertThat(children("shop")).isEmpty();
          assertThat(pods("shop")).isEmpty();
        });
  }

  @Test
  @DisplayName(
      "OP-02 what an agent takes over is told to it and rolls no pod; what it cannot take over rolls them")
  void changes() {
    apply(SHOP.formatted("shop"));
    awaitReady("shop");
    var before = uids("shop");

    patch(
        "shop",
        """
        {"spec": {"workers": 6, "refork": {"policy": "Manual", "minInterval": "1m"},
          "rollout": {"workers": {"maxUnavailable": 2, "maxSurge": 1, "canarySoak": "1s", "failureBudget": 3},
            "pods": {"maxConcurrent": 2, "canarySoak": "2m", "progressDeadline": "1h"}},
          "timeouts": {"boot": "90s", "spawn": "5s", "promote": "20s", "request": "2m", "drain": "40s", "shutdownDelay": "1s"},
          "recycle": {"maxRequests": 10000, "jitter": 100}}}
        """);
    await(
        () -> {
          assertThat(configMap("shop").getData().get("agent.json")).contains("\"workers\" : \"6\"");
          assertThat(cluster.agents().in(namespace))
              .hasSize(2)
              .allSatisfy(
                  agent ->
                      assertThat(agent.lastDesired())
                          .hasValueSatisfying(
                              desired ->
                                  assertThat(desired.settings())
                                      .containsEntry("workers", "6")
                                      .containsEntry("drain-timeout", "40s")
                                      .containsEntry("refork-after", "off")));
        });
    awaitReady("shop");
    assertThat(uids("shop")).isEqualTo(before);

    patch("shop", "{\"spec\": {\"listeners\": [{\"name\": \"http\", \"port\": 8001}]}}");
    await(() -> assertThat(uids("shop")).hasSize(2).doesNotContainAnyElementsOf(before));
    awaitReady("shop");
  }

  @Test
  @DisplayName("OP-03 an edited or deleted child is restored, and what others added is left alone")
  void restored() {
    apply(SHOP.formatted("shop"));
    awaitReady("shop");
    client
        .apps()
        .deployments()
        .inNamespace(namespace)
        .withName("shop")
        .edit(
            d ->
                new DeploymentBuilder(d)
                    .editMetadata()
                    .addToAnnotations("team", "web")
                    .endMetadata()
                    .editSpec()
                    .withReplicas(5)
                    .withMinReadySeconds(1)
                    .endSpec()
                    .build());
    client
        .configMaps()
        .inNamespace(namespace)
        .withName("shop-agent")
        .edit(
            c ->
                new ConfigMapBuilder(c)
                    .editMetadata()
                    .removeFromLabels("refork.io/pool")
                    .endMetadata()
                    .addToData("agent.json", "{}")
                    .build());
    client.policy().v1().podDisruptionBudget().inNamespace(namespace).withName("shop").delete();
    await(
        () -> {
          var deployment = deployment("shop");
          assertThat(deployment.getSpec().getReplicas()).isEqualTo(2);
          assertThat(deployment.getSpec().getMinReadySeconds()).isEqualTo(1);
          assertThat(deployment.getMetadata().getAnnotations()).containsEntry("team", "web");
          assertThat(configMap("shop").getData().get("agent.json")).contains("workers");
          assertThat(configMap("shop").getMetadata().getLabels()).containsKey("refork.io/pool");
          assertThat(children("shop")).hasSize(3);
        });
  }

  @Test
  @DisplayName(
      "OP-04 kubectl scale, and the selector for an autoscaler; without replicas there is one pod")
  void scaled() {
    apply(SHOP.formatted("shop").replace("  replicas: 2\n", ""));
    await(() -> assertThat(pods("shop")).hasSize(1));
    kubectl("scale", "wp", "shop", "--replicas=3");
    await(() -> assertThat(pods("shop")).hasSize(3));
    awaitReady("shop");
    var scale =
        client.raw(
            "/apis/refork.io/v1alpha1/namespaces/%s/workerpools/shop/scale".formatted(namespace));
    assertThat(scale).contains("\"selector\":\"refork.io/pool=shop\"").contains("\"replicas\":3");
    kubectl("scale", "wp", "shop", "--replicas=0");
    await(() -> assertThat(pods("shop")).isEmpty());
  }

  @Test
  @DisplayName("OP-06 a pool at rest: nothing is written")
  void rest() {
    apply(SHOP.formatted("shop"));
    awaitReady("shop");
    awaitQuiet();
  }

  @Test
  @DisplayName("OP-06 an operator that starts again writes nothing about a pool at rest")
  void startedAgain() {
    apply(SHOP.formatted("shop"));
    awaitReady("shop");
    awaitQuiet();
    operator.kill();
    long from = cluster.controlPlane().audit().now();
    operator.start();
    operator.awaitReady();
    // Each of the two agents has been asked at least five times.
    await(() -> assertThat(operator.metric("refork_agent_requests_total")).isGreaterThan(10));
    assertThat(writes(from)).isEmpty();
  }

  @Test
  @DisplayName(
      "a container without a command: the condition says what to write, and no pod is made")
  void noCommand() {
    apply(SHOP.formatted("shop").replaceAll(" +command:.*\n", ""));
    await(
        () ->
            assertThat(degraded("shop"))
                .hasValueSatisfying(
                    c -> {
                      assertThat(c.reason()).isEqualTo("TemplateInvalid");
                      assertThat(c.message()).contains("has no command").contains("write");
                    }));
    assertThat(children("shop")).isEmpty();
    assertThat(events("shop")).contains("TemplateInvalid");
    awaitQuiet();
    patch(
        "shop",
        "{\"spec\": {\"template\": {\"spec\": {\"containers\": [{\"name\": \"app\", \"image\": \"x\", \"command\": [\"y\"]}]}}}}");
    awaitReady("shop");
  }

  @Test
  @DisplayName("what the API server refuses of a template: its sentence in the condition")
  void refusedTemplate() {
    apply(
        SHOP.formatted("shop")
            .replace("name: app\n", "name: app\n        imagePullPolicy: Sometimes\n"));
    await(
        () ->
            assertThat(degraded("shop"))
                .hasValueSatisfying(
                    c -> {
                      assertThat(c.reason()).isEqualTo("TemplateInvalid");
                      assertThat(c.message()).contains("imagePullPolicy");
                    }));
    awaitQuiet();
  }

  @ParameterizedTest
  @ValueSource(ints = {66, 240})
  @DisplayName(
      "a name that is too long for its children: condition and Event say how long it may be")
  void longName(int length) {
    // Where an Event's name is cut there must be no dash at its end.
    var name = ("s" + "shop-".repeat(50)).substring(0, length - 1) + "x";
    apply(SHOP.formatted(name));
    await(
        () ->
            assertThat(degraded(name))
                .hasValueSatisfying(
                    c -> {
                      assertThat(c.reason()).isEqualTo("TemplateInvalid");
                      assertThat(c.message()).contains("at most 63");
                    }));
    await(() -> assertThat(events(name)).contains("TemplateInvalid"));
    assertThat(children(name)).isEmpty();
    awaitQuiet();
  }

  @Test
  @DisplayName(
      "a ConfigMap of that name that is someone else's: a condition, never overwritten; when it is gone the pool gets ready")
  void taken() {
    var others =
        new ConfigMapBuilder()
            .withNewMetadata()
            .withNamespace(namespace)
            .withName("shop-agent")
            .endMetadata()
            .addToData("theirs", "yes")
            .build();
    client.resource(others).create();
    apply(SHOP.formatted("shop"));
    await(
        () ->
            assertThat(degraded("shop"))
                .hasValueSatisfying(
                    c -> {
                      assertThat(c.reason()).isEqualTo("ChildConflict");
                      assertThat(c.message()).contains("ConfigMap shop-agent").contains("delete");
                    }));
    assertThat(configMap("shop").getData()).isEqualTo(Map.of("theirs", "yes"));
    awaitQuiet();
    client.resource(others).delete();
    patch("shop", "{\"spec\": {\"workers\": 5}}");
    awaitReady("shop");
  }

  @Test
  @DisplayName("an image that cannot be pulled: the condition names pod and image")
  void noImage() {
    cluster.kubelet().fate(namespace, Fate.IMAGE_PULL_FAILS);
    apply(SHOP.formatted("shop"));
    await(
        () ->
            assertThat(degraded("shop"))
                .hasValueSatisfying(c -> assertThat(c.reason()).isEqualTo("ImagePullFailed")));
    awaitQuiet();
  }

  @Test
  @DisplayName("a quota that is exhausted: the condition has the API server's sentence")
  void quota() {
    client
        .resource(
            new ResourceQuotaBuilder()
                .withNewMetadata()
                .withNamespace(namespace)
                .withName("none")
                .endMetadata()
                .withNewSpec()
                .addToHard("pods", new io.fabric8.kubernetes.api.model.Quantity("0"))
                .endSpec()
                .build())
        .create();
    await(
        () ->
            assertThat(
                    client
                        .resourceQuotas()
                        .inNamespace(namespace)
                        .withName("none")
                        .get()
                        .getStatus()
                        .getHard())
                .isNotEmpty());
    apply(SHOP.formatted("shop"));
    await(
        () ->
            assertThat(degraded("shop"))
                .hasValueSatisfying(
                    c -> {
                      assertThat(c.reason()).isEqualTo("QuotaExceeded");
                      assertThat(c.message()).contains("exceeded quota: none");
                    }));
  }

  @Test
  @DisplayName("an admission webhook that does not answer: the condition names it")
  void webhook() {
    var webhook =
        new ValidatingWebhookConfigurationBuilder()
            .withNewMetadata()
            .withName("gate-" + namespace)
            .endMetadata()
            .addNewWebhook()
            .withName("gate.example.com")
            .withFailurePolicy("Fail")
            .withSideEffects("None")
            .withAdmissionReviewVersions("v1")
            .withNewClientConfig()
            .withUrl("https://127.0.0.1:1/")
            .endClientConfig()
            .withNewNamespaceSelector()
            .addToMatchLabels("kubernetes.io/metadata.name", namespace)
            .endNamespaceSelector()
            .addNewRule()
            .withApiGroups("apps")
            .withApiVersions("v1")
            .withOperations("CREATE", "UPDATE")
            .withResources("deployments")
            .endRule()
            .endWebhook()
            .build();
    client.resource(webhook).create();
    try {
      awaitRefusal();
      apply(SHOP.formatted("shop"));
      await(
          () ->
              assertThat(degraded("shop"))
                  .hasValueSatisfying(
                      c -> {
                        assertThat(c.reason()).isEqualTo("PodsRejected");
                        assertThat(c.message()).contains("gate.example.com");
                      }));
    } finally {
      client.resource(webhook).delete();
    }
  }

  /** The API server learns of a webhook a moment after it was made. */
  private void awaitRefusal() {
    var probe =
        new DeploymentBuilder()
            .withNewMetadata()
            .withNamespace(namespace)
            .withName("probe")
            .endMetadata()
            .withNewSpec()
            .withNewSelector()
            .addToMatchLabels("app", "probe")
            .endSelector()
            .withNewTemplate()
            .withNewMetadata()
            .addToLabels("app", "probe")
            .endMetadata()
            .withNewSpec()
            .addNewContainer()
            .withName("app")
            .withImage("x")
            .endContainer()
            .endSpec()
            .endTemplate()
            .endSpec()
            .build();
    await(
        () ->
            assertThatThrownBy(() -> client.resource(probe).dryRun().create())
                .hasMessageContaining("gate.example.com"));
  }

  // --- what the tests look at --------------------------------------------------------------------

  /** Nothing is written of this namespace for three seconds, and ever after is what that proves. */
  private void awaitQuiet() {
    Awaitility.await("the operator has nothing to write")
        .atMost(Duration.ofSeconds(60))
        .until(
            () -> {
              long from = cluster.controlPlane().audit().now();
              Awaitility.await()
                  .pollDelay(Duration.ofSeconds(3))
                  .atMost(Duration.ofSeconds(4))
                  .until(() -> true);
              return writes(from).isEmpty();
            });
  }

  private List<AuditLog.Request> writes(long from) {
    return cluster.controlPlane().audit().writesSince(from, operator.user()).stream()
        .filter(request -> request.namespace().equals(namespace))
        .toList();
  }

  private void apply(String yaml) {
    cluster
        .controlPlane()
        .kubectl(cluster.controlPlane().kubeconfig(), yaml, "apply", "-n", namespace, "-f", "-")
        .succeeded();
  }

  private void patch(String pool, String json) {
    kubectl("patch", "wp", pool, "--type=merge", "-p", json);
  }

  private String kubectl(String... arguments) {
    var all = new java.util.ArrayList<>(List.of("-n", namespace));
    all.addAll(List.of(arguments));
    return cluster.controlPlane().kubectl(all.toArray(String[]::new)).succeeded().out();
  }

  private void awaitReady(String pool) {
    await(
        () -> {
          var now = pool(pool);
          assertThat(now.getStatus()).isNotNull();
          assertThat(now.getStatus().observedGeneration())
              .isEqualTo(now.getMetadata().getGeneration());
          assertThat(condition(pool, "Ready"))
              .hasValueSatisfying(c -> assertThat(c.status()).as(c.message()).isEqualTo("True"));
        });
  }

  private static void await(ThrowingRunnable assertion) {
    Awaitility.await().atMost(Duration.ofSeconds(60)).untilAsserted(assertion);
  }

  private WorkerPool pool(String name) {
    return client.resources(WorkerPool.class).inNamespace(namespace).withName(name).get();
  }

  private Optional<Condition> condition(String pool, String type) {
    return Optional.ofNullable(pool(pool).getStatus()).stream()
        .flatMap(status -> status.conditions().stream())
        .filter(c -> c.type().equals(type))
        .findFirst();
  }

  private Optional<Condition> degraded(String pool) {
    return condition(pool, "Degraded").filter(c -> c.status().equals("True"));
  }

  private Set<String> events(String pool) {
    return client.v1().events().inNamespace(namespace).list().getItems().stream()
        .filter(event -> event.getInvolvedObject().getName().equals(pool))
        .map(io.fabric8.kubernetes.api.model.Event::getReason)
        .collect(Collectors.toSet());
  }

  private Deployment deployment(String name) {
    return client.apps().deployments().inNamespace(namespace).withName(name).get();
  }

  private ConfigMap configMap(String pool) {
    return client.configMaps().inNamespace(namespace).withName(pool + "-agent").get();
  }

  private List<HasMetadata> children(String pool) {
    var all = new java.util.ArrayList<HasMetadata>();
    Optional.ofNullable(deployment(pool)).ifPresent(all::add);
    Optional.ofNullable(configMap(pool)).ifPresent(all::add);
    Optional.ofNullable(
            client.policy().v1().podDisruptionBudget().inNamespace(namespace).withName(pool).get())
        .ifPresent(all::add);
    return all;
  }

  private List<Pod> pods(String pool) {
    return client.pods().inNamespace(namespace).withLabel("refork.io/pool", pool).list().getItems();
  }

  private Set<String> uids(String pool) {
    return pods(pool).stream()
        .map(pod -> pod.getMetadata().getUid())
        .collect(Collectors.toCollection(TreeSet::new));
  }
}
