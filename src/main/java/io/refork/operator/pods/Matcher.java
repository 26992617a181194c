package io.refork.operator.pods;

import com.fasterxml.jackson.databind.JsonNode;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Quantity;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Whether a child is as it should be, so that nothing is written when it is. Two questions: is it
 * what we applied last (the hash in an annotation, which notices what we no longer want), and is
 * every desired field still there (which notices a change by someone else). Fields that we do not
 * set are other people's or the API server's defaults, and are left alone.
 */
public final class Matcher {
  /** Lists whose elements are told apart by a field, as the API server merges them. */
  private static final Map<String, List<String>> KEYS =
      Map.ofEntries(
          Map.entry("containers", List.of("name")),
          Map.entry("initContainers", List.of("name")),
          Map.entry("ephemeralContainers", List.of("name")),
          Map.entry("volumes", List.of("name")),
          Map.entry("imagePullSecrets", List.of("name")),
          Map.entry("env", List.of("name")),
          Map.entry("ports", List.of("containerPort", "protocol")),
          Map.entry("volumeMounts", List.of("mountPath")),
          Map.entry("volumeDevices", List.of("devicePath")),
          Map.entry("hostAliases", List.of("ip")),
          Map.entry("topologySpreadConstraints", List.of("topologyKey", "whenUnsatisfiable")),
          Map.entry("ownerReferences", List.of("uid")));

  /** What the API server adds to an element before it compares the keys. */
  private static final Map<String, String> KEY_DEFAULTS = Map.of("protocol", "TCP");

  /** Objects whose values are quantities, and fields that are one. */
  private static final Set<String> QUANTITIES =
      Set.of("limits", "requests", "sizeLimit", "divisor", "storage");

  private static final Pattern QUANTITY =
      Pattern.compile("[+-]?[0-9.]+([eE][+-]?[0-9]+|[numkMGTPE]|[KMGTPE]i)?");

  private Matcher() {}

  /** The object to send: the desired one and the hash of it, by which the next pass knows it. */
  @SuppressWarnings("unchecked")
  public static <T extends HasMetadata> T stamped(T desired) {
    var copy = (T) io.fabric8.kubernetes.client.utils.Serialization.clone(desired);
    var annotations = new java.util.TreeMap<>(annotations(desired));
    annotations.put(Names.APPLIED, Canonical.hash(desired));
    copy.getMetadata().setAnnotations(annotations);
    return copy;
  }

  /** Whether {@code actual} needs no write to be {@code desired}, as it was before stamping. */
  public static boolean matches(HasMetadata desired, HasMetadata actual) {
    return Canonical.hash(desired).equals(annotations(actual).get(Names.APPLIED))
        && contains("", Canonical.tree(desired), Optional.of(Canonical.tree(actual)));
  }

  private static Map<String, String> annotations(HasMetadata object) {
    return Optional.ofNullable(object.getMetadata().getAnnotations()).orElse(Map.of());
  }

  private static boolean contains(String field, JsonNode desired, Optional<JsonNode> actual) {
    if (actual.isEmpty()) {
      return isNothing(desired);
    }
    var there = actual.get();
    if (desired.isObject()) {
      return there.isObject()
          && desired.properties().stream()
              .allMatch(
                  entry ->
                      contains(
                          QUANTITIES.contains(field) ? field : entry.getKey(),
                          entry.getValue(),
                          Optional.ofNullable(there.get(entry.getKey()))));
    }
    if (desired.isArray()) {
      return there.isArray() && containsAll(field, desired, there);
    }
    return same(field, desired, there);
  }

  /** What the API server leaves out of an answer: an empty text, false, 0, an empty object. */
  private static boolean isNothing(JsonNode desired) {
    return desired.isContainerNode()
        ? desired.valueStream().allMatch(Matcher::isNothing)
        : desired.isTextual() ? desired.textValue().isEmpty() : desired.asLong() == 0;
  }

  private static boolean containsAll(String field, JsonNode desired, JsonNode actual) {
    var keys = KEYS.get(field);
    if (keys != null) {
      return desired
          .valueStream()
          .allMatch(
              wanted ->
                  contains(
                          "",
                          wanted,
                          actual
                              .valueStream()
                              .filter(found -> sameKeys(keys, wanted, found))
                              .findFirst())
                      && actual.valueStream().anyMatch(found -> sameKeys(keys, wanted, found)));
    }
    if (desired.size() != actual.size()) {
      return false;
    }
    for (int i = 0; i < desired.size(); i++) {
      if (!contains("", desired.get(i), Optional.of(actual.get(i)))) {
        return false;
      }
    }
    return true;
  }

  private static boolean sameKeys(List<String> keys, JsonNode wanted, JsonNode found) {
    return keys.stream().allMatch(key -> key(wanted, key).equals(key(found, key)));
  }

  private static String key(JsonNode element, String key) {
    return element.path(key).asText(KEY_DEFAULTS.getOrDefault(key, ""));
  }

  private static boolean same(String field, JsonNode desired, JsonNode actual) {
    if (desired.isNumber() && actual.isNumber()) {
      return desired.decimalValue().compareTo(actual.decimalValue()) == 0;
    }
    if (desired.equals(actual)) {
      return true;
    }
    return QUANTITIES.contains(field) && sameQuantity(desired.asText(), actual.asText());
  }

  private static boolean sameQuantity(String desired, String actual) {
    return QUANTITY.matcher(desired).matches()
        && QUANTITY.matcher(actual).matches()
        && Quantity.getAmountInBytes(new Quantity(desired))
                .compareTo(Quantity.getAmountInBytes(new Quantity(actual)))
            == 0;
  }
}
