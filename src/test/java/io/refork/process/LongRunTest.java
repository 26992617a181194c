package io.refork.process;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** GEN: what a pool is like after two hundred reforks. */
class LongRunTest {
  /**
   * The time of a fork is a benchmark's to judge; its cause is judged here: what fork copies are
   * the mold's page tables and mappings.
   */
  @Test
  @DisplayName(
      "GEN-14 from generation 20 to 200 nothing grows: descriptors, threads, memory, what a fork copies")
  void twoHundredGenerations() throws Exception {
    var run = LongRun.run();
    var first = run.first();
    var last = run.last();
    assertThat(last.descriptors()).isEqualTo(first.descriptors());
    assertThat(last.threads()).isEqualTo(first.threads());
    assertThat(last.agentAnonymous()).isLessThanOrEqualTo(withMargin(first.agentAnonymous()));
    assertThat(last.poolProportional()).isLessThanOrEqualTo(withMargin(first.poolProportional()));
    assertThat(last.pageTables()).isLessThanOrEqualTo(withMargin(first.pageTables()));
    assertThat(last.mappings()).isLessThanOrEqualTo(withMargin(first.mappings()));
  }

  private static long withMargin(long amount) {
    return amount * 105 / 100;
  }
}
