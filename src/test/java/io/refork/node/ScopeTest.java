package io.refork.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Two operators, each for a namespace of its own, under Roles only. */
@OnNode
class ScopeTest {
  private static final List<String> SIDES = List.of("left", "right");

  private static Node node;

  @BeforeAll
  static void install(Node given) {
    node = given;
    Release.clear(node);
    for (var side : SIDES) {
      node.namespace("k8s-10-" + side);
      new Release(node, "refork", node.namespace("refork-" + side))
          .upgrade(
              "watchNamespaces={k8s-10-" + side + "}",
              "networkPolicy.enabled=true",
              "networkPolicy.pools=true",
              // One of them brings it.
              "crd.install=" + side.equals("left"),
              // Names of the cluster are the first one's.
              "rbac.aggregateToDefaultRoles=" + side.equals("left"))
          .succeeded();
    }
    node.namespace("k8s-10-nobodys");
  }

  @AfterAll
  static void empty() {
    for (var side : SIDES) {
      node.leave("k8s-10-" + side);
    }
    node.leave("k8s-10-nobodys");
    Release.clear(node);
    for (var side : SIDES) {
      node.leave("refork-" + side);
    }
  }

  private static Pool pool(String side) {
    return new Pool(node, "k8s-10-" + side, "hello")
        .apply(
            """
            workers: 2
            refork: {policy: Manual}
            rollout: {workers: {canarySoak: 1s}, pods: {canarySoak: 1s}}
            timeouts: {shutdownDelay: 0s, drain: 1s}
            template:
              spec:
                containers:
                - name: app
                  image: refork-test/hello:1
                  command: [python3, -m, refork, gunicorn, "app:app"]
            """);
  }

  @Test
  @DisplayName(
      "K8S-10 two operators of two namespaces: each looks after its own pools under Roles only, nobody after the third")
  void sides() {
    for (var side : SIDES) {
      new Release(node, "refork", "refork-" + side).awaitReady();
    }
    var nobodys = pool("nobodys");
    var left = pool("left");
    var right = pool("right");
    left.awaitReady(1);
    right.awaitReady(1);
    left.request("once");
    Node.await("a wave of the left one").until(() -> left.ended("once").isPresent());
    assertThat(left.ended("once")).contains("Completed");

    assertThat(nobodys.status()).isEmpty();
    assertThat(nobodys.pods()).isEmpty();
    assertThat(keys("left")).isNotEqualTo(keys("right"));
    for (var side : SIDES) {
      var other = side.equals("left") ? "right" : "left";
      assertThat(may(side, "patch", "deployments.apps", "k8s-10-" + side)).isTrue();
      assertThat(may(side, "patch", "deployments.apps", "k8s-10-" + other)).isFalse();
      assertThat(may(side, "list", "workerpools.refork.io", "k8s-10-" + other)).isFalse();
      assertThat(may(side, "get", "secrets", "k8s-10-" + side)).isFalse();
      assertThat(bound()).noneMatch(b -> b.contains("refork-" + side));
      assertThat(new Release(node, "refork", "refork-" + side).log())
          .doesNotContain("Forbidden", "\"level\":\"ERROR");
      assertThat(
              node.client()
                  .network()
                  .v1()
                  .networkPolicies()
                  .inNamespace("refork-" + side)
                  .list()
                  .getItems())
          .isNotEmpty();
      assertThat(
              node.client()
                  .network()
                  .v1()
                  .networkPolicies()
                  .inNamespace("k8s-10-" + side)
                  .list()
                  .getItems())
          .isNotEmpty();
    }
  }

  private static String keys(String side) {
    return node.client()
        .configMaps()
        .inNamespace("k8s-10-" + side)
        .withName("hello-agent")
        .get()
        .getData()
        .get("keys.json");
  }

  private static boolean may(String side, String verb, String resource, String namespace) {
    var account = "system:serviceaccount:refork-" + side + ":refork-operator";
    return node.kubectl("auth", "can-i", verb, resource, "-n", namespace, "--as", account).exit()
        == 0;
  }

  /** Whom ClusterRoles are bound to, by namespace. */
  private static List<String> bound() {
    return node.client().rbac().clusterRoleBindings().list().getItems().stream()
        .flatMap(b -> b.getSubjects().stream())
        .map(s -> String.valueOf(s.getNamespace()))
        .toList();
  }
}
