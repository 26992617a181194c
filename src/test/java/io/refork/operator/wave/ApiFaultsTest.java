package io.refork.operator.wave;

import static org.assertj.core.api.Assertions.assertThat;

import io.refork.api.WaveLedger.Outcome;
import io.refork.cluster.Cluster;
import io.refork.cluster.FaultyApi;
import io.refork.cluster.FaultyApi.Answer;
import io.refork.cluster.FaultyApi.Asked;
import io.refork.cluster.OperatorProcess;
import java.time.Duration;
import java.util.Random;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class ApiFaultsTest {
  private final Cluster cluster = Cluster.shared();
  private final Random random = new Random(13);
  private FaultyApi api;
  private OperatorProcess operator;
  private TestPool pool;

  @BeforeEach
  void start() {
    var controlPlane = cluster.controlPlane();
    var namespace = controlPlane.namespace();
    cluster.agents().behave(namespace, b -> b.reforkTakes(Duration.ofMillis(700)));
    api = FaultyApi.before(controlPlane);
    operator =
        OperatorProcess.of(cluster)
            .as(controlPlane.writeKubeconfig(namespace, api.url(), controlPlane.adminToken()))
            .watching(namespace)
            .start()
            .awaitReady();
    pool = TestPool.create(cluster, namespace, "shop", 4).awaitPods(4);
  }

  @AfterEach
  void stop() {
    pool.delete();
    operator.close();
    api.close();
  }

  @Test
  @DisplayName(
      "OP-13 429, 500, lost answers, closed watches and conflicts: the wave ends, no hot loop")
  void faults() throws Exception {
    during(asked -> one(3) ? new Answer.Status(429) : new Answer.Pass(), "throttled");
    during(asked -> one(3) ? new Answer.Status(500) : new Answer.Pass(), "failing");
    during(
        asked -> writes(asked) && one(3) ? new Answer.Lost() : new Answer.Pass(), "answers-lost");
    during(
        asked -> {
          if (one(10)) {
            api.closeWatches();
          }
          return new Answer.Pass();
        },
        "watches-closed");
    pool.assertPromisesKept();
    assertThat(operator.alive()).isTrue();
  }

  @Test
  @DisplayName("OP-13 an API server that does not answer for a while, and one that is overloaded")
  void silence() throws Exception {
    pool.ask("silent");
    api.answer(asked -> asked.watch() ? new Answer.Pass() : new Answer.Never());
    Thread.sleep(5_000);
    api.mend();
    api.closeWatches();
    assertThat(pool.awaitEnd("silent")).isEqualTo(Outcome.Completed);

    // Everything refused: what is tried meanwhile must be little.
    pool.ask("refused");
    long before = api.requests();
    api.answer(asked -> new Answer.Status(500));
    Thread.sleep(10_000);
    assertThat(api.requests() - before).isLessThan(200);
    api.mend();
    assertThat(pool.awaitEnd("refused")).isEqualTo(Outcome.Completed);

    // Somebody else writes all the time: each of our writes may be a conflict.
    pool.ask("conflicts");
    for (int i = 0; !pool.ended("conflicts") && i < 600; i++) {
      pool.patch("{\"metadata\":{\"annotations\":{\"noise\":\"" + i + "\"}}}");
      Thread.sleep(100);
    }
    assertThat(pool.awaitEnd("conflicts")).isEqualTo(Outcome.Completed);
    pool.assertPromisesKept();
  }

  private void during(Function<Asked, Answer> faults, String token) {
    long before = api.requests();
    long began = System.nanoTime();
    api.answer(faults);
    pool.ask(token);
    assertThat(pool.awaitEnd(token)).as(token).isEqualTo(Outcome.Completed);
    api.mend();
    pool.assertAllDone(token);
    var seconds = (System.nanoTime() - began) / 1e9;
    assertThat((api.requests() - before) / seconds)
        .as("requests a second, " + token)
        .isLessThan(40);
  }

  private boolean one(int in) {
    return random.nextInt(in) == 0;
  }

  private static boolean writes(Asked asked) {
    return !asked.method().equals("GET");
  }
}
