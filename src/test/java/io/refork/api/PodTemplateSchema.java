package io.refork.api;

import io.fabric8.kubernetes.api.model.apiextensions.v1.JSONSchemaProps;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Set;

/**
 * The parts of the schema that are Kubernetes' own: bounded as far as our rules need it, and so
 * that the operator can decode whatever the API server takes. One pool that it cannot decode ends
 * the watch of all.
 */
final class PodTemplateSchema {
  /** A rule over the containers is within CEL's budget up to here. */
  private static final long MAX_CONTAINERS = 16;

  /** A DNS label. */
  private static final long MAX_NAME = 63;

  /**
   * What a Kubernetes quantity looks like. Kubernetes itself sets no end to the digits; a number
   * with an exponent of nine of them would keep whoever writes it out busy for hours.
   */
  static final String QUANTITY =
      "^[+-]?([0-9]{1,20}(\\.[0-9]{0,20})?|\\.[0-9]{1,20})"
          + "([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]{1,2})?$";

  /** A number, or a text of this form; and for a map, its values. */
  private static final Set<String> QUANTITIES =
      Set.of("limits", "requests", "overhead", "sizeLimit", "divisor");

  /** Wider than the other integers. */
  private static final Set<String> INT64 =
      Set.of(
          "activeDeadlineSeconds",
          "deletionGracePeriodSeconds",
          "expirationSeconds",
          "fsGroup",
          "generation",
          "runAsGroup",
          "runAsUser",
          "seconds",
          "supplementalGroups",
          "terminationGracePeriodSeconds",
          "tolerationSeconds");

  private PodTemplateSchema() {}

  /** Bounds the numbers and quantities of a schema that is called {@code name}. */
  static void decodable(String name, JSONSchemaProps schema) {
    if (Boolean.TRUE.equals(schema.getXKubernetesIntOrString())) {
      if (QUANTITIES.contains(name)) {
        schema.setPattern(QUANTITY);
      } else {
        int32(schema);
      }
    } else if ("integer".equals(schema.getType()) && INT64.contains(name)) {
      // Without bounds: they are floating-point numbers in the model, which the ends of 64 bits are
      // none of; and the API server takes no integer beyond them.
      schema.setFormat("int64");
    } else if ("integer".equals(schema.getType())) {
      schema.setFormat("int32");
      int32(schema);
    }
    if (schema.getProperties() != null) {
      schema.getProperties().forEach(PodTemplateSchema::decodable);
    }
    if (schema.getItems() != null && schema.getItems().getSchema() != null) {
      decodable(name, schema.getItems().getSchema());
    }
    if (schema.getAdditionalProperties() != null
        && schema.getAdditionalProperties().getSchema() != null) {
      decodable(name, schema.getAdditionalProperties().getSchema());
    }
  }

  /** The bounds of {@code int}, where there are none: a format alone refuses nothing. */
  static void int32(JSONSchemaProps schema) {
    if (schema.getMinimum() == null) {
      schema.setMinimum((double) Integer.MIN_VALUE);
    }
    if (schema.getMaximum() == null) {
      schema.setMaximum((double) Integer.MAX_VALUE);
    }
  }

  static void complete(JSONSchemaProps template) {
    template.setRequired(List.of("spec"));
    metadata(template.getProperties().get("metadata"));
    var spec = template.getProperties().get("spec");
    spec.setRequired(List.of("containers"));
    var containers = spec.getProperties().get("containers");
    containers.setMinItems(1L);
    containers.setMaxItems(MAX_CONTAINERS);
    CrdSchema.listMap(containers, "name");
    var container = containers.getItems().getSchema();
    container.setRequired(List.of("name"));
    container.getProperties().get("name").setMaxLength(MAX_NAME);
    decodable("template", template);
  }

  /** Of a template's metadata only these reach a pod. */
  private static void metadata(JSONSchemaProps metadata) {
    var kept = new LinkedHashMap<String, JSONSchemaProps>();
    for (var name : List.of("annotations", "creationTimestamp", "labels", "name")) {
      kept.put(name, metadata.getProperties().get(name));
    }
    // kubectl create deployment --dry-run writes "creationTimestamp: null", and people copy it.
    kept.get("creationTimestamp").setNullable(true);
    metadata.setProperties(kept);
  }
}
