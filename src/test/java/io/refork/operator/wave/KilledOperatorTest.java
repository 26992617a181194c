package io.refork.operator.wave;

import static org.assertj.core.api.Assertions.assertThat;

import io.refork.api.WaveLedger.Outcome;
import io.refork.cluster.Cluster;
import io.refork.cluster.OperatorProcess;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class KilledOperatorTest {
  private static final int KILLS = 20;

  /** From before its first pass to after its agents' next word. */
  private static final int LIFE_MILLIS = 2500;

  @Test
  @DisplayName(
      "OP-09 an operator that is killed twenty times in waves: no pod reforks twice for one request, every wave ends")
  void killedAgainAndAgain() throws Exception {
    var cluster = Cluster.shared();
    var random = new Random(20261121);
    var namespace = cluster.controlPlane().namespace();
    cluster.agents().behave(namespace, b -> b.reforkTakes(Duration.ofMillis(1500)));
    try (var operator = OperatorProcess.of(cluster).watching(namespace).start().awaitReady()) {
      var pool = TestPool.create(cluster, namespace, "shop", 8).awaitPods(8);
      int wave = 1;
      pool.ask("wave-1");
      for (int kill = 1; kill <= KILLS; kill++) {
        Thread.sleep(random.nextInt(LIFE_MILLIS));
        operator.kill();
        if (pool.ended("wave-" + wave)) {
          assertThat(pool.request().orElseThrow().outcome()).isEqualTo(Outcome.Completed);
          pool.assertAllDone("wave-" + wave);
          wave++;
          pool.ask("wave-" + wave);
        }
        operator.start();
        operator.awaitReady();
      }
      assertThat(pool.awaitEnd("wave-" + wave)).isEqualTo(Outcome.Completed);
      pool.assertAllDone("wave-" + wave);
      pool.assertPromisesKept();
      pool.delete();
    }
  }
}
