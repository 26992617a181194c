package io.refork.protocol.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.refork.protocol.control.TokenVerifier.Receiver;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** A right token is taken, whoever made it. */
class TokenTest {
  private static final Instant NOW = Instant.parse("2026-11-21T12:00:00Z");
  private static final String BODY = "{\"workers\":4}";
  private final KeyPair key = Tokens.newKey();
  private final PublicKeys ring =
      new PublicKeys(Tokens.ISSUER, Map.of(Tokens.KID, key.getPublic()));
  private final Receiver receiver = new Receiver(ring, Tokens.POD, NOW.minusSeconds(600));

  private Verdict verdict(String token) {
    var body = BODY.getBytes(StandardCharsets.UTF_8);
    return TokenVerifier.verify(token, "PUT", Tokens.PATH, body, receiver, NOW);
  }

  @Test
  @DisplayName("the signer's token is taken and says what was asked for")
  void signed() {
    var signer =
        new TokenSigner(key.getPrivate(), Tokens.KID, Tokens.ISSUER, () -> NOW, new SecureRandom());
    var body = BODY.getBytes(StandardCharsets.UTF_8);
    var token = signer.sign(Tokens.POD, "PUT", Tokens.PATH, body);
    assertThat(verdict(token))
        .isInstanceOfSatisfying(
            Verdict.Accepted.class,
            v -> {
              assertThat(v.claims().issuer()).isEqualTo(Tokens.ISSUER);
              assertThat(v.claims().podUid()).isEqualTo(Tokens.POD);
              assertThat(v.claims().issuedAt()).isEqualTo(NOW);
              assertThat(v.claims().expires()).isEqualTo(NOW.plusSeconds(30));
              assertThat(v.claims().id()).hasSize(22);
            });
    assertThat(token.length()).isLessThan(Token.MAX_LENGTH / 2);
    assertThat(signer.sign(Tokens.POD, "PUT", Tokens.PATH, body)).isNotEqualTo(token);
  }

  @Test
  @DisplayName("another library's order of members and blanks between them are no reason to refuse")
  void anotherLibrary() {
    var header = "{ \"kid\" : \"k1\", \"typ\":\"refork-desired+jwt\",\"alg\":\"EdDSA\" }";
    var claims = Tokens.json(Tokens.claims(NOW, BODY)).replace(",", " , ");
    assertThat(verdict(Tokens.signed(key, header, claims))).isInstanceOf(Verdict.Accepted.class);
  }

  @Test
  @DisplayName("the vectors of RFC 8037 A.2 and A.4: key and signature")
  void vectors() throws Exception {
    var x = Base64Url.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").orElseThrow();
    var published = Ed25519.publicKey(x);
    assertThat(Ed25519.raw(published)).isEqualTo(x);
    var text =
        (Tokens.base64("{\"alg\":\"EdDSA\"}") + "." + Tokens.base64("Example of Ed25519 signing"))
            .getBytes(StandardCharsets.US_ASCII);
    var signature =
        Base64Url.decode(
                "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg")
            .orElseThrow();
    assertThat(Ed25519.verifies(published, text, signature)).isTrue();
    text[0] ^= 1;
    assertThat(Ed25519.verifies(published, text, signature)).isFalse();
  }

  @Test
  @DisplayName("a signer says at once what is wrong with its key, name or issuer")
  void badSigner() {
    assertThatThrownBy(
            () ->
                new TokenSigner(
                    key.getPrivate(), "a b", Tokens.ISSUER, () -> NOW, new SecureRandom()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("kid");
    assertThatThrownBy(
            () -> new TokenSigner(key.getPrivate(), "k", "\"", () -> NOW, new SecureRandom()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("issuer");
    assertThatThrownBy(
            () ->
                new TokenSigner(
                    java.security.KeyPairGenerator.getInstance("EC").generateKeyPair().getPrivate(),
                    "k",
                    "i",
                    () -> NOW,
                    new SecureRandom()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Ed25519");
  }
}
