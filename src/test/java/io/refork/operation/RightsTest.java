package io.refork.operation;

import static org.assertj.core.api.Assertions.assertThat;

import io.refork.cluster.AuditLog.Request;
import io.refork.cluster.Cluster;
import io.refork.cluster.OperatorProcess;
import io.refork.operation.Installed.Right;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** The chart grants what the operator uses: not less, not more. The audit log is the judge. */
class RightsTest {
  private final Cluster cluster = Cluster.shared();
  private final String namespace = cluster.controlPlane().namespace();

  @Test
  @DisplayName(
      "OP-15 a pool's whole life under the chart's ClusterRole: nothing refused, nothing unused")
  void everywhere() {
    check(Installed.in(cluster), OperatorProcess.Setup::start);
  }

  @Test
  @DisplayName("OP-15 the same in one namespace under Roles only")
  void namespaced() {
    var installed = Installed.in(cluster, "watchNamespaces={" + namespace + "}");
    assertThat(installed.objects()).noneMatch(o -> o.getKind().startsWith("Cluster"));
    check(installed, setup -> setup.watching(namespace).start());
  }

  private interface Start {
    OperatorProcess of(OperatorProcess.Setup setup);
  }

  private void check(Installed installed, Start start) {
    long begin = cluster.controlPlane().audit().now();
    var setup = installed.operator().with("REFORK_LEADER_ELECTION_ENABLED", "true");
    try (var operator = start.of(setup)) {
      operator.awaitReady();
      lives(operator, installed, begin);
    } finally {
      installed.remove();
    }
  }

  private void lives(OperatorProcess operator, Installed installed, long begin) {
    try {
      var pool = new PoolLife(cluster, namespace).create(1).awaitReady(1);
      pool.scale(2).awaitReady(2);
      pool.wave("2026-11-21T13:20:00Z").awaitReady(2);
      Metrics.check(operator);
      // Another one, which does not remember what was told.
      assertThat(operator.terminate()).isZero();
      operator.start();
      operator.awaitReady();
      pool.stumble();
      pool.delete();
      Awaitility.await("every right was used")
          .atMost(Duration.ofSeconds(20))
          .untilAsserted(
              () -> {
                var requests = requests(installed, begin);
                assertThat(requests).as("refused").noneMatch(r -> r.code() == 403);
                assertThat(unused(installed.granted(), requests)).as("granted, not used").isEmpty();
              });
      assertThat(operator.errors()).isEmpty();
      documented(installed);
    } catch (AssertionError | RuntimeException e) {
      throw new AssertionError(e.getMessage() + "\n" + operator.output(), e);
    }
  }

  private List<Request> requests(Installed installed, long begin) {
    return cluster.controlPlane().audit().since(begin).stream()
        .filter(request -> request.user().equals(installed.user()))
        .toList();
  }

  private static Set<Right> unused(Set<Right> granted, List<Request> requests) {
    var unused = new TreeSet<>(granted);
    unused.removeIf(right -> requests.stream().anyMatch(request -> uses(request, right)));
    return unused;
  }

  private static boolean uses(Request request, Right right) {
    var resource =
        request.subresource().isEmpty()
            ? request.resource()
            : request.resource() + "/" + request.subresource();
    // What server-side apply has made took the right to create, and is told as a patch.
    var verb = request.verb().equals("patch") && request.code() == 201 ? "create" : request.verb();
    return (request.verb().equals(right.verb()) || verb.equals(right.verb()))
        && request.group().equals(right.group())
        && resource.equals(right.resource())
        && (right.namespace().equals("*") || right.namespace().equals(request.namespace()));
  }

  /** Every rule has its row in docs/operator.md, with these verbs, and the other way round. */
  private static void documented(Installed installed) {
    var documented =
        OperatorDocs.rows("Rights").stream()
            .flatMap(
                row ->
                    List.of(row.get(2).split(", ")).stream()
                        .map(verb -> verb + " " + row.get(1).replace("`", "") + "." + group(row)))
            .collect(Collectors.toCollection(TreeSet::new));
    var granted =
        installed.granted().stream()
            .map(r -> r.verb() + " " + r.resource() + "." + r.group())
            .collect(Collectors.toCollection(TreeSet::new));
    if (installed.objects().stream().noneMatch(o -> o.getKind().equals("ClusterRole"))) {
      documented.removeIf(right -> right.contains("customresourcedefinitions"));
    }
    assertThat(granted).as("docs/operator.md, Rights").isEqualTo(documented);
  }

  private static String group(List<String> row) {
    return row.getFirst().equals("core") ? "" : row.getFirst().replace("`", "");
  }
}
