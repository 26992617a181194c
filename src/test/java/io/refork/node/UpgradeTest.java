package io.refork.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.refork.cluster.Binaries;
import io.refork.cluster.Ran;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The operator comes, changes and goes; a pool under load does not notice. */
@OnNode
class UpgradeTest {
  private static final Duration LONG = Duration.ofSeconds(90);

  private final Node node;
  private @TempDir Path folder;

  UpgradeTest(Node node) {
    this.node = node;
  }

  @AfterEach
  void empty() {
    node.leave("k8s-08");
    Release.clear(node);
  }

  @Test
  @DisplayName(
      "K8S-08 upgraded from an older chart and to other values, uninstalled, installed again: pools serve, no failed request")
  void life() throws Exception {
    var older = older();
    Release.clear(node);
    var release = new Release(node, "refork", node.namespace(Release.HOME));
    // Its values were named otherwise.
    release
        .upgradeTo(older, "image=refork-operator:0.1.0", "agent.image=refork-agent:0.1.0")
        .succeeded();
    release.awaitReady();
    var pool = new Pool(node, node.namespace("k8s-08"), "shop");
    pool.apply(Shop.spec("{policy: Manual}")).awaitReady(2);
    var uids = pool.uids();

    try (var visitors = pool.visitors(20, Shop.PATHS)) {
      release.upgrade().succeeded();
      release.awaitReady();
      waves(pool, "after the older chart");

      release.upgrade("log.format=text", "highAvailability.enabled=true").succeeded();
      assertThat(release.awaitReady().pods()).hasSize(2);
      tests();

      release.uninstall().succeeded();
      Node.await("the operators are gone").until(() -> release.pods().isEmpty());
      assertThat(node.kubectl("get", "crd", "workerpools.refork.io").exit()).isZero();
      assertThat(pool.status()).isPresent();
      assertThat(pool.readyPods()).hasSize(2);

      release.upgrade().succeeded();
      release.awaitReady();
      tests();
      waves(pool, "after the reinstallation");
      assertThat(visitors.failures()).isEmpty();
      assertThat(visitors.requests()).isPositive();
    }
    assertThat(pool.uids()).as("no pod was replaced").isEqualTo(uids);
    assertThat(pool.restarts()).isZero();
  }

  private void tests() {
    assertThat(
            node.helm("test", "refork", "--namespace", Release.HOME, "--timeout", "80s")
                .succeeded()
                .out())
        .contains("Phase:          Succeeded");
  }

  private static void waves(Pool pool, String token) {
    pool.request(token).await("the wave " + token, LONG, s -> pool.ended(token).isPresent());
    assertThat(pool.ended(token)).contains("Completed");
  }

  /** Packed from the last commit whose chart had other names for its images. */
  private String older() throws IOException {
    assumeTrue(Files.exists(Path.of(".git")), "needs the repository's history");
    var renamed =
        run(
                "git",
                "log",
                "--format=%H",
                "-S",
                "repository: refork-operator",
                "--",
                "helm/refork/values.yaml")
            .lines()
            .toList();
    assumeTrue(!renamed.isEmpty(), "needs the repository's whole history");
    var archive = folder.resolve("older.tar");
    run("git", "archive", "-o", archive.toString(), renamed.getLast() + "^", "helm/refork");
    run("tar", "-C", folder.toString(), "-xf", archive.toString());
    run(
        Binaries.of("helm").toString(),
        "package",
        folder.resolve("helm/refork").toString(),
        "-d",
        folder.toString());
    try (var files = Files.list(folder)) {
      return files.filter(f -> f.toString().endsWith(".tgz")).findFirst().orElseThrow().toString();
    }
  }

  private static String run(String... command) {
    return Ran.run(Map.of(), "", List.of(command)).succeeded().out();
  }
}
