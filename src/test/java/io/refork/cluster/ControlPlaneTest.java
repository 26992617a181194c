package io.refork.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** The test cluster itself. */
class ControlPlaneTest {
  private final ControlPlane cluster = ControlPlane.shared();

  @Test
  @DisplayName("a namespace, kubectl, a service account without rights, and the audit log")
  void rights() {
    var namespace = cluster.namespace();
    var moment = cluster.audit().now();
    var nobody = cluster.kubeconfig(namespace, "default");
    assertThat(cluster.kubectl("-n", namespace, "create", "configmap", "x").succeeded().out())
        .contains("created");
    var refused = cluster.kubectl(nobody, "", "-n", namespace, "get", "configmaps");
    assertThat(refused.exit()).isEqualTo(1);
    assertThat(refused.err()).contains("cannot list resource \"configmaps\"");
    await()
        .atMost(Duration.ofSeconds(5))
        .untilAsserted(
            () ->
                assertThat(cluster.audit().since(moment))
                    .anyMatch(r -> r.user().endsWith(namespace + ":default") && r.code() == 403));
    assertThat(cluster.audit().writesSince(moment, "admin"))
        .anyMatch(r -> r.resource().equals("configmaps") && r.name().equals("x"));
  }
}
