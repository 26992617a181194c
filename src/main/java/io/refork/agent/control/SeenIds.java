package io.refork.agent.control;

import io.refork.protocol.control.Claims;
import io.refork.protocol.control.Token;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;

/**
 * Ids of tokens that were taken, each until its token could not be taken anyway. Only genuine
 * tokens get in, so only the operator can fill it. For one thread.
 */
final class SeenIds {
  /** At the most that is verified (8 a second), a token's two minutes are 960. */
  static final int MAX = 1024;

  enum Entry {
    NEW,
    SEEN,
    /** Nothing can be remembered, so nothing can be taken. */
    FULL
  }

  private final Map<String, Instant> until = new HashMap<>();

  Entry add(Claims claims, Instant now) {
    until.values().removeIf(end -> end.isBefore(now));
    if (until.containsKey(claims.id())) {
      return Entry.SEEN;
    }
    if (until.size() >= MAX) {
      return Entry.FULL;
    }
    until.put(claims.id(), claims.expires().plus(Token.SKEW));
    return Entry.NEW;
  }
}
