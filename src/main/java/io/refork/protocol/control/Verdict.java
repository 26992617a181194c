package io.refork.protocol.control;

/** What {@link TokenVerifier} says of a token and its request. */
public sealed interface Verdict {
  /** Genuine, in time and for this very request. Whether it was used before is for the caller. */
  record Accepted(Claims claims) implements Verdict {}

  record Rejected(Reason reason) implements Verdict {}
}
