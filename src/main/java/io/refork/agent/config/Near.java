package io.refork.agent.config;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Finds what somebody may have meant. */
public final class Near {
  private Near() {}

  /**
   * " Did you mean a or b?" or nothing. Names of one half of the letters in common are too far away
   * to help.
   */
  public static String hint(String wrong, List<String> known) {
    var near = new ArrayList<String>();
    int best = Math.max(1, Math.min(3, wrong.length() / 3));
    for (var name : known) {
      int distance = distance(wrong, name, best);
      if (distance < best) {
        near.clear();
        best = distance;
      }
      if (distance <= best && near.size() < 3) {
        near.add(name);
      }
    }
    if (near.isEmpty()) {
      for (var name : known) {
        if (wrong.length() >= 4
            && (name.startsWith(wrong) || name.endsWith(wrong))
            && near.size() < 3) {
          near.add(name);
        }
      }
    }
    return near.isEmpty() ? "" : "; did you mean " + String.join(" or ", near) + "?";
  }

  /** The one name within two letters of {@code wrong}, if any. */
  static Optional<String> typo(String wrong, List<String> known) {
    for (var name : known) {
      if (distance(wrong, name, 2) <= 2) {
        return Optional.of(name);
      }
    }
    return Optional.empty();
  }

  /** Levenshtein's distance, or any number above {@code bound} when it is above it. */
  private static int distance(String a, String b, int bound) {
    if (Math.abs(a.length() - b.length()) > bound) {
      return bound + 1;
    }
    var row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int above = row[j];
        int change = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        row[j] = Math.min(change, Math.min(above, row[j - 1]) + 1);
        diagonal = above;
      }
    }
    return row[b.length()];
  }
}
