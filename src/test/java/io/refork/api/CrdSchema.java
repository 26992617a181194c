package io.refork.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import io.fabric8.kubernetes.api.model.apiextensions.v1.JSONSchemaProps;
import io.fabric8.kubernetes.api.model.apiextensions.v1.ValidationRule;
import io.fabric8.kubernetes.api.model.apiextensions.v1.ValidationRuleBuilder;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What Fabric8's generator leaves out of a record's schema: required fields, the bounds of
 * durations, list maps, the order of fields; and the range and default in each description, because
 * {@code kubectl explain} shows neither.
 */
final class CrdSchema {
  /** Longer than every text that {@link PoolDuration#PATTERN} matches; CEL's cost needs a bound. */
  private static final long DURATION_LENGTH = 32;

  /** A permit's text today, and as much again for what a newer operator adds. */
  private static final long GRANT_LENGTH = 400;

  /** The bounds in a rule of {@link #duration}. */
  private static final Pattern DURATIONS =
      Pattern.compile(
          "(== duration\\('0'\\).*)?>= duration\\('(.*?)'\\).*<= duration\\('(.*?)'\\)");

  private CrdSchema() {}

  /** Completes the schema of {@code type}, and of the records in it. */
  static void complete(JSONSchemaProps schema, Class<?> type) {
    var fields = new LinkedHashMap<String, JSONSchemaProps>();
    var required = new ArrayList<String>();
    for (var component : type.getRecordComponents()) {
      var field = schema.getProperties().get(component.getName());
      complete(field, component, type);
      fields.put(component.getName(), field);
      if (!isNullable(component) && field.getDefault() == null) {
        required.add(component.getName());
      }
    }
    schema.setProperties(fields);
    schema.setRequired(required);
    once(schema);
  }

  private static void complete(JSONSchemaProps field, RecordComponent component, Class<?> in) {
    if (field.getDescription() == null) {
      throw new IllegalStateException(
          in.getSimpleName() + "." + component.getName() + " needs a @JsonPropertyDescription");
    }
    once(field);
    value(field, component.getGenericType());
    if (WaveLedger.TIME.equals(field.getPattern())) {
      // A pattern does not know that February has no 30th.
      field.setFormat("date-time");
    }
    if (component.getType() == PoolDuration.class) {
      duration(field, between(component, in));
    }
    describe(field);
  }

  private static void value(JSONSchemaProps field, Type type) {
    switch (type) {
      case ParameterizedType list -> {
        var item = list.getActualTypeArguments()[0];
        once(field.getItems().getSchema());
        value(field.getItems().getSchema(), item);
        mapKey(item).ifPresent(key -> listMap(field, key));
      }
      case Class<?> c when c == WaveLedger.Grant.class -> {
        field.setPattern(WaveLedger.Grant.PATTERN);
        field.setMaxLength(GRANT_LENGTH);
      }
      case Class<?> c when c.isRecord() && c != PoolDuration.class -> {
        complete(field, c);
        if (field.getDefault() != null) {
          field.setDefault(defaults(field));
        }
      }
      case Class<?> c when c.isEnum() ->
          // As declared: the generator sorts them.
          field.setEnum(
              Arrays.stream(c.getEnumConstants())
                  .map(word -> (JsonNode) JsonNodeFactory.instance.textNode(word.toString()))
                  .toList());
      case Class<?> c when c == int.class || c == Integer.class -> {
        field.setFormat("int32");
        PodTemplateSchema.int32(field);
      }
      case Class<?> c when c == long.class || c == Long.class -> field.setFormat("int64");
      case Class<?> c when c == PodTemplateSpec.class -> PodTemplateSchema.complete(field);
      case Class<?> c when c == ResourceRequirements.class ->
          PodTemplateSchema.decodable("resources", field);
      default -> {}
    }
  }

  /** Written out: the API server checks a default before it fills in what is inside. */
  private static JsonNode defaults(JSONSchemaProps object) {
    var defaults = JsonNodeFactory.instance.objectNode();
    object
        .getProperties()
        .forEach(
            (name, field) -> {
              if (field.getDefault() != null) {
                defaults.set(name, field.getDefault());
              }
            });
    return defaults;
  }

  private static Optional<String> mapKey(Type item) {
    if (item == WorkerPoolSpec.Listener.class) {
      return Optional.of("name");
    }
    return item == WorkerPoolStatus.Condition.class ? Optional.of("type") : Optional.empty();
  }

  /** Two writers may each have items of their own; the API server refuses a key twice. */
  static void listMap(JSONSchemaProps list, String key) {
    list.setXKubernetesListType("map");
    list.setXKubernetesListMapKeys(List.of(key));
  }

  private static void duration(JSONSchemaProps field, Between between) {
    var within =
        "duration(self) >= duration('%s') && duration(self) <= duration('%s')"
            .formatted(between.min(), between.max());
    var allowed =
        "a time from %s to %s with its unit, such as 500ms, 10s or 1m30s"
            .formatted(between.min(), between.max());
    field.setMaxLength(DURATION_LENGTH);
    field.setXKubernetesValidations(
        List.of(
            new ValidationRuleBuilder()
                // A pattern of the schema would speak of a regular expression.
                .withRule(
                    "self != '' && self.matches('%s') && (%s)"
                        .formatted(
                            PoolDuration.PATTERN,
                            between.orZero()
                                ? "duration(self) == duration('0') || " + within
                                : within))
                .withMessage("must be " + (between.orZero() ? "0 (off) or " : "") + allowed)
                .withMessageExpression(
                    "'\"' + self + '\" is %s'"
                        .formatted(
                            between.orZero() ? "neither 0 (off) nor " + allowed : "not " + allowed))
                .build()));
  }

  private static Between between(RecordComponent component, Class<?> in) {
    try {
      var between = in.getDeclaredField(component.getName()).getAnnotation(Between.class);
      if (between == null) {
        throw new IllegalStateException(in + "." + component.getName() + " needs @Between");
      }
      return between;
    } catch (NoSuchFieldException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void describe(JSONSchemaProps field) {
    field.setDescription(field.getDescription() + ending(field));
  }

  /**
   * {@code 1 to 32}, {@code at most 10 items}; empty without bounds that a person would ask for.
   */
  static String range(JSONSchemaProps field) {
    var time = time(field);
    if (time.isPresent()) {
      var found = time.get();
      return (found.group(1) == null ? "" : "0 or ") + found.group(2) + " to " + found.group(3);
    }
    if (field.getMinimum() != null
        && field.getMaximum() != null
        && field.getMaximum() != Integer.MAX_VALUE) {
      return whole(field.getMinimum()) + " to " + whole(field.getMaximum());
    }
    return field.getMaxItems() == null
        ? ""
        : (field.getMinItems() == null ? "at most " : field.getMinItems() + " to ")
            + field.getMaxItems()
            + " items";
  }

  static boolean isDuration(JSONSchemaProps field) {
    return time(field).isPresent();
  }

  private static Optional<Matcher> time(JSONSchemaProps field) {
    return field.getXKubernetesValidations().stream()
        .map(rule -> DURATIONS.matcher(rule.getRule()))
        .filter(Matcher::find)
        .findFirst();
  }

  /** The default as YAML in one line; empty for none, and for objects: their fields have it. */
  static String defaultText(JSONSchemaProps field) {
    var value = field.getDefault();
    return value == null || value.isObject()
        ? ""
        : value.isTextual() && !value.asText().isEmpty() ? value.asText() : value.toString();
  }

  /** What ends the description of a field, see {@link #describe}. */
  static String ending(JSONSchemaProps field) {
    var range = range(field);
    var ending = new StringBuilder();
    if (!range.isEmpty()) {
      ending
          .append(' ')
          .append(Character.toUpperCase(range.charAt(0)))
          .append(range.substring(1))
          .append('.');
    }
    var fallback = defaultText(field);
    if (!fallback.isEmpty()) {
      ending.append(" Default: ").append(fallback).append('.');
    }
    return ending.toString();
  }

  private static String whole(double number) {
    return new BigDecimal(number).toPlainString();
  }

  private static boolean isNullable(RecordComponent component) {
    return component.getAnnotatedType().isAnnotationPresent(Nullable.class);
  }

  /** A rule on a component is found on its field and on its accessor; server-side apply minds. */
  private static void once(JSONSchemaProps schema) {
    if (schema.getXKubernetesValidations() != null) {
      schema.setXKubernetesValidations(
          new ArrayList<ValidationRule>(new LinkedHashSet<>(schema.getXKubernetesValidations())));
    }
  }
}
