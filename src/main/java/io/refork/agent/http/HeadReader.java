package io.refork.agent.http;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reads one request's head as its bytes come in, each byte once. Strict where two readers could
 * understand two things (RFC 9112, 11.2): one spelling of line ends, lengths and names, or 400.
 */
final class HeadReader {
  /** Bytes of a whole head. A token has 600, a scraper sends 300. */
  static final int MAX_HEAD = 8192;

  private static final int MAX_LINE = 1024;
  private static final int MAX_FIELDS = 64;

  /** A reader of lengths with more digits than ours would be needed. */
  private static final int MAX_DIGITS = 9;

  private static final String NAME = "!#$%&'*+-.^_`|~";
  private static final boolean[] IN_NAME = new boolean[128];

  static {
    for (char c = '0'; c <= 'z'; c++) {
      IN_NAME[c] = Character.isLetterOrDigit(c);
    }
    NAME.chars().forEach(c -> IN_NAME[c] = true);
  }

  /** How far it is. */
  sealed interface Progress {
    /** Needs further bytes. */
    record More() implements Progress {}

    /** The first line is read; go on by calling again. */
    record First(Head.Line line) implements Progress {}

    /** {@code end}: where the body begins. */
    record Done(Head head, int end) implements Progress {}

    record Bad(Reply reply) implements Progress {}
  }

  private static final Progress MORE = new Progress.More();
  private static final Progress BAD = bad(Reply.text(400, "bad request"));
  private static final Progress TOO_LONG = bad(Reply.text(431, "head too large"));
  private static final Progress TARGET_TOO_LONG = bad(Reply.text(414, "target too long"));
  private static final Progress NO_LENGTH = bad(Reply.text(411, "length required"));

  private final Head.Peer peer;
  private final List<String> authorizations = new ArrayList<>(2);
  private Head.@Nullable Line line;
  private int scanned;
  private int lineStart;
  private int fields;
  private int hosts;
  private long contentLength = -1;
  private boolean chunked;
  private boolean close;
  private boolean returned;

  HeadReader(Head.Peer peer) {
    this.peer = peer;
  }

  private static Progress bad(Reply reply) {
    return new Progress.Bad(reply);
  }

  /**
   * @param bytes everything of this request that has come, from its first byte
   */
  Progress next(byte[] bytes, int length) {
    int end = Math.min(length, MAX_HEAD);
    while (scanned < end) {
      byte b = bytes[scanned++];
      if (returned != (b == '\n')) {
        return BAD; // a return without a line's end, or the other way round
      }
      returned = b == '\r';
      if (b == '\n') {
        var progress = line(bytes, lineStart, scanned - 2);
        lineStart = scanned;
        if (progress.isPresent()) {
          return progress.get();
        }
      } else if (b < 0x20 && b >= 0 && b != '\t' && !returned || b == 0x7f) {
        return BAD;
      } else if (line == null && scanned > MAX_LINE) {
        return TARGET_TOO_LONG;
      }
    }
    return end < length || length == MAX_HEAD ? TOO_LONG : MORE;
  }

  private Optional<Progress> line(byte[] bytes, int from, int to) {
    var first = line;
    if (first == null) {
      return Optional.of(first(new String(bytes, from, to - from, StandardCharsets.ISO_8859_1)));
    }
    if (from == to) {
      return Optional.of(done(first));
    }
    if (++fields > MAX_FIELDS) {
      return Optional.of(TOO_LONG);
    }
    return field(bytes, from, to) ? Optional.empty() : Optional.of(BAD);
  }

  private Progress first(String text) {
    int one = text.indexOf(' ');
    int two = text.indexOf(' ', one + 1);
    if (one < 1 || one > 16 || two < 0 || two + 9 != text.length()) {
      return BAD;
    }
    var method = text.substring(0, one);
    var target = text.substring(one + 1, two);
    char minor = text.charAt(text.length() - 1);
    boolean good =
        text.startsWith("HTTP/1.", two + 1)
            && (minor == '0' || minor == '1')
            && target.startsWith("/")
            && method.chars().allMatch(c -> c >= 'A' && c <= 'Z')
            && target.chars().allMatch(c -> c > 0x20 && c < 0x7f);
    if (!good) {
      return BAD;
    }
    var read = new Head.Line(method, target, minor - '0');
    line = read;
    return new Progress.First(read);
  }

  /** False when it is none, or one that we must not misunderstand and would. */
  private boolean field(byte[] bytes, int from, int to) {
    int colon = from;
    while (colon < to && bytes[colon] >= 0 && IN_NAME[bytes[colon]]) {
      colon++;
    }
    if (colon == from || colon == to || bytes[colon] != ':') {
      return false;
    }
    switch (colon - from) {
      case 4, 6, 7, 10, 13, 14, 17 -> {
        var name = new String(bytes, from, colon - from, StandardCharsets.US_ASCII);
        var value = new String(bytes, colon + 1, to - colon - 1, StandardCharsets.ISO_8859_1);
        return field(name.toLowerCase(Locale.ROOT), value.strip());
      }
      default -> {
        return true; // of another length than any that matters here
      }
    }
  }

  private boolean field(String name, String value) {
    switch (name) {
      case "host" -> hosts++;
      case "connection" -> close |= value.toLowerCase(Locale.ROOT).contains("close");
      case "authorization" -> {
        if (authorizations.size() < 2) {
          authorizations.add(value);
        }
      }
      case "transfer-encoding" -> chunked = true;
      case "content-length" -> {
        boolean number = !value.isEmpty() && value.chars().allMatch(c -> c >= '0' && c <= '9');
        if (!number || contentLength >= 0) {
          return false;
        }
        contentLength = value.length() > MAX_DIGITS ? Long.MAX_VALUE : Long.parseLong(value);
      }
      case "upgrade", "expect" -> {
        return false; // neither is offered, and ignoring them leaves the client waiting
      }
      default -> {}
    }
    return true;
  }

  private Progress done(Head.Line first) {
    if (hosts > 1 || hosts == 0 && first.minor() == 1 || chunked && contentLength >= 0) {
      return BAD;
    }
    if (chunked) {
      return NO_LENGTH;
    }
    boolean ends = close || first.minor() == 0;
    var length = Math.max(contentLength, 0);
    return new Progress.Done(
        new Head(first, length, List.copyOf(authorizations), ends, peer), scanned);
  }
}
