package io.refork.protocol.control;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The text of a token: a compact JWS (RFC 7515) of which we take exactly one spelling. Bytes only;
 * {@link TokenVerifier} judges what they say.
 *
 * <pre>
 * {"alg":"EdDSA","typ":"refork-desired+jwt","kid":"…"}
 * {"iss":"…","aud":"…","iat":1,"exp":2,"jti":"…","method":"PUT","path":"/v1/desired","sha256":"…"}
 * </pre>
 */
public final class Token {
  /** The longest that is looked at, in characters. Ours have about 600. */
  public static final int MAX_LENGTH = 2048;

  /** A captured token is worth nothing after it. Longer than any retry needs. */
  public static final Duration MAX_LIFETIME = Duration.ofSeconds(60);

  /** How much the clocks of two nodes may differ. NTP keeps them within a second. */
  public static final Duration SKEW = Duration.ofSeconds(30);

  /** The length of a key's name, and what it is made of. */
  static final Pattern KID = Pattern.compile("[A-Za-z0-9._-]{1,64}");

  /** 253 characters are a DNS name; an installation is named by less. */
  static final Pattern ISSUER = Pattern.compile("[A-Za-z0-9._:/@+-]{1,128}");

  static final String ALGORITHM = "EdDSA";
  static final String TYPE = "refork-desired+jwt";
  private static final Pattern ID = Pattern.compile("[A-Za-z0-9_-]{16,64}");

  /** Year 9999. Beyond it {@link Instant} and JSON readers begin to differ. */
  private static final long MAX_SECONDS = 253_402_300_799L;

  private static final Set<String> HEADER = Set.of("alg", "typ", "kid");
  private static final Set<String> CLAIMS =
      Set.of("iss", "aud", "iat", "exp", "jti", "method", "path", "sha256");

  private Token() {}

  /** A token taken apart; nothing in it is proven. */
  record Parts(String kid, Claims claims, byte[] signed, byte[] signature) {}

  sealed interface Read {
    record Whole(Parts parts) implements Read {}

    record Broken(Reason reason) implements Read {}
  }

  /** Takes it apart. Work and memory are bounded by {@link #MAX_LENGTH}. */
  static Read read(String token) {
    if (token.isEmpty()) {
      return new Read.Broken(Reason.MISSING);
    }
    if (token.length() > MAX_LENGTH) {
      return new Read.Broken(Reason.TOO_LARGE);
    }
    int first = token.indexOf('.');
    int second = token.indexOf('.', first + 1);
    if (first < 0 || second < 0) { // a third dot is no base64url
      return new Read.Broken(Reason.MALFORMED);
    }
    var header = json(token.substring(0, first));
    if (header.isEmpty() || !HEADER.containsAll(header.get().keySet())) {
      return new Read.Broken(Reason.MALFORMED);
    }
    if (!ALGORITHM.equals(header.get().get("alg"))) {
      return new Read.Broken(Reason.ALGORITHM);
    }
    if (!TYPE.equals(header.get().get("typ"))) {
      return new Read.Broken(Reason.TYPE);
    }
    if (!(header.get().get("kid") instanceof String kid)) {
      return new Read.Broken(Reason.KEY);
    }
    var claims = json(token.substring(first + 1, second)).flatMap(Token::claims);
    var signature = Base64Url.decode(token.substring(second + 1));
    if (claims.isEmpty() || signature.isEmpty()) {
      return new Read.Broken(Reason.MALFORMED);
    }
    if (signature.get().length != Ed25519.SIGNATURE_BYTES) {
      return new Read.Broken(Reason.SIGNATURE);
    }
    var signed = token.substring(0, second).getBytes(StandardCharsets.US_ASCII);
    return new Read.Whole(new Parts(kid, claims.get(), signed, signature.get()));
  }

  private static Optional<Map<String, Object>> json(String part) {
    return Base64Url.decode(part).flatMap(FlatJson::read);
  }

  private static Optional<Claims> claims(Map<String, Object> all) {
    if (all.keySet().equals(CLAIMS)
        && all.get("iss") instanceof String issuer
        && all.get("aud") instanceof String audience
        && all.get("iat") instanceof Long issuedAt
        && all.get("exp") instanceof Long expires
        && all.get("jti") instanceof String id
        && all.get("method") instanceof String method
        && all.get("path") instanceof String path
        && all.get("sha256") instanceof String hash
        && isTime(issuedAt)
        && isTime(expires)
        && ID.matcher(id).matches()) {
      return Optional.of(
          new Claims(
              issuer,
              audience,
              Instant.ofEpochSecond(issuedAt),
              Instant.ofEpochSecond(expires),
              id,
              method,
              path,
              hash));
    }
    return Optional.empty();
  }

  private static boolean isTime(long seconds) {
    return seconds >= 0 && seconds <= MAX_SECONDS;
  }

  /**
   * What is signed: header and claims. Values must need no escape in JSON; {@link TokenSigner} sees
   * to it.
   */
  static String unsigned(String kid, Claims c) {
    var header = "{\"alg\":\"%s\",\"typ\":\"%s\",\"kid\":\"%s\"}".formatted(ALGORITHM, TYPE, kid);
    var claims =
        ("{\"iss\":\"%s\",\"aud\":\"%s\",\"iat\":%d,\"exp\":%d,\"jti\":\"%s\","
                + "\"method\":\"%s\",\"path\":\"%s\",\"sha256\":\"%s\"}")
            .formatted(
                c.issuer(),
                c.podUid(),
                c.issuedAt().getEpochSecond(),
                c.expires().getEpochSecond(),
                c.id(),
                c.method(),
                c.path(),
                c.bodyHash());
    return base64(header) + "." + base64(claims);
  }

  private static String base64(String json) {
    return Base64Url.encode(json.getBytes(StandardCharsets.US_ASCII));
  }
}
