package io.refork.operator.wave;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.refork.cluster.Cluster;
import io.refork.cluster.OperatorProcess;
import io.refork.cluster.SimulatedAgent;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class VanishingPoolTest {
  private static final Duration BOUND = Duration.ofSeconds(90);
  private static final Duration QUIET = Duration.ofSeconds(5);

  private static OperatorProcess operator;

  private final Cluster cluster = Cluster.shared();
  private String namespace = "";
  private TestPool pool;

  @BeforeAll
  static void start() {
    operator = OperatorProcess.of(Cluster.shared()).start().awaitReady();
  }

  @AfterAll
  static void stop() {
    operator.close();
  }

  @BeforeEach
  void reforkingPool() {
    namespace = cluster.controlPlane().namespace();
    cluster.agents().behave(namespace, b -> b.reforkTakes(Duration.ofSeconds(60)));
    pool = TestPool.create(cluster, namespace, "shop", 3).awaitPods(3);
    pool.ask("wave");
    await()
        .atMost(BOUND)
        .untilAsserted(
            () ->
                assertThat(cluster.agents().in(namespace))
                    .as("%s\n%s", pool.status(), operator.tail())
                    .anyMatch(SimulatedAgent::reforking));
  }

  @Test
  @DisplayName("OP-14 a pool that is deleted in its wave: all of it goes, the operator is quiet")
  void pool() {
    pool.delete();
    await()
        .atMost(BOUND)
        .untilAsserted(
            () -> {
              assertThat(pool.resource().get()).isNull();
              assertThat(cluster.agents().in(namespace)).isEmpty();
              assertThat(
                      cluster
                          .controlPlane()
                          .client()
                          .apps()
                          .deployments()
                          .inNamespace(namespace)
                          .list()
                          .getItems())
                  .isEmpty();
            });
    assertQuiet();
  }

  @Test
  @DisplayName("OP-14 a namespace that is deleted in a wave: it goes, the operator is quiet")
  void namespace() {
    cluster.controlPlane().client().namespaces().withName(namespace).delete();
    await()
        .atMost(BOUND)
        .untilAsserted(
            () ->
                assertThat(cluster.controlPlane().client().namespaces().withName(namespace).get())
                    .isNull());
    assertQuiet();
  }

  /**
   * No request about what is gone for a while, and no error line at all. A pass that was under way
   * when the pool went may end first.
   */
  private void assertQuiet() {
    int errors = operator.errors().size();
    var audit = cluster.controlPlane().audit();
    await("no request about what is gone")
        .atMost(QUIET.multipliedBy(6))
        .until(
            () -> {
              long moment = audit.now();
              await().pollDelay(QUIET).atMost(QUIET.plusSeconds(5)).until(() -> true);
              return audit.since(moment).stream()
                  .noneMatch(
                      r -> r.user().equals(operator.user()) && r.namespace().equals(namespace));
            });
    assertThat(operator.errors()).hasSize(errors);
  }
}
