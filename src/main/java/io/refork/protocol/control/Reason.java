package io.refork.protocol.control;

import java.util.Locale;

/** Why a request on the control port was not taken: one enum for code, log and tests. */
public enum Reason {
  /** No token, an empty one, another scheme than Bearer, or more than one. */
  MISSING,
  /** Not three parts of exact base64url, not the members that are ours, or of another type. */
  MALFORMED,
  /** {@code alg} is not {@code EdDSA}. The key decides how it is verified, never the token. */
  ALGORITHM,
  /** {@code typ} is not ours: a token that was made for something else. */
  TYPE,
  /** {@code kid} names no key of this pod. */
  KEY,
  /** Not signed by that key, or by a signature that has a second spelling. */
  SIGNATURE,
  /** Another installation of the operator. */
  ISSUER,
  /** Meant for another pod. */
  AUDIENCE,
  /** Made in our future or before this agent's start. */
  CLOCK,
  /** Too late, by more than clocks may differ. */
  EXPIRED,
  /** Valid for longer than any token may be, or for no time at all. */
  LIFETIME,
  /** Signed for another method, path or body. */
  REQUEST,
  /** Its id was taken before. */
  REPLAYED,
  /** More than this pod verifies or remembers: try later. */
  FLOODED,
  /** This pod has no key, so nobody can steer it. */
  NO_KEYS,
  /** The token or the body is longer than any of ours. */
  TOO_LARGE;

  /** For logs, as in {@code no-keys}. */
  public String word() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
