package io.refork.protocol.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.refork.protocol.control.Forgeries.Forgery;
import io.refork.protocol.control.TokenVerifier.Receiver;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Each forgery is refused, and for its own reason. */
class ForgeriesTest {
  private static final Instant NOW = Instant.parse("2026-11-21T12:00:00Z");
  private static final String BODY = "{\"workers\":4}";
  private static final KeyPair KEY = Tokens.newKey();
  private static final Receiver RECEIVER =
      new Receiver(
          new PublicKeys(Tokens.ISSUER, Map.of(Tokens.KID, KEY.getPublic())),
          Tokens.POD,
          NOW.minusSeconds(600));

  private static Verdict verdict(String token, Receiver receiver, Instant now) {
    var body = BODY.getBytes(StandardCharsets.UTF_8);
    return TokenVerifier.verify(token, "PUT", Tokens.PATH, body, receiver, now);
  }

  static Stream<Forgery> forgeries() {
    return Forgeries.of(KEY, NOW, BODY).stream();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("forgeries")
  @DisplayName("TOK-02…14 a forged token is refused, and the reason is known")
  void refused(Forgery forgery) {
    assertThat(verdict(forgery.token(), RECEIVER, NOW))
        .isEqualTo(new Verdict.Rejected(forgery.reason()));
  }

  @ParameterizedTest(name = "issued {0} s from now, agent up for {1} s: {2}")
  @CsvSource({
    "30, 600, taken",
    "31, 600, CLOCK",
    "-60, 600, taken",
    "-61, 600, EXPIRED",
    "300, 600, CLOCK",
    "-300, 600, EXPIRED",
    "-30, 30, taken",
    "-30, 29, CLOCK",
    "0, 0, taken"
  })
  @DisplayName("TOK-10 TOK-17 thirty seconds of skew either way, and not before the agent's start")
  void skew(int issued, int up, String expected) {
    var token =
        Tokens.signed(
            KEY, Tokens.header(), Tokens.json(Tokens.claims(NOW.plusSeconds(issued), BODY)));
    var receiver = new Receiver(RECEIVER.keys(), Tokens.POD, NOW.minusSeconds(up));
    var verdict = verdict(token, receiver, NOW);
    if (expected.equals("taken")) {
      assertThat(verdict).isInstanceOf(Verdict.Accepted.class);
    } else {
      assertThat(verdict).isEqualTo(new Verdict.Rejected(Reason.valueOf(expected)));
    }
  }

  @Test
  @DisplayName("TOK-10 an agent that started within the token's second takes it")
  void sameSecond() {
    var token = Tokens.signed(KEY, Tokens.header(), Tokens.json(Tokens.claims(NOW, BODY)));
    var receiver = new Receiver(RECEIVER.keys(), Tokens.POD, NOW.plusMillis(900));
    assertThat(verdict(token, receiver, NOW.plusMillis(950))).isInstanceOf(Verdict.Accepted.class);
  }

  @Test
  @DisplayName("TOK-12 a right token for another method, path, query or body is refused")
  void otherRequest() {
    var token = Tokens.signed(KEY, Tokens.header(), Tokens.json(Tokens.claims(NOW, BODY)));
    var body = BODY.getBytes(StandardCharsets.UTF_8);
    var rejected = new Verdict.Rejected(Reason.REQUEST);
    assertThat(TokenVerifier.verify(token, "POST", Tokens.PATH, body, RECEIVER, NOW))
        .isEqualTo(rejected);
    assertThat(TokenVerifier.verify(token, "PUT", "/v1/desired?a", body, RECEIVER, NOW))
        .isEqualTo(rejected);
    assertThat(TokenVerifier.verify(token, "PUT", Tokens.PATH, new byte[1], RECEIVER, NOW))
        .isEqualTo(rejected);
  }

  @Test
  @DisplayName("TOK-14 every prefix and every changed character of a right token is refused")
  void everyCharacter() {
    var token = Tokens.signed(KEY, Tokens.header(), Tokens.json(Tokens.claims(NOW, BODY)));
    for (int i = 0; i < token.length(); i++) {
      assertThat(verdict(token.substring(0, i), RECEIVER, NOW))
          .isInstanceOf(Verdict.Rejected.class);
      for (var other : "A.=\n\0é".toCharArray()) {
        if (other != token.charAt(i)) {
          var changed = token.substring(0, i) + other + token.substring(i + 1);
          assertThat(verdict(changed, RECEIVER, NOW)).isInstanceOf(Verdict.Rejected.class);
        }
      }
    }
  }

  @Test
  @DisplayName("TOK-16 keys by name: each for its own tokens, a retired one for none")
  void rotation() {
    var next = Tokens.newKey();
    var both = new HashMap<>(Map.of("k1", KEY.getPublic(), "k2", next.getPublic()));
    var old = Tokens.signed(KEY, Tokens.header("k1"), Tokens.json(Tokens.claims(NOW, BODY)));
    var young = Tokens.signed(next, Tokens.header("k2"), Tokens.json(Tokens.claims(NOW, BODY)));
    var crossed = Tokens.signed(KEY, Tokens.header("k2"), Tokens.json(Tokens.claims(NOW, BODY)));
    var receiver = new Receiver(new PublicKeys(Tokens.ISSUER, both), Tokens.POD, NOW);
    assertThat(verdict(old, receiver, NOW)).isInstanceOf(Verdict.Accepted.class);
    assertThat(verdict(young, receiver, NOW)).isInstanceOf(Verdict.Accepted.class);
    assertThat(verdict(crossed, receiver, NOW)).isEqualTo(new Verdict.Rejected(Reason.SIGNATURE));
    both.remove("k1");
    var later = new Receiver(new PublicKeys(Tokens.ISSUER, both), Tokens.POD, NOW);
    assertThat(verdict(old, later, NOW)).isEqualTo(new Verdict.Rejected(Reason.KEY));
    assertThat(verdict(young, later, NOW)).isInstanceOf(Verdict.Accepted.class);
  }
}
