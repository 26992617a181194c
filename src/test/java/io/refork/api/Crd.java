package io.refork.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.DoubleNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.crdv2.generator.CRDGenerationInfo;
import io.fabric8.crdv2.generator.CRDGenerator;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceColumnDefinition;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceColumnDefinitionBuilder;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinitionBuilder;
import io.fabric8.kubernetes.api.model.apiextensions.v1.JSONSchemaProps;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.ByteArrayOutputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** The CustomResourceDefinition, made from the records of this package. */
final class Crd {
  /** Where it is checked in, from the root of the repository. */
  static final Path FILE = Path.of("crds", "workerpools.refork.io-v1.yml");

  private static final String HEADER =
      "# Made from src/main/java/io/refork/api by make generate. Do not edit.\n";

  private Crd() {}

  /** As Fabric8's generator makes it, completed. */
  static CustomResourceDefinition generate() {
    var crd =
        new CustomResourceDefinitionBuilder(raw())
            .editMetadata()
            .addToAnnotations(
                WorkerPool.CRD_VERSION_ANNOTATION, String.valueOf(WorkerPool.CRD_VERSION))
            .endMetadata()
            .editSpec()
            .editNames()
            .withCategories("refork")
            .endNames()
            .endSpec()
            .build();
    var version = crd.getSpec().getVersions().getFirst();
    version.setAdditionalPrinterColumns(columns());
    var scale = version.getSubresources().getScale();
    scale.setSpecReplicasPath(".spec.replicas");
    scale.setStatusReplicasPath(".status.replicas");
    scale.setLabelSelectorPath(".status.selector");
    var root = version.getSchema().getOpenAPIV3Schema();
    root.setDescription(
        "A pool of preforked workers in a number of pods, which renew their shared memory by"
            + " reforking.");
    root.setRequired(List.of("spec"));
    described(root, "spec", "What is wanted.");
    described(root, "status", "What is. Written by the operator only.");
    CrdSchema.complete(root.getProperties().get("spec"), WorkerPoolSpec.class);
    CrdSchema.complete(root.getProperties().get("status"), WorkerPoolStatus.class);
    return crd;
  }

  /** The text of {@link #FILE}. */
  static String yaml(CustomResourceDefinition crd) {
    var tree = Serialization.unmarshal(Serialization.asJson(crd), ObjectNode.class);
    wholeNumbers(tree);
    return HEADER + Serialization.asYaml(tree);
  }

  /** {@code maximum} is a floating-point number in the model: nobody wants to read 1.0E9. */
  private static void wholeNumbers(JsonNode node) {
    if (node instanceof ObjectNode object) {
      for (var name : List.of("minimum", "maximum")) {
        if (object.get(name) instanceof DoubleNode number) {
          object.put(name, number.longValue());
        }
      }
    }
    node.forEach(Crd::wholeNumbers);
  }

  private static void described(JSONSchemaProps root, String field, String description) {
    root.getProperties().get(field).setDescription(description);
  }

  private static List<CustomResourceColumnDefinition> columns() {
    return List.of(
        column("Desired", "integer", ".spec.replicas", "Pods wanted."),
        column("Ready", "integer", ".status.readyReplicas", "Pods that are ready."),
        column("Workers", "integer", ".status.workers.ready", "Workers that are ready."),
        column("Gen", "integer", ".status.generation", "The newest generation of any pod."),
        column(
            "Shared%",
            "integer",
            ".status.memory.sharedPercent",
            "How much of the workers' anonymous memory is shared."),
        column("Saved", "string", ".status.memory.saved", "Memory saved against unshared copies."),
        column("Status", "string", ".status.summary", "What the pool does, or what is wrong."),
        column("Age", "date", ".metadata.creationTimestamp", "Time since it was created."),
        wide("PSS", ".status.memory.proportional", "Proportional memory of all its processes."),
        wide("Limit", ".status.memory.limit", "Memory limit of its containers."),
        wide(
            "Message",
            ".status.conditions[?(@.type==\"Ready\")].message",
            "Why it is ready or not."));
  }

  private static CustomResourceColumnDefinition column(
      String name, String type, String path, String description) {
    return new CustomResourceColumnDefinitionBuilder()
        .withName(name)
        .withType(type)
        .withJsonPath(path)
        .withDescription(description)
        .build();
  }

  private static CustomResourceColumnDefinition wide(String name, String path, String description) {
    var column = column(name, "string", path, description);
    column.setPriority(1);
    return column;
  }

  private static CustomResourceDefinition raw() {
    var made = new ArrayList<CustomResourceDefinition>();
    var generator =
        new CRDGenerator() {
          @Override
          public void emitCrd(HasMetadata crd, Set<String> dependents, CRDGenerationInfo info) {
            made.add((CustomResourceDefinition) crd);
          }
        };
    generator.withOutput(new NoOutput()).customResourceClasses(WorkerPool.class).generate();
    return made.getFirst();
  }

  /** Without one the generator does nothing. */
  private static final class NoOutput implements CRDGenerator.CRDOutput<ByteArrayOutputStream> {
    @Override
    public ByteArrayOutputStream outputFor(String name) {
      return new ByteArrayOutputStream();
    }

    @Override
    public void close() {}
  }
}
