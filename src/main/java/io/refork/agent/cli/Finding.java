package io.refork.agent.cli;

import io.refork.protocol.Escape;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;

/**
 * One row of {@code refork check}.
 *
 * @param what the thing that was looked at, two or three words
 * @param found what was seen
 * @param advice what to do; empty when nothing
 */
record Finding(Verdict verdict, String what, String found, String advice) {
  enum Verdict {
    OK,
    /** It works, but not as well as it could. */
    WARN,
    /** It would not work. */
    FAIL
  }

  static Finding ok(String what, String found) {
    return new Finding(Verdict.OK, what, found, "");
  }

  static Finding warn(String what, String found, String advice) {
    return new Finding(Verdict.WARN, what, found, advice);
  }

  static Finding fail(String what, String found, String advice) {
    return new Finding(Verdict.FAIL, what, found, advice);
  }

  /** A heading and its rows; what it says may come from outside and is escaped. */
  static void print(PrintStream out, String heading, List<Finding> findings) {
    out.println(Escape.plain(heading, 200));
    for (var f : findings) {
      out.println(
          String.format(
              Locale.ROOT,
              "  %-4s  %-17s %s",
              f.verdict().name().toLowerCase(Locale.ROOT),
              Escape.plain(f.what(), 40),
              Escape.plain(f.found(), 500)));
      if (!f.advice().isEmpty()) {
        out.println(" ".repeat(26) + "→ " + f.advice());
      }
    }
    out.flush();
  }

  static boolean anyFails(List<Finding> findings) {
    return findings.stream().anyMatch(f -> f.verdict() == Verdict.FAIL);
  }
}
