package io.refork.protocol.control;

import static io.refork.protocol.control.Tokens.base64;
import static io.refork.protocol.control.Tokens.quoted;
import static io.refork.protocol.control.Tokens.signed;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Tokens that must not be taken, each wrong in one respect and right in all others. Many of them
 * pass a common library: docs/security.md has the list.
 */
public final class Forgeries {
  private final KeyPair key;
  private final Instant now;
  private final String body;
  private final List<Forgery> all = new ArrayList<>();

  /**
   * @param id the scenario's
   */
  public record Forgery(String id, String what, String token, Reason reason) {
    @Override
    public String toString() {
      return id + " " + what;
    }
  }

  private Forgeries(KeyPair key, Instant now, String body) {
    this.key = key;
    this.now = now;
    this.body = body;
  }

  /** For a request of {@link Tokens} with this body, at this time. */
  public static List<Forgery> of(KeyPair key, Instant now, String body) {
    var forgeries = new Forgeries(key, now, body);
    forgeries.algorithms();
    forgeries.shapes();
    forgeries.signatures();
    forgeries.confusions();
    forgeries.keys();
    forgeries.members();
    forgeries.audiences();
    forgeries.times();
    forgeries.requests();
    forgeries.strangers();
    forgeries.sizes();
    return forgeries.all;
  }

  private void add(String id, String what, String token, Reason reason) {
    all.add(new Forgery(id, what, token, reason));
  }

  private String right() {
    return signed(key, Tokens.header(), Tokens.json(Tokens.claims(now, body)));
  }

  private String withHeader(String header) {
    return signed(key, header, Tokens.json(Tokens.claims(now, body)));
  }

  private String withClaims(Consumer<Map<String, String>> change) {
    var claims = Tokens.claims(now, body);
    change.accept(claims);
    return signed(key, Tokens.header(), Tokens.json(claims));
  }

  private void algorithms() {
    for (var alg :
        List.of(
            quoted("none"),
            quoted("None"),
            quoted("NONE"),
            quoted("nOnE"),
            quoted(""),
            quoted("eddsa"),
            quoted("Ed25519"),
            "1",
            "1.5",
            "null",
            "true",
            "[\"EdDSA\"]",
            "{\"a\":1}")) {
      var header = "{\"alg\":" + alg + ",\"typ\":\"refork-desired+jwt\",\"kid\":\"k1\"}";
      boolean flat = alg.startsWith("\"") || alg.equals("1");
      add("TOK-02", "alg " + alg, withHeader(header), flat ? Reason.ALGORITHM : Reason.MALFORMED);
    }
    add(
        "TOK-02",
        "no alg",
        withHeader("{\"typ\":\"refork-desired+jwt\",\"kid\":\"k1\"}"),
        Reason.ALGORITHM);
    var none = "{\"alg\":\"none\",\"typ\":\"refork-desired+jwt\",\"kid\":\"k1\"}";
    add(
        "TOK-02",
        "alg none without a signature",
        base64(none) + "." + base64(Tokens.json(Tokens.claims(now, body))) + ".",
        Reason.ALGORITHM);
  }

  private void shapes() {
    var right = right();
    var parts = right.split("\\.");
    add("TOK-03", "empty signature", parts[0] + "." + parts[1] + ".", Reason.SIGNATURE);
    add("TOK-03", "two parts", parts[0] + "." + parts[1], Reason.MALFORMED);
    add("TOK-03", "one part", parts[0], Reason.MALFORMED);
    add("TOK-03", "four parts", right + "." + parts[2], Reason.MALFORMED);
    add("TOK-03", "five parts", right + ".a.b", Reason.MALFORMED);
    add("TOK-03", "dots", "..", Reason.MALFORMED);
    add(
        "TOK-03",
        "JSON serialisation",
        "{\"protected\":\"%s\",\"payload\":\"%s\",\"signature\":\"%s\"}"
            .formatted(parts[0], parts[1], parts[2]),
        Reason.MALFORMED);
    add("TOK-14", "padding", right + "==", Reason.MALFORMED);
    add("TOK-14", "padded header", parts[0] + "=." + parts[1] + "." + parts[2], Reason.MALFORMED);
    add("TOK-14", "blank inside", right.replaceFirst("\\.", ". "), Reason.MALFORMED);
    add("TOK-14", "!! in the signature", right + "!!", Reason.MALFORMED);
  }

  private void signatures() {
    var unsigned = right().substring(0, right().lastIndexOf('.'));
    var signature = Tokens.signature(key, unsigned);
    var other = right();
    add(
        "TOK-04",
        "signature of another token",
        unsigned + other.substring(other.lastIndexOf('.')),
        Reason.SIGNATURE);
    var flipped = signature.clone();
    flipped[5] ^= 4;
    add("TOK-04", "flipped bit", unsigned + "." + base64(flipped), Reason.SIGNATURE);
    add(
        "TOK-04",
        "truncated",
        unsigned + "." + base64(java.util.Arrays.copyOf(signature, 63)),
        Reason.SIGNATURE);
    add(
        "TOK-04",
        "one byte more",
        unsigned + "." + base64(java.util.Arrays.copyOf(signature, 65)),
        Reason.SIGNATURE);
    add("TOK-04", "zeros", unsigned + "." + base64(new byte[64]), Reason.SIGNATURE);
    add(
        "TOK-04",
        "S plus the order",
        unsigned + "." + base64(plusOrder(signature)),
        Reason.SIGNATURE);
    var text = base64(signature);
    // 64 bytes leave four unused bits in the last of 86 characters.
    var sibling = (char) (text.charAt(85) + 1);
    add(
        "TOK-04",
        "another spelling of the last bits",
        unsigned + "." + text.substring(0, 85) + sibling,
        Reason.MALFORMED);
    add(
        "TOK-04",
        "another key",
        signed(Tokens.newKey(), Tokens.header(), json()),
        Reason.SIGNATURE);
  }

  private String json() {
    return Tokens.json(Tokens.claims(now, body));
  }

  /** The same point and the same value modulo the order: many verifiers take it. */
  private static byte[] plusOrder(byte[] signature) {
    var order =
        BigInteger.TWO.pow(252).add(new BigInteger("27742317777372353535851937790883648493"));
    var s = new byte[32];
    for (int i = 0; i < 32; i++) {
      s[i] = signature[63 - i];
    }
    var sum = new BigInteger(1, s).add(order).toByteArray();
    var changed = signature.clone();
    for (int i = 0; i < 32; i++) {
      int from = sum.length - 1 - i;
      changed[32 + i] = from >= 0 ? sum[from] : 0;
    }
    return changed;
  }

  private void confusions() {
    try {
      var der = key.getPublic().getEncoded();
      var pem =
          "-----BEGIN PUBLIC KEY-----\n"
              + Base64.getEncoder().encodeToString(der)
              + "\n-----END PUBLIC KEY-----\n";
      for (var secret :
          List.of(pem.getBytes(StandardCharsets.US_ASCII), der, Ed25519.raw(key.getPublic()))) {
        var header = "{\"alg\":\"HS256\",\"typ\":\"refork-desired+jwt\",\"kid\":\"k1\"}";
        var unsigned = base64(header) + "." + base64(json());
        var mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(secret, "HmacSHA256"));
        var sum = mac.doFinal(unsigned.getBytes(StandardCharsets.US_ASCII));
        add(
            "TOK-05",
            "HS256 with the public key, " + secret.length + " bytes",
            unsigned + "." + base64(sum),
            Reason.ALGORITHM);
      }
      signedOtherwise("RS256", "RSA", "SHA256withRSA", Reason.ALGORITHM);
      signedOtherwise("ES256", "EC", "SHA256withECDSA", Reason.ALGORITHM);
      // Its 114 bytes say what it is, whatever the header calls it.
      signedOtherwise("EdDSA", "Ed448", "Ed448", Reason.SIGNATURE);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private void signedOtherwise(String alg, String kind, String how, Reason reason)
      throws GeneralSecurityException {
    var header = "{\"alg\":\"" + alg + "\",\"typ\":\"refork-desired+jwt\",\"kid\":\"k1\"}";
    var unsigned = base64(header) + "." + base64(json());
    var signature = Signature.getInstance(how);
    signature.initSign(KeyPairGenerator.getInstance(kind).generateKeyPair().getPrivate());
    signature.update(unsigned.getBytes(StandardCharsets.US_ASCII));
    add("TOK-05", how + " as " + alg, unsigned + "." + base64(signature.sign()), reason);
  }

  private void keys() {
    for (var kid :
        List.of("unknown", "../../etc/passwd", "/dev/random", "K1", "k1 ", "x".repeat(200))) {
      add("TOK-06", "kid " + kid, withHeader(Tokens.header(kid)), Reason.KEY);
    }
    for (var kid : List.of("a\\u0000b", "a\\r\\nb", "\\u006b1", "k1\r\n", "\0", "<script>é")) {
      add(
          "TOK-06",
          "kid with control characters",
          withHeader(Tokens.header(kid)),
          Reason.MALFORMED);
    }
    var header = "{\"alg\":\"EdDSA\",\"typ\":\"refork-desired+jwt\"";
    add("TOK-06", "no kid", withHeader(header + "}"), Reason.KEY);
    add("TOK-06", "kid as a number", withHeader(header + ",\"kid\":1}"), Reason.KEY);
    add("TOK-06", "kid as an array", withHeader(header + ",\"kid\":[\"k1\"]}"), Reason.MALFORMED);
    add("TOK-06", "kid of 10 KB", withHeader(Tokens.header("k".repeat(10_000))), Reason.TOO_LARGE);
  }

  private void members() {
    var right = Tokens.header();
    for (var more :
        List.of(
            "\"jwk\":{\"kty\":\"OKP\"}",
            "\"jku\":\"http://127.0.0.1:1/keys\"",
            "\"x5u\":\"http://127.0.0.1:1/cert\"",
            "\"x5c\":[\"MIIB\"]",
            "\"crit\":[\"b64\"]",
            "\"b64\":false",
            "\"zip\":\"DEF\"",
            "\"cty\":\"JWT\"",
            "\"alg\":\"EdDSA\"",
            "\"kid\":\"k1\"")) {
      add(
          "TOK-07",
          "header with " + more,
          withHeader(right.substring(0, right.length() - 1) + "," + more + "}"),
          Reason.MALFORMED);
    }
  }

  private void audiences() {
    for (var audience :
        List.of("another-pod", "", Tokens.POD.toUpperCase(java.util.Locale.ROOT), "*")) {
      add(
          "TOK-08",
          "audience " + audience,
          withClaims(c -> c.put("aud", quoted(audience))),
          Reason.AUDIENCE);
    }
    var array = "[" + quoted(Tokens.POD) + "]";
    add("TOK-08", "audience as an array", withClaims(c -> c.put("aud", array)), Reason.MALFORMED);
    add("TOK-08", "no audience", withClaims(c -> c.remove("aud")), Reason.MALFORMED);
    add(
        "TOK-09",
        "another issuer",
        withClaims(c -> c.put("iss", quoted("refork/installation-2"))),
        Reason.ISSUER);
    add("TOK-09", "no issuer", withClaims(c -> c.remove("iss")), Reason.MALFORMED);
    add(
        "TOK-09",
        "right issuer, another installation's key",
        signed(Tokens.newKey(), Tokens.header(), json()),
        Reason.SIGNATURE);
  }

  private void times() {
    times("expired", -62, 30, Reason.EXPIRED);
    times("issued beyond the skew", 90, 60, Reason.CLOCK);
    times("issued in the year 9000", 220_000_000_000L, 30, Reason.CLOCK);
    times("valid for longer than allowed", 0, 61, Reason.LIFETIME);
    times("valid for a year", 0, 31_536_000, Reason.LIFETIME);
    times("valid for no time", 0, 0, Reason.LIFETIME);
    times("expires before it was issued", 0, -5, Reason.LIFETIME);
    times("issued before the agent's start", -1, 60, -100_000, Reason.EXPIRED);
    long second = now.getEpochSecond();
    for (var name : List.of("exp", "iat")) {
      for (var value :
          List.of(
              quoted(Long.toString(second + 30)),
              second + ".0",
              "1e308",
              "-1",
              "9223372036854775808",
              "99999999999999999999999999",
              "null",
              "true",
              "[1]")) {
        add("TOK-10", name + " " + value, withClaims(c -> c.put(name, value)), Reason.MALFORMED);
      }
      add("TOK-10", "no " + name, withClaims(c -> c.remove(name)), Reason.MALFORMED);
    }
    add(
        "TOK-10",
        "nbf in the future",
        withClaims(c -> c.put("nbf", Long.toString(second + 600))),
        Reason.MALFORMED);
    add(
        "TOK-14",
        "a claim twice",
        signed(key, Tokens.header(), json().replaceFirst("\\{", "{\"iat\":1,")),
        Reason.MALFORMED);
  }

  private void times(String what, long issued, long lifetime, Reason reason) {
    times(what, issued, lifetime, 0, reason);
  }

  private void times(String what, long issued, long lifetime, long shift, Reason reason) {
    long second = now.getEpochSecond() + issued + shift;
    add(
        "TOK-10",
        what,
        withClaims(
            c -> {
              c.put("iat", Long.toString(second));
              c.put("exp", Long.toString(second + lifetime));
            }),
        reason);
  }

  private void requests() {
    claim("method", "GET", Reason.REQUEST);
    claim("method", "put", Reason.REQUEST);
    claim("path", "/v1/desired/", Reason.REQUEST);
    claim("path", "/v1/desired?dry=1", Reason.REQUEST);
    claim("path", "/metrics", Reason.REQUEST);
    claim(
        "sha256",
        base64(Ed25519.sha256("another body".getBytes(StandardCharsets.UTF_8))),
        Reason.REQUEST);
    claim("sha256", "", Reason.REQUEST);
    claim("jti", "short", Reason.MALFORMED);
    claim("jti", "x".repeat(65), Reason.MALFORMED);
    claim("jti", "<script>alert(1)</script>", Reason.MALFORMED);
    add("TOK-12", "no path", withClaims(c -> c.remove("path")), Reason.MALFORMED);
    add("TOK-11", "no id", withClaims(c -> c.remove("jti")), Reason.MALFORMED);
  }

  private void claim(String name, String value, Reason reason) {
    add("TOK-12", name + " " + value, withClaims(c -> c.put(name, quoted(value))), reason);
  }

  private void strangers() {
    add(
        "TOK-13",
        "a service account's token",
        signed(
            key,
            "{\"alg\":\"RS256\",\"kid\":\"k1\"}",
            "{\"aud\":[\"https://kubernetes.default.svc\"],\"iss\":\"https://kubernetes.default.svc\",\"kubernetes.io\":{}}"),
        Reason.ALGORITHM);
    for (var type :
        List.of(
            "JWT",
            "at+jwt",
            "refork-report+jwt",
            "REFORK-DESIRED+JWT",
            "application/refork-desired+jwt")) {
      add(
          "TOK-13",
          "typ " + type,
          withHeader("{\"alg\":\"EdDSA\",\"typ\":\"" + type + "\",\"kid\":\"k1\"}"),
          Reason.TYPE);
    }
    add("TOK-13", "no typ", withHeader("{\"alg\":\"EdDSA\",\"kid\":\"k1\"}"), Reason.TYPE);
  }

  private void sizes() {
    add("TOK-14", "2 KB of dots", ".".repeat(2_000), Reason.MALFORMED);
    add("TOK-14", "7 KB token", "A".repeat(7_000), Reason.TOO_LARGE);
    var deep = "[".repeat(600) + "]".repeat(600);
    add("TOK-14", "600 levels of JSON", signed(key, Tokens.header(), deep), Reason.MALFORMED);
    add(
        "TOK-14",
        "levels in a claim",
        withClaims(c -> c.put("iss", "[".repeat(300))),
        Reason.MALFORMED);
    add("TOK-14", "no JSON", signed(key, Tokens.header(), "hello"), Reason.MALFORMED);
    add("TOK-14", "two objects", signed(key, Tokens.header(), json() + "{}"), Reason.MALFORMED);
    add(
        "TOK-14",
        "an unfinished object",
        signed(key, Tokens.header(), json().substring(0, 90)),
        Reason.MALFORMED);
    var utf16 = base64(json().getBytes(StandardCharsets.UTF_16BE));
    var unsigned = base64(Tokens.header()) + "." + utf16;
    add(
        "TOK-14",
        "UTF-16",
        unsigned + "." + base64(Tokens.signature(key, unsigned)),
        Reason.MALFORMED);
    var invalid = base64(new byte[] {'{', '"', (byte) 0xc3, (byte) 0x28, '"', '}'});
    add(
        "TOK-14",
        "invalid UTF-8",
        base64(Tokens.header()) + "." + invalid + ".AA",
        Reason.MALFORMED);
  }
}
