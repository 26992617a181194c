package io.refork.operator.agents;

import io.refork.protocol.control.PublicKeys;
import io.refork.protocol.control.TokenSigner;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPairGenerator;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.time.InstantSource;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;

/**
 * What the operator signs with, and what pods are given to check it by. Immutable.
 *
 * <p>It is kept in one Secret:
 *
 * <pre>
 * issuer       the installation's name, made once; pods accept no other
 * current      the name (kid) of the key that signs
 * KID.key      a private key, PKCS #8 PEM
 * KID.pub      its public key, PEM; pods accept all that are there
 * </pre>
 *
 * <p>So a next key is introduced by adding a pair, then naming it in {@code current} when all pods
 * have it, then taking the old pair out.
 */
public final class Keys {
  private static final String ISSUER = "issuer";
  private static final String CURRENT = "current";
  private static final String PRIVATE = ".key";
  private static final String PUBLIC = ".pub";

  private static final Pattern PEM =
      Pattern.compile("-----BEGIN ([A-Z ]+)-----\\s+([A-Za-z0-9+/=\\s]+)-----END \\1-----\\s*");

  private final String kid;
  private final PrivateKey key;
  private final PublicKeys ring;

  private Keys(String kid, PrivateKey key, PublicKeys ring) {
    this.kid = kid;
    this.key = key;
    this.ring = ring;
  }

  /** The text of {@code keys.json} for the pools' ConfigMaps; the same for the same keys. */
  public String publicKeys() {
    return ring.write();
  }

  /** Signs with the current key. May be used from any thread. */
  public TokenSigner signer(InstantSource clock, SecureRandom random) {
    return new TokenSigner(key, kid, ring.issuer(), clock, random);
  }

  /** A new installation: its Secret's data. */
  static Map<String, byte[]> fresh() {
    try {
      var pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
      var hash = MessageDigest.getInstance("SHA-256").digest(pair.getPublic().getEncoded());
      var kid = HexFormat.of().formatHex(hash, 0, 8);
      return Map.of(
          ISSUER,
          ascii("refork-" + UUID.randomUUID()),
          CURRENT,
          ascii(kid),
          kid + PRIVATE,
          pem("PRIVATE KEY", pair.getPrivate().getEncoded()),
          kid + PUBLIC,
          pem("PUBLIC KEY", pair.getPublic().getEncoded()));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every JDK has Ed25519 and SHA-256", e);
    }
  }

  /**
   * What a Secret holds.
   *
   * @param where namespace and name, for the sentence
   * @throws KeyUnavailableException with the first thing that is wrong
   */
  static Keys read(Map<String, byte[]> data, String where) throws KeyUnavailableException {
    var issuer = word(data, ISSUER, where);
    var current = word(data, CURRENT, where);
    var all = new HashMap<String, PublicKey>();
    for (var name : data.keySet()) {
      if (name.endsWith(PUBLIC)) {
        var encoded = pem(data, name, "PUBLIC KEY", where);
        try {
          var key =
              KeyFactory.getInstance("Ed25519").generatePublic(new X509EncodedKeySpec(encoded));
          all.put(name.substring(0, name.length() - PUBLIC.length()), key);
        } catch (GeneralSecurityException e) {
          throw malformed(where, "its entry " + name + " is no Ed25519 public key");
        }
      }
    }
    var privateName = current + PRIVATE;
    var publicKey = Optional.ofNullable(all.get(current));
    if (publicKey.isEmpty() || !data.containsKey(privateName)) {
      throw malformed(
          where, "its entry " + CURRENT + " names a key of which it does not hold both halves");
    }
    var encoded = pem(data, privateName, "PRIVATE KEY", where);
    try {
      var key = KeyFactory.getInstance("Ed25519").generatePrivate(new PKCS8EncodedKeySpec(encoded));
      if (!belong(key, publicKey.get())) {
        throw malformed(where, "the two halves of its current key do not belong together");
      }
      return new Keys(current, key, new PublicKeys(issuer, all));
    } catch (GeneralSecurityException e) {
      throw malformed(where, "the private half of its current key is no Ed25519 key");
    } catch (IllegalArgumentException e) {
      throw malformed(where, String.valueOf(e.getMessage()));
    }
  }

  private static boolean belong(PrivateKey key, PublicKey publicKey)
      throws GeneralSecurityException {
    var ed25519 = Signature.getInstance("Ed25519");
    ed25519.initSign(key);
    var signature = ed25519.sign();
    ed25519.initVerify(publicKey);
    return ed25519.verify(signature);
  }

  private static String word(Map<String, byte[]> data, String name, String where)
      throws KeyUnavailableException {
    var value = new String(data.getOrDefault(name, new byte[0]), StandardCharsets.UTF_8).strip();
    if (value.isEmpty()) {
      throw malformed(where, "it has no entry " + name);
    }
    return value;
  }

  private static byte[] pem(Map<String, byte[]> data, String name, String kind, String where)
      throws KeyUnavailableException {
    var text = new String(data.getOrDefault(name, new byte[0]), StandardCharsets.US_ASCII);
    var match = PEM.matcher(text);
    if (text.length() > 4096 || !match.matches() || !kind.equals(match.group(1))) {
      throw malformed(where, "its entry " + name + " is no PEM " + kind);
    }
    try {
      return Base64.getMimeDecoder().decode(match.group(2));
    } catch (IllegalArgumentException e) {
      throw malformed(where, "its entry " + name + " is no PEM " + kind);
    }
  }

  private static KeyUnavailableException malformed(String where, String what) {
    return new KeyUnavailableException(
        "the signing key in Secret "
            + where
            + " cannot be used: "
            + what
            + "; restore the Secret from a backup, or delete it: then a new key is made, which pods"
            + " accept as soon as their ConfigMap has reached them");
  }

  private static byte[] pem(String kind, byte[] encoded) {
    var lines = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(encoded);
    return ascii("-----BEGIN " + kind + "-----\n" + lines + "\n-----END " + kind + "-----\n");
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
