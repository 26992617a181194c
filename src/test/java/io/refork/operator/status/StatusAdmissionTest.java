package io.refork.operator.status;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.client.utils.Serialization;
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

  @ParameterizedTest(
      name = "OP-05 a real API server refuses the time {0}, which no pass could read")
  @ValueSource(
      strings = {"", "soon", "2026-02-30T13:20:00Z", "2026-11-21T25:20:00Z", "2026-11-21 13:20:00"})
  void unreadable(String time) {
    var cluster = ControlPlane.shared();
    var pool = Pools.shop();
    pool.setMetadata(
        new ObjectMetaBuilder().withName("late").withNamespace(cluster.namespace()).build());
    var made = cluster.client().resource(pool).create();
    var good = StatusBuilder.build(StatusSizeTest.extreme("x", 20));
    made.setStatus(good);
    var json = Serialization.asJson(made);
    var retryAt = good.rollout().ledger().abort().retryAt();
    var broken = json.replace("\"retryAt\":\"" + retryAt, "\"retryAt\":\"" + time);
    assertThat(broken).isNotEqualTo(json);
    var resource = Serialization.unmarshal(broken, GenericKubernetesResource.class);
    assertThatThrownBy(() -> cluster.client().resource(resource).updateStatus())
        .hasMessageContaining("status.rollout.ledger.abort.retryAt");
  }
}
