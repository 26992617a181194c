package io.refork.agent.linux;

/** Numbers and names in the bytes of a kernel file, without making strings of them. */
public final class Bytes {
  private Bytes() {}

  /**
   * The decimal number at {@code from}, after spaces; −1 when there is none. Stops at the first
   * other byte.
   */
  public static long number(byte[] text, int from, int end) {
    var at = from;
    while (at < end && (text[at] == ' ' || text[at] == '\t')) {
      at++;
    }
    if (at >= end || text[at] < '0' || text[at] > '9') {
      return -1;
    }
    var value = 0L;
    while (at < end && text[at] >= '0' && text[at] <= '9') {
      value = value * 10 + (text[at] - '0');
      at++;
    }
    return value;
  }

  /**
   * The number after {@code "\nname:"} (or at the very beginning), in the file's unit; −1 when the
   * file lacks it.
   */
  public static long field(byte[] text, int end, String name) {
    for (var line = 0; line < end; line = nextLine(text, line, end)) {
      if (startsWith(text, line, end, name) && text[line + name.length()] == ':') {
        return number(text, line + name.length() + 1, end);
      }
    }
    return -1;
  }

  /** As {@link #field}, of a hexadecimal number without 0x. */
  static long hexField(byte[] text, int end, String name) {
    for (var line = 0; line < end; line = nextLine(text, line, end)) {
      if (startsWith(text, line, end, name) && text[line + name.length()] == ':') {
        var value = 0L;
        var at = line + name.length() + 1;
        while (at < end && (text[at] == ' ' || text[at] == '\t')) {
          at++;
        }
        for (; at < end && Character.digit(text[at], 16) >= 0; at++) {
          value = value << 4 | Character.digit(text[at], 16);
        }
        return value;
      }
    }
    return -1;
  }

  /** Whether {@code prefix} (ASCII) and at least one more byte stand at {@code at}. */
  static boolean startsWith(byte[] text, int at, int end, String prefix) {
    if (at + prefix.length() >= end) {
      return false;
    }
    for (var i = 0; i < prefix.length(); i++) {
      if (text[at + i] != prefix.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  static int nextLine(byte[] text, int from, int end) {
    var at = from;
    while (at < end && text[at] != '\n') {
      at++;
    }
    return at + 1;
  }
}
