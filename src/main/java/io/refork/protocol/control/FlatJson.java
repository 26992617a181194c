package io.refork.protocol.control;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Reads the only JSON that a token has: one object of strings and whole numbers, in printable
 * ASCII, without escapes. So a name has one spelling, and nothing can be said in UTF-16.
 */
final class FlatJson {
  /** Twice what a token has; which ones is for {@link Token}. */
  private static final int MAX_MEMBERS = 16;

  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(1)
                  .maxNumberLength(20)
                  .maxNameLength(32)
                  .maxStringLength(256)
                  .build())
          // Names that strangers chose are not kept for the next token.
          .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
          .build();

  private FlatJson() {}

  /**
   * The members, each a {@link String} or a {@link Long}; empty when it is no such object, or names
   * a member twice.
   */
  static Optional<Map<String, Object>> read(byte[] bytes) {
    for (byte b : bytes) {
      if (b < 0x20 || b == 0x7f || b == '\\') {
        return Optional.empty();
      }
    }
    try (var json = FACTORY.createParser(bytes)) {
      return members(json);
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  private static Optional<Map<String, Object>> members(JsonParser json) throws IOException {
    if (json.nextToken() != JsonToken.START_OBJECT) {
      return Optional.empty();
    }
    var members = new HashMap<String, Object>();
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      var name = json.currentName();
      Object value;
      switch (json.nextToken()) {
        case VALUE_STRING -> value = json.getText();
        case VALUE_NUMBER_INT -> value = json.getLongValue();
        default -> {
          return Optional.empty();
        }
      }
      if (members.put(name, value) != null || members.size() > MAX_MEMBERS) {
        return Optional.empty();
      }
    }
    boolean whole = json.currentToken() == JsonToken.END_OBJECT && json.nextToken() == null;
    return whole ? Optional.of(members) : Optional.empty();
  }
}
