package io.refork.operator.status;

import static io.refork.operator.status.Seen.condition;
import static io.refork.operator.status.Seen.generation;
import static io.refork.operator.status.Seen.known;
import static io.refork.operator.status.Seen.leaving;
import static io.refork.operator.status.Seen.pod;
import static io.refork.operator.status.Seen.seen;
import static org.assertj.core.api.Assertions.assertThat;

import io.refork.api.WorkerPoolStatus.Generation;
import io.refork.api.WorkerPoolStatus.Memory;
import io.refork.api.WorkerPoolStatus.Workers;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class StatusBuilderTest {
  private static final String THREE = "metadata: {generation: 4}\nspec: {replicas: 3, workers: 8}";

  @Test
  @DisplayName("OP-05 workers, generations and memory are the sums of what the agents say")
  void sums() {
    var status =
        seen()
            .pool(THREE)
            .with(
                pod("a", told -> told.generations(generation(2, 8, known(152), known(800)))),
                pod(
                    "b",
                    told ->
                        told.workers(7, 1, 0, 0)
                            .generations(
                                generation(2, 5, known(100), known(500)),
                                generation(1, 3, known(60), known(300)))),
                pod("c", told -> told.generations(generation(1, 8, known(208), known(800)))))
            .status();

    assertThat(status.observedGeneration()).isEqualTo(4);
    assertThat(status.replicas()).isEqualTo(3);
    assertThat(status.readyReplicas()).isEqualTo(3);
    assertThat(status.selector()).isEqualTo("refork.io/pool=shop");
    assertThat(status.generation()).isEqualTo(2);
    assertThat(status.workers()).isEqualTo(new Workers(24, 23, 6, 1, 0, 0));
    assertThat(status.generations())
        .containsExactly(new Generation(2, 2, 13, 81), new Generation(1, 1, 11, 76));
    assertThat(status.memory()).isEqualTo(new Memory(3, "900Mi", "1500Mi", 75, "3Gi"));
    assertThat(status.summary()).isEqualTo("Ready");
    assertThat(condition(status, "Ready").message()).isEqualTo("23 of 24 workers ready in 3 pods");
  }

  @Test
  @DisplayName("OP-05 of many generations the newest four stand alone and the rest is the fifth")
  void manyGenerations() {
    var input = seen().pool("spec: {replicas: 7, workers: 8}");
    for (int g = 1; g <= 7; g++) {
      int number = g;
      UnaryOperator<Seen.Told> only =
          told -> told.generations(generation(number, 8, known(number), known(10)));
      input.with(pod("p" + g, only));
    }
    assertThat(input.status().generations())
        .extracting(Generation::generation, Generation::pods, Generation::sharedPercent)
        .containsExactly(
            org.assertj.core.groups.Tuple.tuple(7, 1, 30),
            org.assertj.core.groups.Tuple.tuple(6, 1, 40),
            org.assertj.core.groups.Tuple.tuple(5, 1, 50),
            org.assertj.core.groups.Tuple.tuple(4, 1, 60),
            org.assertj.core.groups.Tuple.tuple(3, 3, 80));
  }

  @Test
  @DisplayName("OP-05 a pod on its way out counts nowhere")
  void leavingPod() {
    UnaryOperator<Seen.Told> same = told -> told;
    var status = seen().with(pod("a", same), leaving(pod("b", same))).status();
    assertThat(status.replicas()).isEqualTo(1);
    assertThat(status.workers().ready()).isEqualTo(8);
  }
}
