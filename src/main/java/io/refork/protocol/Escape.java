package io.refork.protocol;

/**
 * Makes text that somebody else wrote harmless for a terminal, a log line or an error message: no
 * control characters, no escape sequences, no line ends, no invisible reordering; and of bounded
 * length.
 */
public final class Escape {
  /**
   * Long enough for every name and path that helps, short enough that 20 of them fit a log line.
   */
  public static final int MAX = 200;

  private static final char[] HEX = "0123456789abcdef".toCharArray();

  private Escape() {}

  /** The text in double quotes, at most {@link #MAX} characters of it. */
  public static String quoted(CharSequence text) {
    var out = new StringBuilder(Math.min(text.length(), MAX) + 2);
    out.append('"');
    append(out, text, MAX, true);
    return out.append('"').toString();
  }

  /**
   * The text without quotes, at most {@code max} characters of it, an ellipsis where it was cut.
   */
  public static String plain(CharSequence text, int max) {
    var out = new StringBuilder(Math.min(text.length(), max));
    append(out, text, max, false);
    return out.toString();
  }

  /**
   * Appends at most {@code max} characters of {@code text}; what could do harm becomes {@code \n},
   * {@code \t} or {@code \}{@code uXXXX}, as in JSON. {@code quotes}: also escape double quotes and
   * backslashes.
   */
  public static void append(StringBuilder out, CharSequence text, int max, boolean quotes) {
    int length = text.length();
    int end = Math.min(length, max);
    if (end < length && end > 0 && Character.isHighSurrogate(text.charAt(end - 1))) {
      end--;
    }
    for (int i = 0; i < end; i++) {
      char c = text.charAt(i);
      if (c >= 0x20 && c < 0x7f) {
        if (quotes && (c == '"' || c == '\\')) {
          out.append('\\');
        }
        out.append(c);
      } else if (c == '\n') {
        out.append("\\n");
      } else if (c == '\r') {
        out.append("\\r");
      } else if (c == '\t') {
        out.append("\\t");
      } else if (isHarmless(text, i, end)) {
        out.append(c);
      } else {
        out.append("\\u")
            .append(HEX[c >> 12])
            .append(HEX[c >> 8 & 15])
            .append(HEX[c >> 4 & 15])
            .append(HEX[c & 15]);
      }
    }
    if (end < length) {
      out.append('…');
    }
  }

  private static boolean isHarmless(CharSequence text, int at, int end) {
    char c = text.charAt(at);
    if (Character.isHighSurrogate(c)) {
      return at + 1 < end
          && Character.isLowSurrogate(text.charAt(at + 1))
          && isVisible(Character.toCodePoint(c, text.charAt(at + 1)));
    }
    if (Character.isLowSurrogate(c)) {
      return at > 0
          && Character.isHighSurrogate(text.charAt(at - 1))
          && isVisible(Character.toCodePoint(text.charAt(at - 1), c));
    }
    return isVisible(c);
  }

  /**
   * Not a control, not a format character (those turn text around or hide it), not a line end,
   * assigned.
   */
  private static boolean isVisible(int codePoint) {
    return switch (Character.getType(codePoint)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED ->
          false;
      default -> true;
    };
  }
}
