package io.refork.api;

import io.fabric8.kubernetes.api.model.apiextensions.v1.JSONSchemaProps;
import java.util.LinkedHashMap;
import java.util.List;

/** The part of the schema that is Kubernetes' own, as far as our rules need it bounded. */
final class PodTemplateSchema {
  /** A rule over the containers is within CEL's budget up to here. */
  private static final long MAX_CONTAINERS = 16;

  /** A DNS label. */
  private static final long MAX_NAME = 63;

  private PodTemplateSchema() {}

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
