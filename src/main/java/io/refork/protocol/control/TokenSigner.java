package io.refork.protocol.control;

import java.nio.charset.StandardCharsets;
import java.security.PrivateKey;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.random.RandomGenerator;
import java.util.regex.Pattern;

/** Makes the operator's tokens. Immutable; may be used from any thread if its random source may. */
public final class TokenSigner {
  /** Longer than a request may take, and half of what agents take. */
  static final Duration LIFETIME = Duration.ofSeconds(30);

  /** 128 bits: two tokens never share an id. */
  private static final int ID_BYTES = 16;

  /** What goes into JSON as it is. */
  private static final Pattern PLAIN = Pattern.compile("[!#-\\[\\]-~]{1,128}");

  private final PrivateKey key;
  private final String kid;
  private final String issuer;
  private final InstantSource clock;
  private final RandomGenerator random;

  /**
   * @param key Ed25519
   * @param kid the key's name in {@link PublicKeys}, 1 to 64 of {@code A-Z a-z 0-9 . _ -}
   * @param issuer the installation, as in {@link PublicKeys}
   * @param random a secure one, but in tests
   * @throws IllegalArgumentException when key, name or issuer is not as said
   */
  public TokenSigner(
      PrivateKey key, String kid, String issuer, InstantSource clock, RandomGenerator random) {
    this.key = key;
    this.kid = kid;
    this.issuer = issuer;
    this.clock = clock;
    this.random = random;
    PublicKeys.requireName(Token.KID, "kid", kid);
    PublicKeys.requireName(Token.ISSUER, "issuer", issuer);
    Ed25519.requireUsable(key);
  }

  /**
   * A token for one request, valid for 30 seconds, to be used once.
   *
   * @param podUid the pod that the request goes to
   * @param path with its query, if it has one; 1 to 128 printable ASCII characters
   * @throws IllegalArgumentException when pod, method or path has other characters
   */
  public String sign(String podUid, String method, String path, byte[] body) {
    PublicKeys.requireName(PLAIN, "pod UID", podUid);
    PublicKeys.requireName(PLAIN, "method", method);
    PublicKeys.requireName(PLAIN, "path", path);
    var id = new byte[ID_BYTES];
    random.nextBytes(id);
    var now = Instant.ofEpochSecond(clock.instant().getEpochSecond());
    var hash = Base64Url.encode(Ed25519.sha256(body));
    var claims =
        new Claims(
            issuer, podUid, now, now.plus(LIFETIME), Base64Url.encode(id), method, path, hash);
    var unsigned = Token.unsigned(kid, claims);
    var signature = Ed25519.sign(key, unsigned.getBytes(StandardCharsets.US_ASCII));
    return unsigned + "." + Base64Url.encode(signature);
  }
}
