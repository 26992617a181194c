package io.refork.process;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** GEN: what a pool is like after many reforks, with each server. */
class LongRunTest {
  /**
   * The time of a fork is a benchmark's to judge; its cause is judged here: what fork copies are
   * the mold's page tables and mappings.
   */
  @ParameterizedTest(
      name =
          "GEN-14 from generation {1} to {2} nothing grows: descriptors, threads, memory, what a fork copies; {0}")
  @CsvSource({"LOOP, 20, 200", "GTHREAD, 20, 40", "SYNC, 20, 40", "UVICORN, 20, 40"})
  void manyGenerations(App app, int from, int to) throws Exception {
    var run = LongRun.run(app, from, to);
    var first = run.first();
    var last = run.last();
    assertThat(last.descriptors()).isEqualTo(first.descriptors());
    // A server of several threads starts them as requests meet: how many a worker has differs, up
    // to a limit.
    assertThat(last.threads())
        .containsEntry("agent", first.threads().get("agent"))
        .containsEntry("mold", 1)
        .allSatisfy(
            (role, n) ->
                assertThat(role.startsWith("worker") ? n : 1)
                    .isLessThanOrEqualTo(app.mostThreads()));
    assertThat(last.agentAnonymous()).isLessThanOrEqualTo(withMargin(first.agentAnonymous()));
    assertThat(last.poolProportional()).isLessThanOrEqualTo(withMargin(first.poolProportional()));
    assertThat(last.pageTables()).isLessThanOrEqualTo(withMargin(first.pageTables()));
    assertThat(last.mappings()).isLessThanOrEqualTo(withMargin(first.mappings()));
  }

  private static long withMargin(long amount) {
    return amount * 105 / 100;
  }
}
