package io.refork.api;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class PoolsTest {
  @Test
  @DisplayName("changes are merged into the pool; null takes a field out")
  void changes() {
    var pool =
        Pools.shop(
            """
            metadata: {name: mail}
            spec: {replicas: null, workers: 8, refork: {policy: Never}}
            """);
    assertThat(pool.getMetadata().getName()).isEqualTo("mail");
    assertThat(pool.getMetadata().getNamespace()).isEqualTo("web");
    assertThat(pool.getSpec().replicas()).isNull();
    assertThat(pool.getSpec().workers().getValue()).isEqualTo(8);
    assertThat(pool.getSpec().refork().policy()).isEqualTo(WorkerPoolSpec.Policy.Never);
    assertThat(pool.getSpec().refork().minInterval()).isEqualTo(new PoolDuration("10m"));
    assertThat(pool.getSpec().template().getSpec().getContainers()).hasSize(1);
  }
}
