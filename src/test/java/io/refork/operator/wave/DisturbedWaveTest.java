package io.refork.operator.wave;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.refork.api.WaveLedger.Outcome;
import io.refork.cluster.Cluster;
import io.refork.cluster.Fault;
import io.refork.cluster.OperatorProcess;
import io.refork.cluster.SimulatedAgent;
import java.time.Duration;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class DisturbedWaveTest {
  private static OperatorProcess operator;

  private final Cluster cluster = Cluster.shared();
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

  @Test
  @DisplayName(
      "OP-11 replies that are lost, doubled, late or refused: the wave ends, each pod once")
  void network() {
    var random = new Random(11);
    cluster
        .agents()
        .behave(namespace, b -> b.reforkTakes(Duration.ofMillis(700)).fault(() -> fault(random)));
    var pool = TestPool.create(cluster, namespace, "shop", 6).awaitPods(6);
    pool.ask("wave");
    assertThat(pool.awaitEnd("wave")).isEqualTo(Outcome.Completed);
    pool.assertAllDone("wave");
    pool.assertPromisesKept();
    pool.delete();
  }

  private static Optional<Fault> fault(Random random) {
    return switch (random.nextInt(10)) {
      case 0 -> Optional.of(new Fault.ReplyLost());
      case 1 -> Optional.of(new Fault.Duplicated());
      case 2 -> Optional.of(new Fault.Late(Duration.ofMillis(1200)));
      // The operator waits for two seconds.
      case 3 -> Optional.of(new Fault.Late(Duration.ofMillis(3500)));
      case 4 -> Optional.of(new Fault.Refused());
      default -> Optional.empty();
    };
  }

  @Test
  @DisplayName(
      "OP-11 an agent restarts, a pod is replaced, pods are added and removed in the wave: it ends, each pod at most once")
  void pods() {
    cluster.agents().behave(namespace, b -> b.reforkTakes(Duration.ofMillis(1500)));
    var pool = TestPool.create(cluster, namespace, "shop", 8).awaitPods(8);
    pool.ask("wave");
    pool.awaitRolling("wave");

    var reforking = anyReforking();
    cluster.kubelet().restart(namespace, reforking.pod().name());
    var waiting =
        cluster.agents().in(namespace).stream()
            .filter(agent -> agent.level() == 0 && !agent.reforking())
            .filter(agent -> agent != reforking)
            .findFirst()
            .orElseThrow();
    cluster
        .controlPlane()
        .client()
        .pods()
        .inNamespace(namespace)
        .withName(waiting.pod().name())
        .delete();
    pool.patch("{\"spec\":{\"replicas\":10}}");
    await()
        .atMost(TestPool.WAVE_BOUND)
        .untilAsserted(() -> assertThat(cluster.agents().in(namespace)).hasSize(10));
    pool.patch("{\"spec\":{\"replicas\":7}}");

    assertThat(pool.awaitEnd("wave")).isEqualTo(Outcome.Completed);
    pool.awaitPods(7);
    pool.assertPromisesKept();
    // The lapsed one had its turn: a wave asks once.
    assertThat(pool.reforks("wave"))
        .filteredOn(r -> r.uid().equals(reforking.pod().uid()))
        .hasSize(1);
    pool.delete();
  }

  private SimulatedAgent anyReforking() {
    return await()
        .atMost(TestPool.WAVE_BOUND)
        .pollInterval(Duration.ofMillis(50))
        .until(
            () ->
                cluster.agents().in(namespace).stream()
                    .filter(SimulatedAgent::reforking)
                    .findFirst(),
            Optional::isPresent)
        .orElseThrow();
  }
}
