package io.refork.agent.config;

/** A socket that the workers inherit, as the user asked for it. */
public sealed interface Listen {
  /**
   * What LISTEN_FDNAMES and the metrics call it; {@code http}, {@code http2}, … when the user gave
   * none.
   */
  String name();

  /** The same socket under a name. */
  Listen named(String name);

  /** What follows the name in {@code --listen}. */
  String address();

  /** {@code HOST:PORT}. */
  record Tcp(String name, HostPort at) implements Listen {
    @Override
    public Tcp named(String name) {
      return new Tcp(name, at);
    }

    @Override
    public String address() {
      return at.toString();
    }
  }

  /** {@code unix:PATH}; the path is absolute and at most 107 bytes. */
  record UnixPath(String name, String path) implements Listen {
    @Override
    public UnixPath named(String name) {
      return new UnixPath(name, path);
    }

    @Override
    public String address() {
      return "unix:" + path;
    }
  }
}
