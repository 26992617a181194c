package io.refork.agent.config;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import io.refork.agent.config.Option.Given;
import io.refork.agent.config.Option.Shape;
import io.refork.protocol.Escape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reads a configuration file: one JSON object whose fields are the flags' names without dashes.
 * Comments ({@code //} and {@code /* *}{@code /}) and a trailing comma are allowed; a field twice
 * is not.
 *
 * <pre>{@code
 * {
 *   // eight workers, reforked twice
 *   "workers": 8,
 *   "refork-after": [500, 2000],
 *   "listen": ["http=0.0.0.0:8000", "unix:/run/shop.sock"],
 *   "drain-timeout": "30s"
 * }
 * }</pre>
 */
final class ConfigFile {
  /**
   * All options with long lists fit in a tenth of it; a device or a log file given by mistake does
   * not fill the heap.
   */
  private static final int MAX_BYTES = 64 * 1024;

  /** No option: which of the file and the operator's last word is newer. */
  private static final String REVISION = "revision";

  private final Path path;

  ConfigFile(Path path) {
    this.path = path;
  }

  /**
   * What the file says, by option, and of which revision of its pool it is: an operator's file
   * carries {@code metadata.generation}; 0 when it says none.
   */
  record Content(long revision, Map<Option<?>, Given> options) {
    static final Content NONE = new Content(0, Map.of());
  }

  /** Unknown fields and wrong types are errors; values are checked by the caller. */
  Content read() throws UsageException {
    return parse(bytes());
  }

  private byte[] bytes() throws UsageException {
    try (var in = Files.newInputStream(path)) {
      var bytes = in.readNBytes(MAX_BYTES + 1);
      if (bytes.length > MAX_BYTES) {
        throw new UsageException(
            name() + " is larger than 64 KiB; give the file of this agent's options");
      }
      return bytes;
    } catch (NoSuchFileException e) {
      throw new UsageException(name() + " does not exist");
    } catch (IOException e) {
      throw new UsageException(
          name()
              + " cannot be read ("
              + (Files.isDirectory(path) ? "it is a directory" : reason(e))
              + ")");
    }
  }

  private static String reason(IOException e) {
    return e instanceof java.nio.file.AccessDeniedException
        ? "permission denied"
        : Escape.plain(String.valueOf(e.getMessage()), Escape.MAX);
  }

  Content parse(byte[] bytes) throws UsageException {
    var factory =
        JsonFactory.builder()
            .enable(JsonReadFeature.ALLOW_JAVA_COMMENTS)
            .enable(JsonReadFeature.ALLOW_TRAILING_COMMA)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
            .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(8).build())
            .build();
    var given = new HashMap<Option<?>, Given>();
    long revision = 0;
    try (var parser = factory.createParser(bytes)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new UsageException(
            name() + " is not a JSON object; it begins with { and ends with }");
      }
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        var field = parser.currentName();
        var where = name() + ", line " + line(parser) + ", " + Escape.quoted(field);
        if (field.equals(REVISION)) {
          revision = revision(parser, where);
          continue;
        }
        var option = Options.named(field);
        if (option.isEmpty()) {
          throw new UsageException(where + ": there is no such field" + Near.hint(field, names()));
        }
        given.put(option.get(), new Given(texts(parser, option.get(), where), where));
      }
      if (parser.nextToken() != null) {
        throw new UsageException(
            name() + ", line " + line(parser) + ": something follows the object's closing }");
      }
      return new Content(revision, given);
    } catch (JsonParseException e) {
      throw new UsageException(
          name() + ", line " + e.getLocation().getLineNr() + ": not valid JSON: " + firstLine(e));
    } catch (IOException e) {
      throw new UsageException(name() + ": not valid JSON: " + firstLine(e));
    }
  }

  private static long revision(JsonParser parser, String where) throws IOException, UsageException {
    var number =
        parser.nextToken() == JsonToken.VALUE_NUMBER_INT
            ? Parsers.number(parser.getText(), Long.MAX_VALUE)
            : Optional.<Long>empty();
    if (number.isEmpty()) {
      throw new UsageException(
          where + ": not a revision; it is the pool's metadata.generation, a whole number from 0");
    }
    return number.get();
  }

  private static List<String> texts(JsonParser parser, Option<?> option, String where)
      throws IOException, UsageException {
    var token = parser.nextToken();
    if (token != JsonToken.START_ARRAY) {
      return List.of(text(parser, token, where, option));
    }
    if (option.shape() == Shape.ONE) {
      throw new UsageException(where + ": a list is not allowed; give " + option.allowed());
    }
    var texts = new ArrayList<String>();
    for (token = parser.nextToken(); token != JsonToken.END_ARRAY; token = parser.nextToken()) {
      texts.add(text(parser, token, where, option));
    }
    if (texts.isEmpty()) {
      throw new UsageException(where + ": the list is empty; leave the field out for the default");
    }
    return option.shape() == Shape.LIST ? List.of(String.join(",", texts)) : texts;
  }

  private static String text(
      JsonParser parser, @Nullable JsonToken token, String where, Option<?> option)
      throws IOException, UsageException {
    if (token == JsonToken.VALUE_STRING
        || token == JsonToken.VALUE_NUMBER_INT
        || token == JsonToken.VALUE_NUMBER_FLOAT) {
      return parser.getText();
    }
    if (token == null) {
      throw new UsageException(where + ": the file ends here");
    }
    throw new UsageException(
        where
            + ": "
            + (token.isScalarValue() ? parser.getText() : "an object or list")
            + " is not allowed; give "
            + option.allowed());
  }

  private String name() {
    return "config file " + Escape.plain(path.toString(), Escape.MAX);
  }

  private static int line(JsonParser parser) {
    return parser.currentTokenLocation().getLineNr();
  }

  private static String firstLine(IOException e) {
    var message =
        e instanceof JsonParseException parse
            ? String.valueOf(parse.getOriginalMessage())
            : String.valueOf(e.getMessage());
    // What follows is of use to programmers only.
    for (var tail : List.of("\n", ": was expecting (JSON", " (start marker")) {
      int end = message.indexOf(tail);
      message = end < 0 ? message : message.substring(0, end);
    }
    return Escape.plain(message, Escape.MAX);
  }

  private static List<String> names() {
    var names = new ArrayList<String>();
    Options.ALL.forEach(option -> names.add(option.name()));
    names.add(REVISION);
    return names;
  }
}
