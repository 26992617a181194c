package io.refork.conformance;

/** A step on the way did not happen, so the rest of the scenario makes no sense. */
final class Unmet extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private final String expected;
  private final String seen;

  Unmet(String expected, String seen) {
    super("expected: " + expected + "; seen: " + seen);
    this.expected = expected;
    this.seen = seen;
  }

  String expected() {
    return expected;
  }

  String seen() {
    return seen;
  }
}
