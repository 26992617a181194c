package io.refork.operator.wave;

import static org.assertj.core.api.Assertions.assertThat;

import io.refork.api.WaveLedger.Outcome;
import io.refork.cluster.Cluster;
import io.refork.cluster.OperatorProcess;
import io.refork.cluster.OperatorProcess.Setup;
import java.time.Duration;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class TwoOperatorsTest {
  @Test
  @DisplayName("OP-10 two operators that both believe to lead give no permit twice")
  void both() {
    var cluster = Cluster.shared();
    var namespace = cluster.controlPlane().namespace();
    cluster.agents().behave(namespace, b -> b.reforkTakes(Duration.ofMillis(800)));
    // No leader election: both reconcile all the time, and share the key's Secret.
    Setup setup =
        OperatorProcess.of(cluster).in(cluster.controlPlane().namespace()).watching(namespace);
    try (var one = setup.start();
        var other = setup.start()) {
      one.awaitReady();
      other.awaitReady();
      var pool = TestPool.create(cluster, namespace, "shop", 6).awaitPods(6);
      for (var token : new String[] {"wave-1", "wave-2"}) {
        pool.ask(token);
        assertThat(pool.awaitEnd(token)).isEqualTo(Outcome.Completed);
        pool.assertAllDone(token);
      }
      pool.assertPromisesKept();
      assertThat(one.alive() && other.alive()).isTrue();
      pool.delete();
    }
  }
}
