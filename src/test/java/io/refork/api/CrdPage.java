package io.refork.api;

import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.api.model.apiextensions.v1.JSONSchemaProps;
import java.nio.file.Path;
import java.util.function.BiConsumer;

/** The reference page of the resource, made from the CRD. */
final class CrdPage {
  /** From the root of the repository. */
  static final Path FILE = Path.of("docs", "workerpool.md");

  private static final String HEAD =
      """
      <!-- Made from src/main/java/io/refork/api by make generate. Do not edit. -->
      # WorkerPool

      `workerpools.refork.io/v1alpha1`, short `wp`, in the category `refork`. A pool of preforked workers in a number of
      pods. Pools to start from are in [deploy/samples](../deploy/samples): [minimal](../deploy/samples/minimal.yaml), and
      [full](../deploy/samples/full.yaml), which has every field with a comment.

      Only `template` is required. What is left out is filled in by the API server: `kubectl get wp NAME -o yaml` shows what is
      in force. Nothing is immutable: a change of the template, listeners, container, agent or huge pages replaces the pods
      as a Deployment does; a change of anything else reaches the agents and replaces none. (But for much longer limits:
      when shutdownDelay and drain outgrow the pods' grace period, or boot their startup probe, they are replaced.) Times are
      whole numbers with `h`, `m`, `s` or `ms`, as `90s` or `1m30s`; percentages are whole numbers. `kubectl explain
      wp.spec.refork` says the same as this page.

      ## What you write: spec

      """;

  private static final String TEMPLATE =
      """

      `template` is a PodTemplateSpec of Kubernetes 1.34. It needs at least one container and takes at most 16. The operator
      adds an init container, volumes, ports and probes to it; what it finds set it leaves alone.

      ## What is refused

      By the API server, with these sentences, at once:

      """;

  private static final String STATUS =
      """

      ## What you read: status

      Written by the operator only, at most 8 KiB. A number that is not known is absent, not 0.

      """;

  private static final String LEDGER =
      """

      The fields of `rollout.ledger` are described in `kubectl explain wp.status.rollout.ledger`; do not build on them.
      """;

  private static final String COLUMNS =
      """

      ## kubectl get wp

      | column | from | |
      |---|---|---|
      """;

  private CrdPage() {}

  static String of(CustomResourceDefinition crd) {
    var version = crd.getSpec().getVersions().getFirst();
    var fields = version.getSchema().getOpenAPIV3Schema().getProperties();
    var page = new StringBuilder(HEAD);
    page.append("| field | type | default | range | |\n|---|---|---|---|---|\n");
    walk("", fields.get("spec"), (path, field) -> specRow(page, path, field));
    page.append(TEMPLATE);
    rules("spec", fields.get("spec"), page);
    page.append(STATUS).append("| field | type | |\n|---|---|---|\n");
    walk("", fields.get("status"), (path, field) -> statusRow(page, path, field));
    page.append(LEDGER);
    page.append(COLUMNS);
    for (var column : version.getAdditionalPrinterColumns()) {
      page.append(
          row(
              column.getName().toUpperCase(java.util.Locale.ROOT)
                  + (column.getPriority() == null ? "" : " (`-o wide`)"),
              code(column.getJsonPath()),
              column.getDescription()));
    }
    page.append(
        """

        ```
        $ kubectl get wp
        NAME   DESIRED   READY   WORKERS   GEN   SHARED%   SAVED    STATUS      AGE
        shop   3         3       24        2     78        2310Mi   Rolling     3d
        mail   2         1       4         0                        CrashLoop   2h
        ```
        """);
    return page.toString();
  }

  /** Every field of ours, the outer before the inner ones. */
  static void walk(String path, JSONSchemaProps schema, BiConsumer<String, JSONSchemaProps> each) {
    if (schema.getProperties() == null) {
      return;
    }
    schema
        .getProperties()
        .forEach(
            (name, field) -> {
              if (field.getDescription() == null) {
                return; // Kubernetes' own
              }
              var here = path + name;
              each.accept(here, field);
              walk(here + ".", field, each);
              if (field.getItems() != null) {
                walk(here + "[].", field.getItems().getSchema(), each);
              }
            });
  }

  private static void specRow(StringBuilder page, String path, JSONSchemaProps field) {
    var fallback = CrdSchema.defaultText(field);
    page.append(
        row(
            code(path),
            type(path, field),
            fallback.isEmpty() ? "" : code(fallback),
            CrdSchema.range(field),
            withoutEnding(field)));
  }

  private static void statusRow(StringBuilder page, String path, JSONSchemaProps field) {
    if (!path.startsWith("rollout.ledger.")) {
      page.append(row(code(path), type(path, field), withoutEnding(field)));
    }
  }

  private static String withoutEnding(JSONSchemaProps field) {
    var text = field.getDescription();
    return text.substring(0, text.length() - CrdSchema.ending(field).length());
  }

  private static String type(String path, JSONSchemaProps field) {
    if (path.equals("template")) {
      return "PodTemplateSpec";
    }
    if (path.equals("agent.resources")) {
      return "ResourceRequirements";
    }
    if (field.getEnum() != null && !field.getEnum().isEmpty()) {
      return String.join(
          " or ", field.getEnum().stream().map(word -> code(word.asText())).toList());
    }
    if (Boolean.TRUE.equals(field.getXKubernetesIntOrString())) {
      return "integer or string";
    }
    if (CrdSchema.isDuration(field)) {
      return "time";
    }
    if (field.getItems() != null) {
      return "list of " + type(path + "[]", field.getItems().getSchema()) + "s";
    }
    return field.getType();
  }

  private static void rules(String path, JSONSchemaProps schema, StringBuilder page) {
    for (var rule : schema.getXKubernetesValidations()) {
      var where = rule.getFieldPath() == null ? path : path + rule.getFieldPath();
      page.append("- ").append(code(where)).append(": ").append(rule.getMessage()).append('\n');
    }
    if (schema.getItems() != null) {
      rules(path + "[]", schema.getItems().getSchema(), page);
    }
    if (schema.getProperties() != null) {
      schema.getProperties().forEach((name, field) -> rules(path + "." + name, field, page));
    }
  }

  private static String code(String text) {
    return "`" + text + "`";
  }

  private static String row(String... cells) {
    return "| " + String.join(" | ", cells) + " |\n";
  }
}
