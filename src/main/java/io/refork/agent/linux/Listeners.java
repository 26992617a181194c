package io.refork.agent.linux;

import io.refork.agent.linux.ListenAddress.Endpoint;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The application's listening sockets, opened once and kept across all generations, so that no
 * connection is refused while processes come and go. The agent never accepts on them. Called from
 * the event loop's thread.
 */
public final class Listeners implements AutoCloseable {
  private static final int IPPROTO_TCP = 6;
  private static final int TCP_INFO = 11;
  private static final int TCP_INFO_SIZE = 104;

  /**
   * In a listening socket's TCP_INFO these two fields mean the accept queue: its length and its
   * limit.
   */
  private static final int TCPI_UNACKED = 24;

  private static final int TCPI_SACKED = 28;

  /**
   * One open listener.
   *
   * @param fd parked, close-on-exec, blocking as servers expect it
   * @param address as bound: the port is never 0
   */
  public record Listener(String name, int fd, Endpoint address) {}

  /**
   * Connections that wait to be accepted, and how many may (the kernel lowers a backlog to
   * somaxconn).
   */
  public record AcceptQueue(int length, int limit) {}

  private final Native os;
  private final List<Listener> all;
  private final ByteBuffer info = Native.allocate(TCP_INFO_SIZE);
  private final ByteBuffer size = Native.allocate(Integer.BYTES);

  private Listeners(Native os, List<Listener> all) {
    this.os = os;
    this.all = List.copyOf(all);
  }

  /**
   * Opens all of them, or none.
   *
   * @param backlog how many connections may wait in each
   * @throws KernelException in use (names port and, where /proc allows it, the holder), not
   *     permitted, no such address
   */
  public static Listeners open(List<ListenAddress> addresses, int backlog) throws KernelException {
    var os = Native.get();
    var opener = new ListenerSockets(os, addresses);
    var all = new ArrayList<Listener>();
    try {
      for (var address : addresses) {
        all.add(opener.open(address, backlog));
      }
      return new Listeners(os, all);
    } catch (KernelException e) {
      new Listeners(os, all).close();
      throw e;
    }
  }

  /** In the order of the addresses, which is the order in which the application inherits them. */
  public List<Listener> all() {
    return all;
  }

  /** For {@link Kernel#spawn}. */
  public List<Integer> descriptors() {
    return all.stream().map(Listener::fd).toList();
  }

  /** {@code LISTEN_FDNAMES}. */
  public String names() {
    return String.join(":", all.stream().map(Listener::name).toList());
  }

  /** The accept queue; empty for Unix sockets, of which the kernel does not tell it. 0.5 µs. */
  public Optional<AcceptQueue> queue(Listener listener) {
    size.putInt(0, TCP_INFO_SIZE);
    if (listener.address() instanceof Endpoint.Unix
        || os.c.getsockopt(listener.fd(), IPPROTO_TCP, TCP_INFO, info, size) < 0) {
      return Optional.empty();
    }
    return Optional.of(new AcceptQueue(info.getInt(TCPI_UNACKED), info.getInt(TCPI_SACKED)));
  }

  /** Closes them and removes the socket files. */
  @Override
  public void close() {
    for (var listener : all) {
      os.c.close(listener.fd());
      if (listener.address() instanceof Endpoint.Unix unix) {
        UnixSockets.remove(unix.path());
      }
    }
  }
}
