package io.refork.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** The two ways to install, each into a cluster that has never heard of Refork. */
@OnNode
class InstallTest {
  private static final Duration BAR = Duration.ofSeconds(60);

  private final Node node;

  InstallTest(Node node) {
    this.node = node;
  }

  @BeforeEach
  @AfterEach
  void empty() {
    Release.clear(node);
  }

  @Test
  @DisplayName(
      "K8S-01 helm install into a namespace that enforces restricted pods: ready within 60 s")
  void helm() {
    var release = new Release(node, "refork", node.namespace(Release.HOME));
    long began = System.nanoTime();
    // As docs/operator.md says, without a value.
    var ran = node.helm("install", "refork", "helm/refork", "--namespace", Release.HOME);
    assertThat(ran.succeeded().err()).doesNotContainIgnoringCase("warning");
    release.awaitReady();
    ready("helm install", began);
    works(release);
    release.uninstall().succeeded();
  }

  @Test
  @DisplayName("K8S-01 kubectl apply of deploy/refork.yaml: ready within 60 s")
  void manifest() {
    long began = System.nanoTime();
    var ran = node.kubectl("apply", "--server-side", "-f", "deploy/refork.yaml");
    assertThat(ran.succeeded().err()).doesNotContainIgnoringCase("warning");
    var release = new Release(node, "refork", Release.HOME).awaitReady();
    ready("kubectl apply", began);
    works(release);
    node.kubectl("delete", "-f", "deploy/refork.yaml", "--timeout=60s").succeeded();
  }

  private static void ready(String what, long began) {
    var took = Duration.ofNanos(System.nanoTime() - began);
    System.out.println("K8S-01 " + what + ": ready after " + took.toMillis() + " ms");
    assertThat(took).isLessThan(BAR);
  }

  /** It was not restarted on the way, complains of nothing, and manages a pool. */
  private void works(Release release) {
    var pods = release.pods();
    assertThat(pods).hasSize(1);
    assertThat(pods.getFirst().getStatus().getContainerStatuses())
        .allSatisfy(container -> assertThat(container.getRestartCount()).isZero());
    var pool =
        new Pool(node, node.namespace("k8s-01-pool"), "shop").apply(Shop.spec("{policy: Manual}"));
    Node.await("the pool has pods").until(() -> pool.pods().size() == 2);
    assertThat(release.log().lines()).noneMatch(l -> l.matches(".*\"level\":\"(WARN|ERROR).*"));
    node.leave(pool.namespace());
  }
}
