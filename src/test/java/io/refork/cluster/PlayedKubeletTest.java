package io.refork.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** The played kubelet itself. */
class PlayedKubeletTest {
  private final List<String> lives = new CopyOnWriteArrayList<>();

  @Test
  void aDeploymentLives() {
    var listener =
        new PlayedPod.Listener() {
          @Override
          public void started(PlayedPod pod) {
            lives.add("started " + pod.restarts());
          }

          @Override
          public void changed(PlayedPod pod) {}

          @Override
          public void stopped(PlayedPod pod) {
            lives.add("stopped");
          }

          @Override
          public void gone(PlayedPod pod) {
            lives.add("gone");
          }
        };
    // A cluster of its own: on the shared one another kubelet may play these pods first.
    try (var cluster = ControlPlane.startWithCrds();
        var kubelet = PlayedKubelet.start(cluster, listener)) {
      var namespace = cluster.namespace();
      cluster
          .kubectl("-n", namespace, "create", "deployment", "x", "--image=x", "--replicas=3")
          .succeeded();
      cluster
          .kubectl(
              "-n", namespace, "wait", "--for=condition=Available", "--timeout=30s", "deployment/x")
          .succeeded();
      var pods = cluster.client().pods().inNamespace(namespace).list().getItems();
      assertThat(pods).hasSize(3).extracting(p -> p.getStatus().getPodIP()).doesNotHaveDuplicates();
      var first = pods.getFirst().getMetadata().getName();

      kubelet.restart(namespace, first, "OOMKilled", 137);
      var restarted =
          cluster.client().pods().inNamespace(namespace).withName(first).get().getStatus();
      assertThat(restarted.getContainerStatuses().getFirst().getRestartCount()).isEqualTo(1);
      assertThat(lives).contains("started 1");

      kubelet.fate(namespace, Fate.IMAGE_PULL_FAILS);
      cluster.kubectl("-n", namespace, "delete", "pod", first).succeeded();
      await()
          .atMost(20, TimeUnit.SECONDS)
          .untilAsserted(
              () -> {
                assertThat(lives).contains("gone");
                assertThat(cluster.kubectl("-n", namespace, "get", "pods").out())
                    .contains("ImagePullBackOff");
              });

      cluster.kubectl("delete", "namespace", namespace, "--timeout=30s").succeeded();
    }
  }
}
