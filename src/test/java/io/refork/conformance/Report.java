package io.refork.conformance;

import java.io.PrintStream;
import java.util.List;
import java.util.Locale;

/** One line per check: what the protocol asks for, and what was seen. Counts as it prints. */
final class Report {
  private final PrintStream out;
  private int passed;
  private int failed;
  private int notes;
  private int skipped;

  Report(PrintStream out) {
    this.out = out;
  }

  /** Something that docs/protocol.md demands. */
  void check(String id, String expected, boolean holds, Object seen) {
    if (holds) {
      passed++;
    } else {
      failed++;
    }
    line(holds ? "ok" : "FAILED", id, "expected: " + expected + "; seen: " + text(seen));
  }

  /** Something that it only recommends: a shim without it conforms. */
  void advise(String id, String expected, boolean holds, Object seen) {
    if (holds) {
      passed++;
    } else {
      notes++;
    }
    line(holds ? "ok" : "note", id, "recommended: " + expected + "; seen: " + text(seen));
  }

  /** A check that this service, this machine or this run did not allow. */
  void skip(String id, String why) {
    skipped++;
    line("skipped", id, why);
  }

  boolean passed() {
    return failed == 0 && passed > 0;
  }

  void summary() {
    out.printf(
        Locale.ROOT,
        "%d checks passed, %d failed, %d notes, %d skipped%n",
        passed,
        failed,
        notes,
        skipped);
  }

  /** Lines of the application, indented, so that nobody takes them for a check. */
  void detail(List<String> lines) {
    lines.forEach(l -> out.println("        | " + text(l)));
  }

  int failures() {
    return failed;
  }

  private void line(String outcome, String id, String rest) {
    out.printf(Locale.ROOT, "%-7s %-26s %s%n", outcome, id, rest);
    out.flush();
  }

  /** What a process under test says may hold anything. */
  private static String text(Object seen) {
    var text = new StringBuilder();
    String.valueOf(seen)
        .codePoints()
        .limit(300)
        .forEach(
            c -> {
              if (Character.isISOControl(c)) {
                text.append(String.format(Locale.ROOT, "\\x%02x", c));
              } else {
                text.appendCodePoint(c);
              }
            });
    return text.toString();
  }
}
