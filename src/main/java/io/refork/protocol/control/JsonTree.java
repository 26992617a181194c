package io.refork.protocol.control;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;

/**
 * One JSON object of bounded size as maps, lists, strings, longs, doubles and booleans. Stricter
 * than a parser is by itself: UTF-8 only, no name twice, nothing behind the object, no number that
 * a double cannot hold. A field that is null is left out.
 */
public final class JsonTree {
  /** Both documents are four levels deep; a few more may come, a thousand are an attack. */
  private static final int MAX_DEPTH = 8;

  /** The longest string of either document is a setting. */
  private static final int MAX_TEXT = 4096;

  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(MAX_DEPTH)
                  .maxStringLength(MAX_TEXT)
                  .maxNameLength(256)
                  .maxNumberLength(32)
                  .build())
          .build();

  private JsonTree() {}

  /**
   * The object that the document is.
   *
   * @throws MalformedException the first rule that it breaks
   */
  public static Fields read(byte[] document, int maxBytes) throws MalformedException {
    if (document.length > maxBytes) {
      throw new MalformedException(
          "the document has " + document.length + " bytes; at most " + maxBytes + " are allowed");
    }
    try (var parser = FACTORY.createParser(text(document))) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new MalformedException("the document is not a JSON object");
      }
      var fields = object(parser, "");
      if (parser.nextToken() != null) {
        throw new MalformedException("something follows the JSON object");
      }
      return new Fields("", fields);
    } catch (IOException e) {
      throw new MalformedException("the document is not JSON, or longer or deeper than allowed");
    }
  }

  /** Not left to the parser, which would take UTF-16 as well. */
  private static String text(byte[] document) throws MalformedException {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(document)).toString();
    } catch (CharacterCodingException e) {
      throw new MalformedException("the document is not UTF-8");
    }
  }

  private static Map<String, Object> object(JsonParser parser, String path)
      throws IOException, MalformedException {
    var fields = new HashMap<String, Object>();
    var names = new HashSet<String>();
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      var name = parser.currentName();
      var below = Fields.join(path, name);
      if (!names.add(name)) {
        throw new MalformedException("\"" + below + "\" stands there twice");
      }
      if (parser.nextToken() != JsonToken.VALUE_NULL) {
        fields.put(name, value(parser, below));
      }
    }
    return fields;
  }

  private static List<Object> list(JsonParser parser, String path)
      throws IOException, MalformedException {
    var items = new ArrayList<Object>();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      if (parser.currentToken() == JsonToken.VALUE_NULL) {
        throw new MalformedException("\"" + path + "\" holds a null");
      }
      items.add(value(parser, path + "[" + items.size() + "]"));
    }
    return items;
  }

  private static Object value(JsonParser parser, String path)
      throws IOException, MalformedException {
    return switch (parser.currentToken()) {
      case START_OBJECT -> object(parser, path);
      case START_ARRAY -> list(parser, path);
      case VALUE_STRING -> parser.getText();
      case VALUE_TRUE -> Boolean.TRUE;
      case VALUE_FALSE -> Boolean.FALSE;
      case VALUE_NUMBER_INT -> integer(parser, path);
      case VALUE_NUMBER_FLOAT -> decimal(parser, path);
      default -> throw new MalformedException("the document ends in the middle");
    };
  }

  private static Object integer(JsonParser parser, String path)
      throws IOException, MalformedException {
    if (parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER) {
      throw new MalformedException("\"" + path + "\" is a number beyond all ranges");
    }
    return parser.getLongValue();
  }

  private static Object decimal(JsonParser parser, String path)
      throws IOException, MalformedException {
    double value = parser.getDoubleValue();
    if (!Double.isFinite(value)) {
      throw new MalformedException("\"" + path + "\" is a number beyond all ranges");
    }
    return value;
  }
}
