package io.refork.agent.config;

import io.refork.agent.linux.ListenAddress;
import io.refork.agent.linux.ListenAddress.Endpoint;
import io.refork.agent.pool.PoolSettings.Recycle;
import io.refork.agent.pool.PoolSettings.Unavailable;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * Texts to values. Written by hand: a regular expression costs milliseconds at the start of an
 * interpreted JVM.
 */
final class Parsers {
  /** A path of a Unix socket must fit {@code sockaddr_un}: 108 bytes with the final zero. */
  private static final int MAX_SOCKET_PATH = 107;

  private Parsers() {}

  /** When to refork: see {@code --refork-after}. */
  record Thresholds(List<Long> after, boolean repeatLast) {}

  static Function<String, Optional<Integer>> whole(int least, int most) {
    return text -> number(text, most).filter(n -> n >= least).map(Long::intValue);
  }

  /** Digits only, at most {@code most}; no sign, no blank, no overflow. */
  static Optional<Long> number(String text, long most) {
    if (text.isEmpty() || text.length() > 18) {
      return Optional.empty();
    }
    long n = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c < '0' || c > '9') {
        return Optional.empty();
      }
      n = n * 10 + (c - '0');
    }
    return n <= most ? Optional.of(n) : Optional.empty();
  }

  static Function<String, Optional<Duration>> duration(
      Duration least, Duration most, boolean zero) {
    return text -> {
      var value = duration(text);
      return value.filter(
          d ->
              d.isZero()
                  ? zero || least.isZero()
                  : d.compareTo(least) >= 0 && d.compareTo(most) <= 0);
    };
  }

  /**
   * {@code 0}, or numbers with units, the largest first: {@code 500ms}, {@code 10s}, {@code 1m30s},
   * {@code 2h}.
   */
  static Optional<Duration> duration(String text) {
    if (text.equals("0")) {
      return Optional.of(Duration.ZERO);
    }
    long millis = 0;
    long last = Long.MAX_VALUE;
    int i = 0;
    while (i < text.length()) {
      int start = i;
      while (i < text.length()
          && Character.digit(text.charAt(i), 10) >= 0
          && text.charAt(i) < 128) {
        i++;
      }
      // A million days is far beyond every bound, and its milliseconds cannot overflow.
      var amount = number(text.substring(start, i), 1_000_000);
      int unitStart = i;
      while (i < text.length() && text.charAt(i) >= 'a' && text.charAt(i) <= 'z') {
        i++;
      }
      long unit =
          switch (text.substring(unitStart, i)) {
            case "ms" -> 1;
            case "s" -> 1_000;
            case "m" -> 60_000;
            case "h" -> 3_600_000;
            case "d" -> 86_400_000;
            default -> 0;
          };
      if (amount.isEmpty() || unit == 0 || unit >= last) {
        return Optional.empty();
      }
      last = unit;
      millis += amount.get() * unit;
    }
    return text.isEmpty() ? Optional.empty() : Optional.of(Duration.ofMillis(millis));
  }

  static Optional<Thresholds> thresholds(String text) {
    if (text.equals("off")) {
      return Optional.of(new Thresholds(List.of(), false));
    }
    var after = new ArrayList<Long>();
    var parts = text.split(",", -1);
    for (int i = 0; i < parts.length; i++) {
      var part = parts[i].strip();
      if (part.equals("...") && i > 0 && i == parts.length - 1) {
        return Optional.of(new Thresholds(after, true));
      }
      var n = number(part, 1_000_000_000L).filter(v -> v > 0);
      if (n.isEmpty() || after.size() == 64) {
        return Optional.empty();
      }
      after.add(n.get());
    }
    return Optional.of(new Thresholds(after, false));
  }

  static Optional<Unavailable> unavailable(String text) {
    if (text.endsWith("%")) {
      return number(text.substring(0, text.length() - 1), 100)
          .map(n -> new Unavailable.Percent(n.intValue()));
    }
    return number(text, 512).map(n -> new Unavailable.Count(n.intValue()));
  }

  /** {@code off}, {@code 1000}, {@code 1000+-100}; the jitter is smaller than the number. */
  static Optional<Recycle> recycle(String text) {
    if (text.equals("off")) {
      return Optional.of(new Recycle(0, 0));
    }
    int at = text.indexOf("+-");
    var requests = number(at < 0 ? text : text.substring(0, at), 1_000_000_000L);
    var jitter = at < 0 ? Optional.of(0L) : number(text.substring(at + 2), 1_000_000_000L);
    if (requests.isEmpty() || jitter.isEmpty()) {
      return Optional.empty();
    }
    if (requests.get() == 0) {
      return jitter.get() == 0 ? Optional.of(new Recycle(0, 0)) : Optional.empty();
    }
    return jitter.get() < requests.get()
        ? Optional.of(new Recycle(requests.get(), jitter.get()))
        : Optional.empty();
  }

  static Optional<HostPort> hostPort(String text) {
    int colon = text.lastIndexOf(':');
    if (colon < 0) {
      return Optional.empty();
    }
    var host = text.substring(0, colon);
    if (host.startsWith("[") && host.endsWith("]")) {
      host = host.substring(1, host.length() - 1);
    } else if (host.indexOf(':') >= 0) {
      return Optional.empty(); // an IPv6 address without brackets: the port would be a guess
    }
    var port = number(text.substring(colon + 1), 65_535);
    if (port.isEmpty() || host.isEmpty() || host.length() > 253) {
      return Optional.empty();
    }
    for (int i = 0; i < host.length(); i++) {
      char c = host.charAt(i);
      boolean plain = c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z';
      if (!plain && ".-_:%".indexOf(c) < 0) {
        return Optional.empty();
      }
    }
    return Optional.of(new HostPort(host, port.get().intValue()));
  }

  /** One socket; its name is empty when none is given. */
  static Optional<ListenAddress> listen(String text) {
    int equals = text.indexOf('=');
    var name = "";
    var address = text;
    // unix:/a=b has no name: a name holds no colon.
    if (equals >= 0 && text.substring(0, equals).indexOf(':') < 0) {
      name = text.substring(0, equals);
      address = text.substring(equals + 1);
      if (!isName(name)) {
        return Optional.empty();
      }
    }
    var finalName = name;
    return endpoint(address).map(endpoint -> new ListenAddress(finalName, endpoint));
  }

  private static Optional<Endpoint> endpoint(String address) {
    if (!address.startsWith("unix:")) {
      return hostPort(address).map(at -> new Endpoint.Tcp(at.host(), at.port()));
    }
    var path = address.substring("unix:".length());
    boolean fits = path.getBytes(StandardCharsets.UTF_8).length <= MAX_SOCKET_PATH;
    return path.startsWith("/") && fits && isPrintable(path)
        ? Optional.of(new Endpoint.Unix(path))
        : Optional.empty();
  }

  /**
   * A listener's name goes into LISTEN_FDNAMES and into a metric's label: 1 to 32 of a small
   * alphabet.
   */
  private static boolean isName(String name) {
    if (name.isEmpty() || name.length() > 32) {
      return false;
    }
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      boolean letter = c >= 'a' && c <= 'z';
      if (!letter && !(i > 0 && (c >= '0' && c <= '9' || c == '-'))) {
        return false;
      }
    }
    return true;
  }

  static boolean isPrintable(String text) {
    return !text.isEmpty() && text.codePoints().noneMatch(Character::isISOControl);
  }

  /** A thread's name as the kernel keeps it: 1 to 15 bytes. */
  static Optional<String> threadName(String text) {
    int bytes = text.getBytes(StandardCharsets.UTF_8).length;
    return bytes <= 15 && isPrintable(text) ? Optional.of(text) : Optional.empty();
  }

  /** A file that need not exist yet; absolute. */
  static Optional<Path> path(String text) {
    try {
      return isPrintable(text)
          ? Optional.of(Path.of(text).toAbsolutePath().normalize())
          : Optional.empty();
    } catch (InvalidPathException e) {
      return Optional.empty();
    }
  }

  static Optional<String> uid(String text) {
    boolean allowed = !text.isEmpty() && text.length() <= 64;
    for (int i = 0; i < text.length() && allowed; i++) {
      char c = text.charAt(i);
      allowed = c < 128 && Character.isLetterOrDigit(c) || c == '-';
    }
    return allowed ? Optional.of(text) : Optional.empty();
  }

  static <E extends Enum<E>> Function<String, Optional<E>> word(Class<E> words) {
    return text -> {
      for (var word : words.getEnumConstants()) {
        if (word.name().toLowerCase(java.util.Locale.ROOT).equals(text)) {
          return Optional.of(word);
        }
      }
      return Optional.empty();
    };
  }
}
