package io.refork.operator.agents;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.refork.cluster.ControlPlane;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Against a real API server. */
class KeySecretTest {
  private static final String NAME = "refork-operator-key";

  private final ControlPlane cluster = ControlPlane.shared();
  private final KubernetesClient client = cluster.client();
  private final String namespace = cluster.namespace();
  private final KeySecret secret = new KeySecret(client, namespace, NAME);

  @Test
  @DisplayName("OP-09 the key is made at the first start and is the same at the next")
  void stable() throws Exception {
    var first = secret.keys().publicKeys();
    var version = version();
    assertThat(secret.keys().publicKeys()).isEqualTo(first);
    assertThat(version()).isEqualTo(version);
  }

  @Test
  @DisplayName("OP-10 operators that start together have one key")
  void race() throws Exception {
    var go = new CountDownLatch(1);
    var all = new ArrayList<Future<String>>();
    try (var threads = Executors.newFixedThreadPool(4)) {
      for (int i = 0; i < 4; i++) {
        all.add(
            threads.submit(
                () -> {
                  go.await();
                  return new KeySecret(client, namespace, NAME).keys().publicKeys();
                }));
      }
      go.countDown();
      var keys = new ArrayList<String>();
      for (var one : all) {
        keys.add(one.get(30, TimeUnit.SECONDS));
      }
      assertThat(keys).hasSize(4).containsOnly(keys.getFirst());
    }
  }

  @Test
  @DisplayName("TOK-09 a malformed Secret is left as it is")
  void malformed() throws Exception {
    secret.keys();
    client
        .secrets()
        .inNamespace(namespace)
        .withName(NAME)
        .edit(
            s -> {
              s.getData().remove("issuer");
              return s;
            });
    var version = version();
    assertThatThrownBy(secret::keys)
        .isInstanceOf(KeyUnavailableException.class)
        .hasMessageContaining(NAME + " in namespace " + namespace)
        .hasMessageContaining("it has no entry issuer");
    assertThat(version()).isEqualTo(version);
  }

  @Test
  @DisplayName("OP-15 a missing right or namespace is one sentence")
  void missing() throws Exception {
    var config = Config.fromKubeconfig(Files.readString(cluster.kubeconfig(namespace, "default")));
    try (var nobody = new KubernetesClientBuilder().withConfig(config).build()) {
      assertThatThrownBy(new KeySecret(nobody, namespace, NAME)::keys)
          .isInstanceOf(KeyUnavailableException.class)
          .hasMessageStartingWith("may not get or create the Secret " + NAME);
    }
    assertThatThrownBy(new KeySecret(client, "no-such-namespace", NAME)::keys)
        .isInstanceOf(KeyUnavailableException.class)
        .hasMessageContaining("REFORK_NAMESPACE");
  }

  private String version() {
    return client
        .secrets()
        .inNamespace(namespace)
        .withName(NAME)
        .get()
        .getMetadata()
        .getResourceVersion();
  }
}
