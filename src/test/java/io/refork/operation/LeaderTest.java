package io.refork.operation;

import static org.assertj.core.api.Assertions.assertThat;

import io.refork.cluster.Cluster;
import io.refork.cluster.OperatorProcess;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** One leads, the others take over. */
class LeaderTest {
  private static final Duration LEASE = Duration.ofSeconds(6);

  private final Cluster cluster = Cluster.shared();
  private final String namespace = cluster.controlPlane().namespace();

  @Test
  @DisplayName(
      "OP-17 a leader is killed: another reconciles within the lease's time + 5 s; one that is told to stop hands over at once")
  void takeover() {
    var setup =
        OperatorProcess.of(cluster)
            .in(cluster.controlPlane().namespace())
            .watching(namespace)
            .with("REFORK_LEADER_ELECTION_ENABLED", "true")
            .with("REFORK_LEADER_ELECTION_LEASE", LEASE.toSeconds() + "s");
    try (var first = setup.start().awaitReady()) {
      leads(first);
      try (var second = setup.start().awaitReady()) {
        assertThat(second.metric("refork_operator_leader")).isZero();
        first.kill();
        long killed = System.nanoTime();
        new PoolLife(cluster, namespace).create(1);
        awaitDeployment();
        assertThat(since(killed)).isLessThan(LEASE.plusSeconds(5));
        leads(second);

        first.start();
        first.awaitReady();
        long told = System.nanoTime();
        assertThat(second.terminate()).isZero();
        assertThat(since(told)).as("the leader stops").isLessThan(Duration.ofSeconds(5));
        leads(first);
        assertThat(since(told)).as("the other leads").isLessThan(LEASE);
        assertThat(first.errors()).isEmpty();
        assertThat(second.errors()).isEmpty();
      }
    }
  }

  @Test
  @DisplayName("OP-17 an operator that cannot renew its lease ends itself, with a code of its own")
  void lost() {
    var setup =
        OperatorProcess.of(cluster)
            .in(cluster.controlPlane().namespace())
            .watching(namespace)
            .with("REFORK_LEADER_ELECTION_ENABLED", "true")
            .with("REFORK_LEADER_ELECTION_LEASE", LEASE.toSeconds() + "s");
    try (var operator = setup.start().awaitReady()) {
      leads(operator);
      var leases = cluster.controlPlane().client().leases().inNamespace(operator.namespace());
      leases
          .withName("refork-operator")
          .edit(
              lease -> {
                lease.getSpec().setHolderIdentity("somebody else");
                lease.getSpec().setRenewTime(java.time.ZonedDateTime.now().plusMinutes(5));
                return lease;
              });
      assertThat(operator.awaitExit(LEASE.plusSeconds(5))).isEqualTo(3);
      assertThat(operator.errors()).last().asString().contains("lease").contains("lost");
    }
  }

  @Test
  @DisplayName(
      "OP-17 a leader that may not read pods ends with one sentence, and holds up no other operator")
  void withoutRights() {
    var installed = Installed.in(cluster, "watchNamespaces={" + namespace + "}");
    cluster
        .controlPlane()
        .client()
        .rbac()
        .roles()
        .inNamespace(namespace)
        .withName(installed.roleIn(namespace))
        .edit(
            role -> {
              role.getRules().removeIf(rule -> rule.getResources().contains("pods"));
              return role;
            });
    var setup =
        installed
            .operator()
            .watching(namespace)
            .with("REFORK_LEADER_ELECTION_ENABLED", "true")
            .with("REFORK_LEADER_ELECTION_LEASE", LEASE.toSeconds() + "s");
    try (var operator = setup.start()) {
      assertThat(operator.awaitExit(Duration.ofSeconds(30))).as(operator.tail()).isEqualTo(2);
      assertThat(operator.errors()).last().asString().contains("pods").contains("forbidden");
    } finally {
      installed.remove();
    }
  }

  private static void leads(OperatorProcess operator) {
    Awaitility.await("it leads")
        .atMost(Duration.ofSeconds(15))
        .pollInterval(Duration.ofMillis(50))
        .until(() -> operator.metric("refork_operator_leader") == 1);
  }

  private void awaitDeployment() {
    Awaitility.await("the pool has its Deployment")
        .atMost(LEASE.plusSeconds(20))
        .pollInterval(Duration.ofMillis(50))
        .until(
            () ->
                cluster
                        .controlPlane()
                        .client()
                        .apps()
                        .deployments()
                        .inNamespace(namespace)
                        .withName("shop")
                        .get()
                    != null);
  }

  private static Duration since(long nanos) {
    return Duration.ofNanos(System.nanoTime() - nanos);
  }
}
