package io.refork.agent.log;

import io.refork.agent.log.Log.Format;
import io.refork.agent.log.Log.Level;
import io.refork.protocol.Escape;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.LocalDate;
import java.util.Optional;

/**
 * One line before it is rendered.
 *
 * @param fields names and values by turns
 */
record LogLine(long millis, Level level, String what, Object[] fields) {
  /**
   * PIPE_BUF: a pipe takes that much whole or not at all, so lines of several writers do not mix.
   */
  static final int MAX_BYTES = 4096;

  /** A queued line keeps no more of a text; what is shown is {@link Escape#MAX}. */
  private static final int KEPT = Escape.MAX + 1;

  /** Values that do not need quotes in a text line. */
  private static final String PLAIN = "_./:@%+,-";

  /** The fields as they may be queued: immutable, and of bounded size. */
  static Object[] bounded(Object[] fields) {
    var copy = new Object[fields.length];
    for (int i = 0; i < fields.length; i++) {
      var field = fields[i];
      if (field instanceof Optional<?> optional && optional.isPresent()) {
        field = optional.get();
      }
      copy[i] =
          switch (field) {
            case Number n -> n;
            case Boolean b -> b;
            case Duration d -> d;
            case Optional<?> empty -> empty;
            case Throwable t -> cut(t + where(t));
            case null, default -> cut(String.valueOf(field));
          };
    }
    return copy;
  }

  private static String cut(String text) {
    return text.length() > KEPT ? text.substring(0, KEPT) : text;
  }

  /** The place a maintainer looks at first. */
  private static String where(Throwable problem) {
    var trace = problem.getStackTrace();
    return trace.length == 0 ? "" : " at " + trace[0];
  }

  /**
   * The line with its end, at most {@link #MAX_BYTES}; the last fields are left out when they do
   * not fit.
   */
  byte[] bytes(Format format) {
    for (int shown = fields.length / 2; ; shown--) {
      var bytes = render(format, shown).getBytes(StandardCharsets.UTF_8);
      if (bytes.length <= MAX_BYTES || shown == 0) {
        return bytes;
      }
    }
  }

  private String render(Format format, int shown) {
    var out = new StringBuilder(160);
    switch (format) {
      case TEXT -> text(out, shown);
      case JSON -> json(out, shown);
    }
    return out.append('\n').toString();
  }

  private void text(StringBuilder out, int shown) {
    appendTime(out, millis);
    out.append(
        switch (level) {
          case INFO -> " refork info  ";
          case WARN -> " refork warn  ";
          case ERROR -> " refork error ";
        });
    Escape.append(out, what, Escape.MAX, false);
    for (int i = 0; i < shown; i++) {
      var value = fields[2 * i + 1];
      if (value instanceof Optional) {
        continue;
      }
      out.append(' ').append(fields[2 * i]).append('=');
      switch (value) {
        case Duration d -> appendSeconds(out, d).append('s');
        case String s -> {
          if (isPlain(s)) {
            out.append(s);
          } else {
            out.append(Escape.quoted(s));
          }
        }
        default -> out.append(value);
      }
    }
  }

  private void json(StringBuilder out, int shown) {
    out.append("{\"time\":\"");
    appendTime(out, millis);
    out.append("\",\"level\":\"")
        .append(
            switch (level) {
              case INFO -> "info";
              case WARN -> "warn";
              case ERROR -> "error";
            })
        .append("\",\"logger\":\"refork\",\"message\":")
        .append(Escape.quoted(what));
    for (int i = 0; i < shown; i++) {
      var value = fields[2 * i + 1];
      if (value instanceof Optional) {
        continue;
      }
      out.append(",\"").append(fields[2 * i]).append("\":");
      switch (value) {
        case Duration d -> appendSeconds(out, d);
        case Double d when !Double.isFinite(d) -> out.append("null");
        case String s -> out.append(Escape.quoted(s));
        default -> out.append(value);
      }
    }
    out.append('}');
  }

  private static boolean isPlain(String text) {
    if (text.isEmpty() || text.length() > Escape.MAX) {
      return false;
    }
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean letter = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9';
      if (!letter && PLAIN.indexOf(c) < 0) {
        return false;
      }
    }
    return true;
  }

  private static StringBuilder appendSeconds(StringBuilder out, Duration time) {
    long millis = Math.abs(time.toMillis());
    out.append(time.isNegative() ? "-" : "").append(millis / 1000).append('.');
    return padded(out, (int) (millis % 1000), 3);
  }

  /** 2026-11-21T13:41:12.123Z, by hand: a DateTimeFormatter is half a megabyte of classes. */
  static void appendTime(StringBuilder out, long millis) {
    long days = Math.floorDiv(millis, 86_400_000L);
    int rest = (int) Math.floorMod(millis, 86_400_000L);
    var date = LocalDate.ofEpochDay(days);
    padded(out, date.getYear(), 4).append('-');
    padded(out, date.getMonthValue(), 2).append('-');
    padded(out, date.getDayOfMonth(), 2).append('T');
    padded(out, rest / 3_600_000, 2).append(':');
    padded(out, rest / 60_000 % 60, 2).append(':');
    padded(out, rest / 1000 % 60, 2).append('.');
    padded(out, rest % 1000, 3).append('Z');
  }

  private static StringBuilder padded(StringBuilder out, int value, int digits) {
    for (int limit = digits == 2 ? 10 : digits == 3 ? 100 : 1000;
        limit > 1 && value < limit;
        limit /= 10) {
      out.append('0');
    }
    return out.append(value);
  }
}
