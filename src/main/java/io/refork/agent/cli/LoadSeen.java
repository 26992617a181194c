package io.refork.agent.cli;

import java.util.EnumMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a check's requests brought, by the part of the check in which each ended. Immutable.
 *
 * @param kind whether there was anything to send requests to
 */
record LoadSeen(Kind kind, Map<Part, Tally> parts) {
  /** What listens. */
  enum Kind {
    HTTP,
    HTTPS,
    /** It answers with something else. */
    NOT_HTTP,
    /** It accepts connections, or not even that, and never answers. */
    SILENT,
    /** There is no listening socket. */
    NONE
  }

  /** The check's three parts with load. */
  enum Part {
    BEFORE,
    DURING,
    AFTER
  }

  /**
   * Replies of one part.
   *
   * @param sent all requests
   * @param lost those without a whole reply
   * @param lostHow of one of them; empty when none was lost
   * @param errors replies of 5xx
   * @param statuses {@code 404 /path} → how many; those below 400 are left out
   * @param cut replies that did not end within our patience
   * @param slowestMillis of all that were answered
   */
  record Tally(
      long sent,
      long lost,
      String lostHow,
      long errors,
      Map<String, Long> statuses,
      long cut,
      long slowestMillis) {
    static final Tally NOTHING = new Tally(0, 0, "", 0, Map.of(), 0, 0);

    Tally {
      statuses = Map.copyOf(statuses);
    }

    Tally plus(Tally other) {
      var sum = new TreeMap<>(statuses);
      other.statuses.forEach((status, count) -> sum.merge(status, count, Long::sum));
      return new Tally(
          sent + other.sent,
          lost + other.lost,
          lostHow.isEmpty() ? other.lostHow : lostHow,
          errors + other.errors,
          sum,
          cut + other.cut,
          Math.max(slowestMillis, other.slowestMillis));
    }

    /** Share of replies that are errors of the server. */
    double errorRate() {
      return sent == lost ? 0 : (double) errors / (sent - lost);
    }
  }

  LoadSeen {
    parts = Map.copyOf(parts);
  }

  static LoadSeen nothing(Kind kind) {
    return new LoadSeen(kind, new EnumMap<>(Part.class));
  }

  Tally of(Part part) {
    return parts.getOrDefault(part, Tally.NOTHING);
  }

  Tally all() {
    return of(Part.BEFORE).plus(of(Part.DURING)).plus(of(Part.AFTER));
  }
}
