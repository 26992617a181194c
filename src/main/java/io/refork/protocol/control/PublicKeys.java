package io.refork.protocol.control;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.PublicKey;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * The keys whose signatures a pod accepts, by name: the operator's current one and, while keys are
 * exchanged, the next one. The operator writes it into the pool's ConfigMap, the agent reads it
 * from a mounted file.
 *
 * <pre>
 * {"issuer":"…","keys":[{"kid":"…","x":"base64url of the key's 32 bytes"}]}
 * </pre>
 *
 * @param issuer the operator's installation, 1 to 128 of {@code A-Z a-z 0-9 . _ : / @ + -}
 * @param keys Ed25519, by {@code kid}, 1 to 64 of {@code A-Z a-z 0-9 . _ -}; at most {@link #MAX}
 */
public record PublicKeys(String issuer, Map<String, PublicKey> keys) {
  /** Two are in use; a file with very many is a mistake. */
  public static final int MAX = 8;

  /** Bytes of the text that are looked at; eight keys need a fifth of it. */
  public static final int MAX_TEXT = 8192;

  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder().maxNestingDepth(8).maxStringLength(256).build())
          .build();

  /**
   * @throws IllegalArgumentException when a name or a key is not as said, or there are too many
   */
  public PublicKeys {
    requireName(Token.ISSUER, "issuer", issuer);
    if (keys.size() > MAX) {
      throw new IllegalArgumentException(keys.size() + " keys; at most " + MAX + " are allowed");
    }
    keys.keySet().forEach(kid -> requireName(Token.KID, "kid", kid));
    keys.values().forEach(Ed25519::raw);
    keys = Map.copyOf(keys);
  }

  /** A text that is no key ring. The message is one sentence and repeats nothing of the text. */
  public static final class InvalidKeysException extends Exception {
    private static final long serialVersionUID = 1L;

    InvalidKeysException(String message) {
      super(message);
    }
  }

  static void requireName(Pattern allowed, String what, String value) {
    if (!allowed.matcher(value).matches()) {
      throw new IllegalArgumentException("the " + what + " must match " + allowed.pattern());
    }
  }

  /** The key of that name. */
  public Optional<PublicKey> key(String kid) {
    return Optional.ofNullable(keys.get(kid));
  }

  /** The text, keys in the order of their names, so that equal rings have equal texts. */
  public String write() {
    var text = new StringBuilder("{\"issuer\":\"").append(issuer).append("\",\"keys\":[");
    var comma = "";
    for (var key : new TreeMap<>(keys).entrySet()) {
      var x = Base64Url.encode(Ed25519.raw(key.getValue()));
      text.append(comma)
          .append("{\"kid\":\"")
          .append(key.getKey())
          .append("\",\"x\":\"")
          .append(x)
          .append("\"}");
      comma = ",";
    }
    return text.append("]}").toString();
  }

  /**
   * Reads what {@link #write} wrote, or a later version with further members, which are ignored.
   *
   * @throws InvalidKeysException with what is wrong and what is allowed
   */
  public static PublicKeys read(byte[] text) throws InvalidKeysException {
    if (text.length > MAX_TEXT) {
      throw new InvalidKeysException("the keys have more than " + MAX_TEXT + " bytes");
    }
    try (var json = FACTORY.createParser(text)) {
      return ring(json);
    } catch (IOException e) {
      throw new InvalidKeysException("the keys are no JSON object {\"issuer\":…,\"keys\":[…]}");
    } catch (IllegalArgumentException e) {
      throw new InvalidKeysException(String.valueOf(e.getMessage()));
    }
  }

  private static PublicKeys ring(JsonParser json) throws IOException, InvalidKeysException {
    if (json.nextToken() != JsonToken.START_OBJECT) {
      throw new InvalidKeysException("the keys are no JSON object");
    }
    var issuer = "";
    var keys = new LinkedHashMap<String, PublicKey>();
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      var name = json.currentName();
      json.nextToken();
      switch (name) {
        case "issuer" -> issuer = text(json, "issuer");
        case "keys" -> keys(json, keys);
        default -> json.skipChildren();
      }
    }
    if (json.nextToken() != null) {
      throw new InvalidKeysException("the keys are followed by something else");
    }
    return new PublicKeys(issuer, keys);
  }

  private static void keys(JsonParser json, Map<String, PublicKey> keys)
      throws IOException, InvalidKeysException {
    if (json.currentToken() != JsonToken.START_ARRAY) {
      throw new InvalidKeysException("\"keys\" must be a list");
    }
    while (json.nextToken() == JsonToken.START_OBJECT) {
      var kid = "";
      var x = "";
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        var name = json.currentName();
        json.nextToken();
        switch (name) {
          case "kid" -> kid = text(json, "kid");
          case "x" -> x = text(json, "x");
          default -> json.skipChildren();
        }
      }
      if (keys.size() >= MAX || keys.put(kid, point(x)) != null) {
        throw new InvalidKeysException("at most " + MAX + " keys are allowed, each \"kid\" once");
      }
    }
    if (json.currentToken() != JsonToken.END_ARRAY) {
      throw new InvalidKeysException("each of \"keys\" must be an object with \"kid\" and \"x\"");
    }
  }

  private static String text(JsonParser json, String name)
      throws IOException, InvalidKeysException {
    if (json.currentToken() != JsonToken.VALUE_STRING) {
      throw new InvalidKeysException("\"" + name + "\" must be a string");
    }
    return json.getText();
  }

  private static PublicKey point(String x) throws InvalidKeysException {
    try {
      return Ed25519.publicKey(Base64Url.decode(x).orElseGet(() -> new byte[0]));
    } catch (GeneralSecurityException e) {
      throw new InvalidKeysException(
          "\"x\" must be an Ed25519 public key: base64url of its 32 bytes, without padding");
    }
  }
}
