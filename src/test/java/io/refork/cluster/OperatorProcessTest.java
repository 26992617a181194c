package io.refork.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** The packaged operator starts, is killed, starts again and leaves when told to. */
class OperatorProcessTest {
  @Test
  void livesAndDies() {
    try (var operator = OperatorProcess.of(Cluster.shared()).start().awaitReady()) {
      assertThat(operator.metrics()).contains("jvm_");
      assertThat(operator.residentBytes()).isPositive();
      operator.kill();
      operator.start();
      operator.awaitReady();
      assertThat(operator.terminate()).isZero();
      assertThat(operator.errors()).isEmpty();
      assertThat(operator.logged()).isNotEmpty();
    }
  }
}
