package io.refork.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.refork.api.WorkerPoolStatus;
import io.refork.process.Load;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Images as people have them, and mistakes that people make. */
@OnNode
class ImagesTest {
  private static final String NAMESPACE = "k8s-09";
  private static final Duration BOUND = Duration.ofSeconds(60);

  private static Node node;

  @BeforeAll
  static void prepare(Node given) {
    node = given;
    Release.shared(node);
    node.namespace(NAMESPACE);
    node.kubectl(
            "create",
            "configmap",
            "app",
            "-n",
            NAMESPACE,
            "--from-file=src/test/apps/container_app.py")
        .succeeded();
  }

  @AfterAll
  static void delete(Node node) {
    node.leave(NAMESPACE);
  }

  /** A pool of one pod with two workers. */
  private static Pool pool(String name, String image) {
    return new Pool(node, NAMESPACE, name)
        .apply(
            """
            workers: 2
            refork: {policy: Manual}
            timeouts: {shutdownDelay: 0s, drain: 1s, boot: 15s}
            template:
              spec:
                containers:
                - name: app
                  image: %s
                  command: [python3.11, /app/container_app.py]
                  volumeMounts: [{name: app, mountPath: /app}]
                volumes:
                - {name: app, configMap: {name: app}}
            """
                .formatted(image));
  }

  private static void serves(Pool pool) throws Exception {
    pool.awaitReady(1);
    var address = pool.pods().getFirst().getStatus().getPodIP();
    assertThat(Load.get(address, 8000, "/")).contains("\"NoNewPrivs\": \"1\"");
    node.kubectl("delete", "wp", pool.name(), "-n", NAMESPACE, "--wait=false").succeeded();
  }

  /** The message of a pool that says this reason. */
  private static String says(Pool pool, String reason) {
    var status =
        pool.await(pool.name() + " says " + reason, BOUND, s -> s.summary().equals(reason));
    assertThat(Pool.is(status, "Degraded")).isTrue();
    var message = message(status, reason);
    System.out.println("K8S " + pool.name() + " " + reason + ": " + message);
    node.kubectl("delete", "wp", pool.name(), "-n", NAMESPACE, "--wait=false").succeeded();
    return message;
  }

  private static String message(WorkerPoolStatus status, String reason) {
    return status.conditions().stream()
        .filter(c -> c.type().equals("Degraded") && c.reason().equals(reason))
        .findFirst()
        .orElseThrow()
        .message();
  }

  @Test
  @DisplayName("K8S-09 an image that runs as a user of its own serves")
  void ownUser() throws Exception {
    var pool = pool("ownuid", "refork-test/ownuid:1");
    pool.awaitReady(1);
    var uid =
        pool.exec(pool.readyPods().getFirst(), "python3.11", "-c", "import os; print(os.getuid())");
    assertThat(uid.succeeded().out().strip()).isNotIn("0", "65532", "65534");
    serves(pool);
  }

  @Test
  @DisplayName("K8S-09 an image without a shell serves")
  void noShell() throws Exception {
    var pool = pool("noshell", "refork-test/noshell:1");
    pool.awaitReady(1);
    assertThat(pool.exec(pool.readyPods().getFirst(), "/bin/sh", "-c", "true").exit()).isNotZero();
    serves(pool);
  }

  @Test
  @DisplayName("K8S-09 a musl image: StartFailed, and what would do")
  void musl() {
    assertThat(says(pool("musl", "refork-test/musl:1"), "StartFailed")).contains("no glibc");
  }

  @Test
  @DisplayName(
      "K8S bad input: another container listens on the agent's port, and the pool says which port")
  void sidecar() {
    // One that starts before the agent: it gets the port.
    var pool =
        new Pool(node, NAMESPACE, "sidecar")
            .apply(
                """
                workers: 2
                template:
                  spec:
                    initContainers:
                    - name: other
                      image: refork-test/noshell:1
                      restartPolicy: Always
                      command: [python3.11, -m, http.server, "7300"]
                      securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
                    containers:
                    - name: app
                      image: refork-test/hello:1
                      command: [python3, -m, refork, gunicorn, "app:app"]
                """);
    assertThat(says(pool, "BootFailure")).contains("cannot listen on 0.0.0.0:7300");
  }

  @Test
  @DisplayName(
      "K8S bad input: the application listens on the agent's port, and the pool says which port")
  void application() {
    var pool =
        new Pool(node, NAMESPACE, "application")
            .apply(
                """
                workers: 2
                template:
                  spec:
                    containers:
                    - name: app
                      image: refork-test/noshell:1
                      command: [python3.11, -m, http.server, "7300"]
                """);
    assertThat(says(pool, "BootFailure")).contains("in use");
  }

  @Test
  @DisplayName("K8S bad input: a memory limit that is too small is told as such")
  void memory() {
    var pool =
        new Pool(node, NAMESPACE, "memory")
            .apply(
                """
                workers: 2
                template:
                  spec:
                    containers:
                    - name: app
                      image: refork-test/hello:1
                      command: [python3, -m, refork, gunicorn, "app:app"]
                      env: [{name: HELLO_CACHE_MB, value: "400"}]
                      resources: {limits: {memory: 128Mi}}
                """);
    assertThat(says(pool, "ContainerKilledForMemory")).contains("memory limit");
  }
}
