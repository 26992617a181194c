package io.refork.operator.pass;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.refork.api.Pools;
import io.refork.operator.plan.PodSeen;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Pods as the API server tells of them. */
class PodReaderTest {
  private static final String METADATA =
      """
      metadata:
        name: shop-7c9-x2x4k
        namespace: web
        uid: u1
        creationTimestamp: "2026-11-21T12:00:00Z"
        labels: {refork.io/pool: shop, refork.io/revision: r1, pod-template-hash: 7c9}
        ownerReferences:
        - {apiVersion: apps/v1, kind: ReplicaSet, name: shop-7c9, uid: x, controller: true}
      """;

  private static final String RUNNING =
      METADATA
          + """
          spec: {containers: [{name: app, image: x}]}
          status:
            phase: Running
            podIP: 10.0.0.7
            conditions: [{type: Ready, status: "True"}, {type: Initialized, status: "True"}]
            containerStatuses:
            - name: app
              restartCount: 2
              state: {running: {startedAt: "2026-11-21T12:30:00Z"}}
              lastState:
                terminated: {reason: OOMKilled, exitCode: 137, finishedAt: "2026-11-21T12:29:58Z"}
          """;

  @Test
  @DisplayName("OP-05 a pod that runs: address, readiness, revision, and what it died of before")
  void running() {
    var seen = read(RUNNING);
    assertThat(seen.uid()).isEqualTo("u1");
    assertThat(seen.ip()).contains("10.0.0.7");
    assertThat(seen.revision()).isEqualTo("r1");
    assertThat(seen.ready()).isTrue();
    assertThat(seen.leaving()).isFalse();
    assertThat(seen.restarts()).isEqualTo(2);
    assertThat(seen.createdAt()).isEqualTo(Instant.parse("2026-11-21T12:00:00Z"));
    assertThat(seen.troubles())
        .containsExactly(
            new PodSeen.Trouble(
                "app",
                "OOMKilled",
                "exit code 137",
                false,
                Optional.of(Instant.parse("2026-11-21T12:29:58Z"))));
  }

  @Test
  @DisplayName(
      "a pod that is being deleted, and one that has ended, are leaving; the latter is not ready")
  void leaving() {
    var deleted =
        RUNNING.replace("  uid: u1", "  uid: u1\n  deletionTimestamp: \"2026-11-21T13:00:00Z\"");
    assertThat(read(deleted).leaving()).isTrue();
    var ended = read(RUNNING.replace("Running", "Failed"));
    assertThat(ended.leaving()).isTrue();
    assertThat(ended.ready()).isFalse();
  }

  @Test
  @DisplayName(
      "what a container waits for is a trouble, but not that it is being made; the present comes first")
  void waiting() {
    var seen =
        read(
            METADATA
                + """
                status:
                  phase: Pending
                  conditions:
                  - {type: PodScheduled, status: "True"}
                  initContainerStatuses:
                  - {name: refork-agent, state: {terminated: {exitCode: 0, reason: Completed}}}
                  containerStatuses:
                  - {name: side, state: {waiting: {reason: ContainerCreating}}}
                  - name: app
                    state: {waiting: {reason: CrashLoopBackOff, message: "back-off\\n10s"}}
                    lastState: {terminated: {reason: Error, exitCode: 127, message: "no such\\u001b file"}}
                """);
    assertThat(seen.ready()).isFalse();
    assertThat(seen.ip()).isEmpty();
    assertThat(seen.troubles())
        .extracting(PodSeen.Trouble::reason)
        .containsExactly("CrashLoopBackOff", "Error");
    assertThat(seen.troubles().get(1).message()).startsWith("exit code 127: no such");
    assertThat(seen.troubles())
        .allSatisfy(t -> assertThat(t.message()).doesNotContain("\u001b").doesNotContain("\n"));
  }

  @Test
  @DisplayName("of a container's last words the last are told")
  void lastWords() {
    var words = "x".repeat(400) + "\\n" + "y".repeat(100) + "\\nValueError: no database\\n";
    var seen =
        read(
            METADATA
                + """
                status:
                  containerStatuses:
                  - name: app
                    state: {terminated: {reason: Error, exitCode: 1, message: "%s"}}
                """
                    .formatted(words));
    assertThat(seen.troubles().getFirst().message())
        .startsWith("exit code 1: …xxx")
        .endsWith("\\nValueError: no database");
  }

  @Test
  @DisplayName("a pod that no node takes says why")
  void unschedulable() {
    var seen =
        read(
            METADATA
                + """
                status:
                  phase: Pending
                  conditions:
                  - {type: PodScheduled, status: "False", reason: Unschedulable, message: 0/3 nodes}
                """);
    assertThat(seen.troubles())
        .containsExactly(
            new PodSeen.Trouble("", "Unschedulable", "0/3 nodes", true, Optional.empty()));
  }

  @Test
  @DisplayName("a pod without a status yet is nothing but there")
  void empty() {
    var seen = read(METADATA);
    assertThat(seen.ready()).isFalse();
    assertThat(seen.troubles()).isEmpty();
  }

  @Test
  @DisplayName("only pods of the pool's own Deployment are its own, whatever label others carry")
  void own() {
    var pool = Pools.shop();
    assertThat(PodReader.isOf(pool, pod(RUNNING))).isTrue();
    assertThat(PodReader.isOf(pool, pod(RUNNING.replace("kind: ReplicaSet", "kind: Job"))))
        .isFalse();
    assertThat(PodReader.isOf(pool, pod(RUNNING.replace("name: shop-7c9,", "name: mail-7c9,"))))
        .isFalse();
    assertThat(PodReader.isOf(pool, pod(RUNNING.replace(", controller: true", "")))).isFalse();
    assertThat(PodReader.isOf(pool, pod(RUNNING.replace("namespace: web", "namespace: other"))))
        .isFalse();
  }

  @Test
  @DisplayName("OP-16 a trimmed pod reads like the whole one")
  void trimmed() {
    var whole = pod(RUNNING);
    var store = new PodStore();
    store.put("web/x", whole);
    var kept = java.util.Objects.requireNonNull(store.get("web/x"));
    assertThat(kept.getSpec()).isNull();
    assertThat(PodReader.isOf(Pools.shop(), kept)).isTrue();
    assertThat(PodReader.read(Pools.shop(), kept, Optional.empty()))
        .isEqualTo(PodReader.read(Pools.shop(), whole, Optional.empty()));
  }

  private static PodSeen read(String yaml) {
    return PodReader.read(Pools.shop(), pod(yaml), Optional.empty());
  }

  private static Pod pod(String yaml) {
    return Serialization.unmarshal(yaml, Pod.class);
  }
}
