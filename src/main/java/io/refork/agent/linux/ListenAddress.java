package io.refork.agent.linux;

/**
 * One listener of the application, not opened yet.
 *
 * @param name what the application finds in LISTEN_FDNAMES: no colon; unique among the agent's
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

  /** As the user would write it. */
  @Override
  public String toString() {
    return name + "=" + endpoint;
  }
}
