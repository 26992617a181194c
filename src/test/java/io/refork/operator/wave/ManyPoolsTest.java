package io.refork.operator.wave;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.refork.cluster.Cluster;
import io.refork.cluster.OperatorProcess;
import java.time.Duration;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** {@code make bench-operator} does it with a thousand pools and ten thousand pods. */
class ManyPoolsTest {
  private static final int POOLS = 50;
  private static final int PODS = 10;
  private static final Duration QUIET = Duration.ofSeconds(10);

  @Test
  @DisplayName("OP-16 50 pools with 500 pods: every status in time, then no writes; memory bounded")
  void manyPools() {
    var cluster = Cluster.shared();
    var namespace = cluster.controlPlane().namespace();
    try (var operator =
        OperatorProcess.of(cluster)
            .watching(namespace)
            .with("REFORK_POLL_INTERVAL", "5s")
            .start()
            .awaitReady()) {
      var pools =
          IntStream.range(0, POOLS)
              .mapToObj(i -> TestPool.create(cluster, namespace, "pool-" + i, PODS))
              .toList();
      pools.forEach(pool -> pool.awaitPods(PODS));

      // The last words of Deployments and disruption budgets may still be on their way.
      var audit = cluster.controlPlane().audit();
      await("a while without writes")
          .atMost(Duration.ofMinutes(2))
          .until(
              () -> {
                long moment = audit.now();
                await().pollDelay(QUIET).atMost(QUIET.plusSeconds(5)).until(() -> true);
                return audit.writesSince(moment, operator.user()).isEmpty();
              });
      assertThat(operator.peakResidentBytes()).isLessThan(512L << 20);
      pools.forEach(TestPool::delete);
    }
  }
}
