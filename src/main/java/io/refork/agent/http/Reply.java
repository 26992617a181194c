package io.refork.agent.http;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** An answer, ready to be written; constant ones are made once. */
public final class Reply {
  public static final String TEXT = "text/plain; charset=utf-8";
  public static final String JSON = "application/json";

  private static final byte[] CLOSE = bytes("Connection: close\r\n\r\n");
  private static final byte[] KEEP = bytes("\r\n");

  private final int code;
  private final byte[] start;
  private final byte[] body;

  private Reply(int code, byte[] start, byte[] body) {
    this.code = code;
    this.start = start;
    this.body = body;
  }

  /** Plain text; a line's end is added. */
  public static Reply text(int code, String line, String... fields) {
    return of(code, TEXT, bytes(line + "\n"), fields);
  }

  /**
   * @param fields further header lines, as in {@code Allow: GET}; ours, never a client's words
   */
  public static Reply of(int code, String type, byte[] body, String... fields) {
    var text = new StringBuilder(160);
    text.append("HTTP/1.1 ").append(code).append(' ').append(phrase(code)).append("\r\n");
    for (var field : fields) {
      text.append(field).append("\r\n");
    }
    text.append("Content-Type: ").append(type).append("\r\nContent-Length: ").append(body.length);
    text.append("\r\nCache-Control: no-store\r\n");
    return new Reply(code, bytes(text.toString()), body);
  }

  public int code() {
    return code;
  }

  /** Whoever sends what is refused is not listened to any further. */
  boolean closes() {
    return code >= 400 && code < 500;
  }

  byte[] encode(byte[] date, boolean close) {
    var end = close ? CLOSE : KEEP;
    var all = Arrays.copyOf(start, start.length + date.length + end.length + body.length);
    int at = start.length;
    System.arraycopy(date, 0, all, at, date.length);
    at += date.length;
    System.arraycopy(end, 0, all, at, end.length);
    at += end.length;
    System.arraycopy(body, 0, all, at, body.length);
    return all;
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String phrase(int code) {
    return switch (code) {
      case 200 -> "OK";
      case 400 -> "Bad Request";
      case 401 -> "Unauthorized";
      case 403 -> "Forbidden";
      case 404 -> "Not Found";
      case 405 -> "Method Not Allowed";
      case 408 -> "Request Timeout";
      case 409 -> "Conflict";
      case 411 -> "Length Required";
      case 413 -> "Content Too Large";
      case 414 -> "URI Too Long";
      case 422 -> "Unprocessable Content";
      case 429 -> "Too Many Requests";
      case 431 -> "Request Header Fields Too Large";
      case 500 -> "Internal Server Error";
      case 503 -> "Service Unavailable";
      default -> "-";
    };
  }
}
