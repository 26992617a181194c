package io.refork.operator.plan;

/** What an agent says, made fit for a ledger, a status and an Event. */
final class PlainText {
  private PlainText() {}

  /**
   * A reason's word: lower-case letters, digits and dashes, at most 32; anything else is no word.
   */
  static String word(String text) {
    return !text.isEmpty() && text.length() <= 32 && text.matches("[a-z0-9-]+") ? text : "unknown";
  }

  /** One line of printable text. */
  static String line(String text, int max) {
    var out = new StringBuilder();
    text.codePoints()
        .limit(max)
        .forEach(
            c -> {
              var kind = Character.getType(c);
              boolean printable =
                  !Character.isISOControl(c)
                      && kind != Character.FORMAT
                      && kind != Character.SURROGATE
                      && kind != Character.PRIVATE_USE
                      && kind != Character.LINE_SEPARATOR
                      && kind != Character.PARAGRAPH_SEPARATOR;
              out.appendCodePoint(printable ? c : '?');
            });
    return out.toString();
  }
}
