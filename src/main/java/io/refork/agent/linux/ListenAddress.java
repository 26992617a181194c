package io.refork.agent.linux;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.regex.Pattern;

/**
 * One {@code --listen [NAME=]HOST:PORT | [NAME=]unix:PATH}, checked but not opened.
 *
 * @param name lower-case letters, digits and dashes, at most 32; what the application finds in
 *     LISTEN_FDNAMES
 */
public record ListenAddress(String name, Endpoint endpoint) {
  /** Where clients connect. */
  public sealed interface Endpoint {
    /** A TCP port; {@code host} without brackets; {@code port} 0 lets the kernel choose. */
    record Tcp(String host, int port) implements Endpoint {
      @Override
      public String toString() {
        return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
      }
    }

    /** A Unix socket. */
    record Unix(String path) implements Endpoint {
      @Override
      public String toString() {
        return "unix:" + path;
      }
    }
  }

  private static final Pattern NAME = Pattern.compile("[a-z0-9-]{1,32}");
  private static final Pattern HOST = Pattern.compile("[A-Za-z0-9._-]{1,253}");
  private static final Pattern IPV6 = Pattern.compile("[0-9A-Fa-f:.]{2,45}");
  private static final String UNIX = "unix:";

  /** What a listener is called that nobody named: the first {@code http}, then {@code http-2}, … */
  private static String defaultName(int index) {
    return index == 0 ? "http" : "http-" + (index + 1);
  }

  /**
   * Parses all listeners of an agent.
   *
   * @throws IllegalArgumentException with a sentence for the user
   */
  public static List<ListenAddress> parse(List<String> texts) {
    if (texts.isEmpty() || texts.size() > Spawner.MOST_LISTENERS) {
      throw new IllegalArgumentException(
          "there are %d listeners; 1 to %d are allowed"
              .formatted(texts.size(), Spawner.MOST_LISTENERS));
    }
    var addresses = new ArrayList<ListenAddress>();
    var names = new HashSet<String>();
    var endpoints = new HashSet<Endpoint>();
    for (var text : texts) {
      var address = parse(text, defaultName(addresses.size()));
      if (!names.add(address.name())) {
        throw wrong(
            text, "two listeners have the name '" + address.name() + "'; give each its own");
      }
      if (!endpoints.add(address.endpoint()) && !isAnyPort(address.endpoint())) {
        throw wrong(text, "the same address is given twice");
      }
      addresses.add(address);
    }
    return List.copyOf(addresses);
  }

  private static boolean isAnyPort(Endpoint endpoint) {
    return endpoint instanceof Endpoint.Tcp tcp && tcp.port() == 0;
  }

  private static ListenAddress parse(String text, String defaultName) {
    // A path may hold '=': only one before the address is the name's.
    var equals = text.startsWith(UNIX) || text.startsWith("[") ? -1 : text.indexOf('=');
    var name = equals < 0 ? defaultName : text.substring(0, equals);
    if (!NAME.matcher(name).matches()) {
      throw wrong(text, "a name has 1 to 32 lower-case letters, digits and dashes");
    }
    var address = text.substring(equals + 1);
    return new ListenAddress(
        name, address.startsWith(UNIX) ? unix(text, address) : tcp(text, address));
  }

  private static Endpoint unix(String text, String address) {
    var path = address.substring(UNIX.length());
    if (path.isEmpty() || path.indexOf('\0') >= 0) {
      throw wrong(text, "after unix: comes the path of the socket, as in unix:/run/app/http.sock");
    }
    return new Endpoint.Unix(path);
  }

  private static Endpoint tcp(String text, String address) {
    var colon = address.lastIndexOf(':');
    if (colon < 0) {
      throw wrong(text, "write [NAME=]HOST:PORT or [NAME=]unix:PATH, as in 0.0.0.0:8000");
    }
    var host = address.substring(0, colon);
    if (host.startsWith("[") && host.endsWith("]")) {
      host = host.substring(1, host.length() - 1);
      if (!IPV6.matcher(host).matches() || host.indexOf(':') < 0) {
        throw wrong(text, "in brackets stands an IPv6 address, as in [::]:8000");
      }
    } else if (host.indexOf(':') >= 0) {
      throw wrong(text, "an IPv6 address stands in brackets, as in [::1]:8000");
    } else if (!HOST.matcher(host).matches()) {
      throw wrong(text, "before the port stands a host; 0.0.0.0 means every IPv4 address");
    }
    return new Endpoint.Tcp(host, port(text, address.substring(colon + 1)));
  }

  private static int port(String text, String digits) {
    if (digits.isEmpty()
        || digits.length() > 5
        || !digits.chars().allMatch(c -> c >= '0' && c <= '9')) {
      throw wrong(text, "a port is a number from 1 to 65535, or 0 for any free one");
    }
    var port = Integer.parseInt(digits);
    if (port > 65_535) {
      throw wrong(text, "a port is a number from 1 to 65535, or 0 for any free one");
    }
    return port;
  }

  private static IllegalArgumentException wrong(String text, String why) {
    return new IllegalArgumentException("listener '" + Printable.of(text, 120) + "': " + why);
  }

  /** As the user would write it. */
  @Override
  public String toString() {
    return name + "=" + endpoint;
  }
}
