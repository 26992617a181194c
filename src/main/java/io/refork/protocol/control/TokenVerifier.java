package io.refork.protocol.control;

import java.security.PublicKey;
import java.time.Instant;
import java.util.Optional;

/**
 * Judges tokens: pure, in two steps, because the second costs an agent twenty milliseconds of CPU
 * and the first a fraction of one. Whoever floods an agent must not get past the first for free.
 */
public final class TokenVerifier {
  private TokenVerifier() {}

  /**
   * Who judges.
   *
   * @param podUid the only audience
   * @param started of this agent, whole or not: what was issued before it may have been used before
   */
  public record Receiver(PublicKeys keys, String podUid, Instant started) {}

  /** What the cheap step says. */
  public sealed interface Checked {
    /** Everything but the signature and the body is right. Proves nothing. */
    record Plausible(Claims claims, PublicKey key, byte[] signed, byte[] signature)
        implements Checked {
      /** The expensive step. */
      public Verdict verify(byte[] body) {
        if (!Ed25519.verifies(key, signed, signature)) {
          return new Verdict.Rejected(Reason.SIGNATURE);
        }
        return Base64Url.encode(Ed25519.sha256(body)).equals(claims.bodyHash())
            ? new Verdict.Accepted(claims)
            : new Verdict.Rejected(Reason.REQUEST);
      }
    }

    record Refused(Reason reason) implements Checked {}
  }

  /**
   * The cheap step.
   *
   * @param token the text behind {@code Bearer}; any length
   * @param path of the request as it was sent, with its query if it has one
   */
  public static Checked check(
      String token, String method, String path, Receiver receiver, Instant now) {
    return switch (Token.read(token)) {
      case Token.Read.Broken(var reason) -> new Checked.Refused(reason);
      case Token.Read.Whole(var parts) -> check(parts, method, path, receiver, now);
    };
  }

  /** Both steps, for whoever has time. */
  public static Verdict verify(
      String token, String method, String path, byte[] body, Receiver receiver, Instant now) {
    return switch (check(token, method, path, receiver, now)) {
      case Checked.Plausible p -> p.verify(body);
      case Checked.Refused(var reason) -> new Verdict.Rejected(reason);
    };
  }

  private static Checked check(
      Token.Parts parts, String method, String path, Receiver receiver, Instant now) {
    var key = receiver.keys().key(parts.kid());
    if (key.isEmpty()) {
      return new Checked.Refused(Reason.KEY);
    }
    var claims = parts.claims();
    var wrong =
        claims.issuer().equals(receiver.keys().issuer())
            ? claims.podUid().equals(receiver.podUid())
                ? time(claims, receiver.started(), now)
                : Optional.of(Reason.AUDIENCE)
            : Optional.of(Reason.ISSUER);
    if (wrong.isPresent()) {
      return new Checked.Refused(wrong.get());
    }
    return claims.method().equals(method) && claims.path().equals(path)
        ? new Checked.Plausible(claims, key.get(), parts.signed(), parts.signature())
        : new Checked.Refused(Reason.REQUEST);
  }

  private static Optional<Reason> time(Claims claims, Instant started, Instant now) {
    if (!claims.expires().isAfter(claims.issuedAt())
        || claims.expires().isAfter(claims.issuedAt().plus(Token.MAX_LIFETIME))) {
      return Optional.of(Reason.LIFETIME);
    }
    if (now.isAfter(claims.expires().plus(Token.SKEW))) {
      return Optional.of(Reason.EXPIRED);
    }
    // Issued in the second of our start: after it, as far as whole seconds can say.
    var firstSecond = Instant.ofEpochSecond(started.getEpochSecond());
    return claims.issuedAt().isAfter(now.plus(Token.SKEW))
            || claims.issuedAt().isBefore(firstSecond)
        ? Optional.of(Reason.CLOCK)
        : Optional.empty();
  }
}
