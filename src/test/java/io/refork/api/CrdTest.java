package io.refork.api;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.api.model.apiextensions.v1.JSONSchemaProps;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.refork.agent.config.Options;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The CRD by itself; {@code WorkerPoolAdmissionTest} shows it to an API server. */
class CrdTest {
  private static final CustomResourceDefinition CRD = Crd.generate();
  private static final Pattern RANGE = Pattern.compile("(\\w+) to (\\w+)");

  @Test
  @DisplayName("OP-01 the CRD that is checked in is the one of the records")
  void drift() throws IOException {
    generated(Crd.FILE, Crd.yaml(CRD));
  }

  @Test
  @DisplayName("OP-01 the reference page that is checked in is the one of the CRD")
  void pageDrift() throws IOException {
    generated(CrdPage.FILE, CrdPage.of(CRD));
  }

  /** {@code make generate} writes the files instead. */
  private static void generated(Path file, String text) throws IOException {
    if (Boolean.getBoolean("refork.generate")) {
      Files.createDirectories(file.getParent());
      Files.writeString(file, text);
    }
    assertThat(Files.readString(file))
        .as("%s is not what the records of io.refork.api say: run make generate", file)
        .isEqualTo(text);
  }

  @Test
  @DisplayName("OP-01 the CRD is at most 200 KB, so that a client-side apply works")
  void size() {
    var json = Serialization.asJson(CRD);
    assertThat(json.getBytes(StandardCharsets.UTF_8)).hasSizeLessThan(200_000);
  }

  @Test
  @DisplayName(
      "OP-01 every text and list of the status and every one of ours in the spec is bounded")
  void bounds() {
    var unbounded = new ArrayList<String>();
    for (var part : List.of("spec", "status")) {
      CrdPage.walk(
          part + ".",
          schema().getProperties().get(part),
          (path, field) -> {
            boolean text = "string".equals(field.getType()) && field.getEnum().isEmpty();
            if (text && field.getMaxLength() == null
                || "array".equals(field.getType()) && field.getMaxItems() == null) {
              unbounded.add(path);
            }
          });
    }
    assertThat(unbounded).isEmpty();
  }

  @Test
  @DisplayName("OP-01 the full sample has every field of the spec, and only these")
  void fullSample() throws IOException {
    var fields = new TreeSet<String>();
    CrdPage.walk("", schema().getProperties().get("spec"), (path, field) -> fields.add(path));
    var sample = new TreeSet<String>();
    var pool =
        Serialization.unmarshal(
            Files.readString(Path.of("deploy/samples/full.yaml")), JsonNode.class);
    paths("", pool.get("spec"), sample);
    assertThat(sample).isEqualTo(fields);
  }

  private static void paths(String path, JsonNode node, TreeSet<String> found) {
    node.fields()
        .forEachRemaining(
            field -> {
              var here = path + field.getKey();
              found.add(here);
              // What is Kubernetes' own has fields that we do not describe.
              if (here.equals("template") || here.equals("agent.resources")) {
                return;
              }
              paths(here + ".", field.getValue(), found);
              if (field.getValue().isArray()) {
                field.getValue().forEach(item -> paths(here + "[].", item, found));
              }
            });
  }

  @ParameterizedTest(name = "OP-01 {0} has the range of the agent''s --{1}")
  @CsvSource({
    "refork.belowSharedPercent, refork-below",
    "refork.minInterval, refork-min-interval",
    "rollout.workers.maxSurge, max-surge",
    "rollout.workers.canarySoak, canary-soak",
    "rollout.workers.failureBudget, failure-budget",
    "timeouts.boot, boot-timeout",
    "timeouts.spawn, spawn-timeout",
    "timeouts.promote, promote-timeout",
    "timeouts.request, request-timeout",
    "timeouts.drain, drain-timeout",
    "timeouts.shutdownDelay, shutdown-delay",
  })
  void ranges(String path, String option) {
    var field = schema().getProperties().get("spec");
    for (var name : path.split("\\.")) {
      field = field.getProperties().get(name);
    }
    var allowed =
        Options.ALL.stream().filter(o -> o.name().equals(option)).findFirst().orElseThrow();
    var ours = RANGE.matcher(CrdSchema.range(field));
    var agents = RANGE.matcher(allowed.allowed());
    assertThat(ours.find()).isTrue();
    assertThat(agents.find()).isTrue();
    assertThat(inHours(ours)).isEqualTo(inHours(agents));
  }

  /** The agent's help writes days, which a pool's times do not have. */
  private static List<String> inHours(MatchResult range) {
    return Stream.of(range.group(1), range.group(2))
        .map(
            bound ->
                bound.endsWith("d")
                    ? 24 * Integer.parseInt(bound.substring(0, bound.length() - 1)) + "h"
                    : bound)
        .toList();
  }

  private static JSONSchemaProps schema() {
    return CRD.getSpec().getVersions().getFirst().getSchema().getOpenAPIV3Schema();
  }
}
