package io.refork.api;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.api.model.apiextensions.v1.JSONSchemaProps;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** The CRD by itself; {@code WorkerPoolAdmissionTest} shows it to an API server. */
class CrdTest {
  private static final CustomResourceDefinition CRD = Crd.generate();

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

  private static JSONSchemaProps schema() {
    return CRD.getSpec().getVersions().getFirst().getSchema().getOpenAPIV3Schema();
  }
}
