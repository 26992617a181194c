package io.refork.operator.pods;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.TreeMap;

/**
 * A Kubernetes object as JSON in one spelling: fields sorted, nothing that says nothing. Two
 * versions of the model library give the same bytes for it, so an upgrade of the operator does not
 * roll pods by itself.
 */
final class Canonical {
  /** Enough that two templates of one pool never meet, short enough to be read out. */
  private static final int SHORT = 10;

  private static final ObjectMapper MAPPER = new ObjectMapper();

  private Canonical() {}

  static JsonNode tree(Object object) {
    return sorted(MAPPER.valueToTree(object));
  }

  private static JsonNode sorted(JsonNode node) {
    if (node.isObject()) {
      var fields = new TreeMap<String, JsonNode>();
      node.properties().forEach(field -> fields.put(field.getKey(), sorted(field.getValue())));
      fields.values().removeIf(JsonNode::isNull);
      var object = new ObjectNode(JsonNodeFactory.instance);
      fields.forEach(object::set);
      return object;
    }
    if (node.isArray()) {
      var array = JsonNodeFactory.instance.arrayNode();
      node.forEach(element -> array.add(sorted(element)));
      return array;
    }
    return node;
  }

  /** Ten hexadecimal digits: a label's value. */
  static String shortHash(Object object) {
    return hash(object).substring(0, SHORT);
  }

  static String hash(Object object) {
    try {
      var digest = MessageDigest.getInstance("SHA-256");
      var bytes = tree(object).toString().getBytes(StandardCharsets.UTF_8);
      return HexFormat.of().formatHex(digest.digest(bytes), 0, 16);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
