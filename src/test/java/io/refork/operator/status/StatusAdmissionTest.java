package io.refork.operator.status;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.refork.api.Pools;
import io.refork.cluster.ControlPlane;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The schema bounds every text and list of a status, and refuses one beyond as a whole. */
class StatusAdmissionTest {
  @ParameterizedTest(name = "OP-05 a real API server takes the worst status, of {0}")
  @ValueSource(strings = {"x", "\"", "漢", "🐍"})
  void taken(String filler) {
    var cluster = ControlPlane.shared();
    var namespace = cluster.namespace();
    var pool = Pools.shop();
    pool.setMetadata(new ObjectMetaBuilder().withName("worst").withNamespace(namespace).build());
    var made = cluster.client().resource(pool).create();
    var status = StatusBuilder.build(StatusSizeTest.extreme(filler, 20));
    made.setStatus(status);
    assertThat(cluster.client().resource(made).updateStatus().getStatus()).isEqualTo(status);
  }
}
