package io.refork.agent.linux;

/**
 * Text of others on its way into a message: no control character, no line break, and not endless.
 */
public final class Printable {
  private Printable() {}

  /** {@code text} with everything unprintable as {@code ?}, cut to {@code most} characters. */
  public static String of(String text, int most) {
    var result = new StringBuilder();
    for (var i = 0; i < text.length() && i < most; i++) {
      var c = text.charAt(i);
      result.append(
          c < ' ' || (c >= 0x7f && c < 0xa0) || Character.isSurrogate(c) || isFormat(c) ? '?' : c);
    }
    return text.length() > most ? result + "…" : result.toString();
  }

  private static boolean isFormat(char c) {
    var type = Character.getType(c);
    return type == Character.FORMAT
        || type == Character.LINE_SEPARATOR
        || type == Character.PARAGRAPH_SEPARATOR;
  }
}
