package io.refork.protocol.control;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.time.Instant;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Tokens of every kind, as an operator, an attacker or a bug would make them: any text as header
 * and claims, signed by any key.
 */
public final class Tokens {
  public static final String ISSUER = "refork/installation-1";
  public static final String KID = "k1";
  public static final String POD = "0b9c5c1e-5d3f-4f3b-9a55-7e0a2f6f8f10";
  public static final String PATH = "/v1/desired";

  private Tokens() {}

  public static KeyPair newKey() {
    try {
      return KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The header that ours have. */
  public static String header() {
    return header(KID);
  }

  public static String header(String kid) {
    return "{\"alg\":\"EdDSA\",\"typ\":\"refork-desired+jwt\",\"kid\":\"" + kid + "\"}";
  }

  /** Claims as JSON texts by name, right in every respect for this body; change one, then join. */
  public static Map<String, String> claims(Instant issued, String body) {
    var all = new LinkedHashMap<String, String>();
    all.put("iss", quoted(ISSUER));
    all.put("aud", quoted(POD));
    all.put("iat", Long.toString(issued.getEpochSecond()));
    all.put("exp", Long.toString(issued.getEpochSecond() + 30));
    all.put("jti", quoted("id-" + Long.toHexString(System.nanoTime()) + "-0123456789abcdef"));
    all.put("method", quoted("PUT"));
    all.put("path", quoted(PATH));
    all.put("sha256", quoted(base64(Ed25519.sha256(body.getBytes(StandardCharsets.UTF_8)))));
    return all;
  }

  public static String quoted(String text) {
    return "\"" + text + "\"";
  }

  public static String json(Map<String, String> members) {
    var text = new StringBuilder("{");
    members.forEach(
        (name, value) ->
            text.append(text.length() > 1 ? "," : "")
                .append(quoted(name))
                .append(':')
                .append(value));
    return text.append('}').toString();
  }

  public static String signed(KeyPair key, String header, String claims) {
    var unsigned = base64(header) + "." + base64(claims);
    return unsigned + "." + base64(signature(key, unsigned));
  }

  public static byte[] signature(KeyPair key, String unsigned) {
    return Ed25519.sign(key.getPrivate(), unsigned.getBytes(StandardCharsets.US_ASCII));
  }

  public static String base64(String text) {
    return base64(text.getBytes(StandardCharsets.UTF_8));
  }

  public static String base64(byte[] bytes) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }
}
