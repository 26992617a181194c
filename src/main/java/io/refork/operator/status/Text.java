package io.refork.operator.status;

import io.refork.protocol.Escape;

/** Other people's words in a status or an Event: harmless, one line, of bounded length. */
final class Text {
  /** Of a pod's name that Kubernetes generated. */
  static final int NAME = 63;

  private Text() {}

  /**
   * At most {@code max} bytes in JSON, as UTF-8; an ellipsis where it was cut. Quotes and
   * backslashes take two bytes there.
   */
  static String cut(String text, int max) {
    var plain = Escape.plain(text.strip(), Math.max(1, max));
    if (bytes(plain) <= max) {
      return plain;
    }
    int end = 0;
    int used = ELLIPSIS;
    while (end < plain.length()) {
      int codePoint = plain.codePointAt(end);
      used += bytes(codePoint);
      if (used > max) {
        break;
      }
      end += Character.charCount(codePoint);
    }
    return plain.substring(0, end).stripTrailing() + "…";
  }

  private static final int ELLIPSIS = 3;

  private static int bytes(String text) {
    return text.codePoints().map(Text::bytes).sum();
  }

  private static int bytes(int codePoint) {
    if (codePoint == '"' || codePoint == '\\') {
      return 2;
    }
    return codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
  }
}
