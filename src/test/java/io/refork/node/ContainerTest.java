package io.refork.node;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.refork.process.Load;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** What agent and application are in a container that kubelet and containerd have made. */
@OnNode
class ContainerTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private static final String PROGRAM = "/app/container_app.py";

  private static Pool pool;
  private static String pod;

  /** As an exec session sees it, and as a worker does. */
  private static JsonNode outside;

  private static JsonNode inside;

  @BeforeAll
  static void look(Node node) throws Exception {
    Release.shared(node);
    pool = new Pool(node, node.namespace("k8s-03"), "probe");
    node.kubectl(
            "create",
            "configmap",
            "app",
            "-n",
            "k8s-03",
            "--from-file=src/test/apps/container_app.py")
        .succeeded();
    pool.apply(
            """
            workers: 2
            refork: {policy: Manual}
            timeouts: {shutdownDelay: 0s, drain: 1s}
            template:
              spec:
                containers:
                - name: app
                  image: refork-test/noshell:1
                  command: [python3.11, /app/container_app.py]
                  volumeMounts: [{name: app, mountPath: /app}]
                volumes:
                - {name: app, configMap: {name: app}}
            """)
        .awaitReady(1);
    pod = pool.readyPods().getFirst();
    outside = JSON.readTree(pool.exec(pod, "python3.11", PROGRAM, "report").succeeded().out());
    inside = JSON.readTree(Load.get(pool.pods().getFirst().getStatus().getPodIP(), 8000, "/"));
  }

  @AfterAll
  static void delete(Node node) {
    node.leave(pool.namespace());
  }

  @Test
  @DisplayName(
      "K8S-03 the agent is PID 1 and not root, with no capability, no new privileges, and seccomp")
  void agent() {
    for (var process :
        new JsonNode[] {
          inside.get("agent"), outside.get("agent"), inside.get("self"), outside.get("self")
        }) {
      assertThat(process.get("Uid").asText()).doesNotContainPattern("\\b0\\b");
      for (var set : new String[] {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
        assertThat(process.get(set).asText()).as(set).isEqualTo("0000000000000000");
      }
      assertThat(process.get("NoNewPrivs").asText()).isEqualTo("1");
      assertThat(process.get("Seccomp").asText()).as("2 is a filter").isEqualTo("2");
    }
    assertThat(inside.get("agent").get("Pid").asText()).isEqualTo("1");
    assertThat(outside.get("agent").get("command").asText()).isEqualTo("refork");
  }

  @Test
  @DisplayName(
      "K8S-03 mold and workers are children of PID 1; a session of kubectl exec is not counted")
  void children() {
    var names = new TreeMap<String, String>();
    inside
        .get("children")
        .fields()
        .forEachRemaining(c -> names.put(c.getKey(), c.getValue().asText()));
    assertThat(names.values()).containsOnlyOnce("refork mold g0");
    assertThat(names).hasSize(3);
    assertThat(inside.get("self").get("PPid").asText()).isEqualTo("1");
    assertThat(names).containsKey(inside.get("self").get("pid").asText());
    assertThat(pool.status().orElseThrow().workers().ready()).isEqualTo(2);
  }

  @Test
  @DisplayName(
      "K8S-03 TOK-20 neither a worker nor an exec session can change the agent's files, the keys, or the root")
  void files() {
    for (var seen : new JsonNode[] {inside, outside}) {
      var writes =
          JSON.convertValue(seen.get("writes"), new TypeReference<Map<String, String>>() {});
      assertThat(writes)
          .containsKeys(
              "/opt/refork/bin/refork",
              "/opt/refork/",
              "/etc/refork/",
              "chmod",
              "unlink",
              "rename");
      assertThat(writes.keySet())
          .anyMatch(path -> path.startsWith("/etc/refork/") && path.contains("keys"));
      assertThat(writes)
          .allSatisfy(
              (path, outcome) -> assertThat(outcome).as(path).isIn("EROFS", "EBUSY", "EACCES"));
      for (var mount : new String[] {"/", "/opt/refork", "/etc/refork"}) {
        assertThat(seen.get("mounts").get(mount).toString()).as(mount).contains("\"ro\"");
      }
      assertThat(seen.get("works").toString()).as("what may be written").doesNotContain("E");
    }
  }

  @Test
  @DisplayName("K8S-03 no service account's token and no private key is in the pod")
  void secrets(Node node) throws Exception {
    assertThat(inside.get("token").asBoolean()).isFalse();
    assertThat(outside.get("token").asBoolean()).isFalse();
    var secret =
        node.client().secrets().inNamespace(Release.HOME).withName("refork-operator-key").get();
    var pem =
        secret.getData().entrySet().stream()
            .filter(entry -> entry.getKey().endsWith(".key"))
            .map(entry -> new String(Base64.getDecoder().decode(entry.getValue()), ISO_8859_1))
            .findFirst()
            .orElseThrow();
    var text = pem.lines().filter(line -> !line.startsWith("-----")).findFirst().orElseThrow();
    var seed = Arrays.copyOfRange(Base64.getDecoder().decode(text), 16, 48);
    var spec = Serialization.asYaml(pool.pods().getFirst());
    var options = Serialization.asYaml(node.client().configMaps().inNamespace("k8s-03").list());
    for (var needle : List.of(text, Base64.getUrlEncoder().withoutPadding().encodeToString(seed))) {
      assertThat(needle).hasSizeGreaterThan(40);
      assertThat(spec).doesNotContain(needle);
      assertThat(options).doesNotContain(needle);
      assertThat(find(node, needle)).isEqualTo("[]");
    }
    // The search would find it.
    assertThat(find(node, "container_app.py find")).contains("/app/");
  }

  private static String find(Node node, String needle) {
    return node.kubectlWith(
            needle,
            "exec",
            "-i",
            "-n",
            pool.namespace(),
            pod,
            "-c",
            "app",
            "--",
            "python3.11",
            PROGRAM,
            "find")
        .succeeded()
        .out()
        .strip();
  }
}
