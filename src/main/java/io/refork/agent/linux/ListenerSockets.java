package io.refork.agent.linux;

import io.refork.agent.linux.ListenAddress.Endpoint;
import io.refork.agent.linux.Listeners.Listener;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** Opens one listening socket, and turns what the kernel says into a sentence. */
final class ListenerSockets {
  private static final int AF_INET = 2;
  private static final int AF_INET6 = 10;
  private static final int SO_REUSEADDR = 2;
  private static final int IPPROTO_IPV6 = 41;
  private static final int IPV6_V6ONLY = 26;
  private static final int SOCKADDR_IN = 16;
  private static final int SOCKADDR_IN6 = 28;

  /**
   * As gunicorn and others leave theirs: who may connect is decided by the directory. A proxy is
   * often another user.
   */
  private static final int UNIX_MODE = 0666;

  private final Native os;
  private final List<ListenAddress> all;

  /**
   * {@code all}: every listener of the agent, because IPv6 must make room for an IPv4 one of the
   * same port.
   */
  ListenerSockets(Native os, List<ListenAddress> all) {
    this.os = os;
    this.all = all;
  }

  Listener open(ListenAddress address, int backlog) throws KernelException {
    return switch (address.endpoint()) {
      case Endpoint.Tcp tcp -> openTcp(address.name(), tcp, backlog);
      case Endpoint.Unix unix -> openUnix(address.name(), unix, backlog);
    };
  }

  private Listener openTcp(String name, Endpoint.Tcp tcp, int backlog) throws KernelException {
    var resolved = resolve(tcp);
    var six = resolved instanceof Inet6Address;
    var fd = socket(six ? AF_INET6 : AF_INET, tcp);
    try {
      set(fd, Sockets.SOL_SOCKET, SO_REUSEADDR, 1);
      if (six) {
        set(fd, IPPROTO_IPV6, IPV6_V6ONLY, sharesPortWithIpv4(tcp) ? 1 : 0);
      }
      var sockaddr = sockaddr(resolved, tcp.port());
      if (os.c.bind(fd, sockaddr, sockaddr.capacity()) < 0 || os.c.listen(fd, backlog) < 0) {
        throw refused(os.errno(), tcp);
      }
      var port = boundPort(fd, sockaddr);
      return new Listener(name, Descriptors.park(os, fd), new Endpoint.Tcp(tcp.host(), port));
    } finally {
      os.c.close(fd);
    }
  }

  private Listener openUnix(String name, Endpoint.Unix unix, int backlog) throws KernelException {
    var address = Sockets.unixAddress(unix.path());
    var fd = socket(Sockets.AF_UNIX, unix);
    try {
      UnixSockets.removeStale(os, unix.path(), address);
      if (os.c.bind(fd, address, address.capacity()) < 0) {
        throw os.failure(os.errno(), "cannot listen on " + unix);
      }
      os.c.chmod(unix.path(), UNIX_MODE); // bind has taken the umask off
      if (os.c.listen(fd, backlog) < 0) {
        throw os.failure(os.errno(), "cannot listen on " + unix);
      }
      return new Listener(name, Descriptors.park(os, fd), unix);
    } finally {
      os.c.close(fd);
    }
  }

  /** Blocking, as servers expect an inherited listener; one that wants otherwise says so itself. */
  private int socket(int family, Endpoint endpoint) throws KernelException {
    var fd = os.c.socket(family, Sockets.SOCK_STREAM | Sockets.SOCK_CLOEXEC, 0);
    if (fd < 0) {
      throw refused(os.errno(), endpoint);
    }
    return fd;
  }

  private static InetAddress resolve(Endpoint.Tcp tcp) throws KernelException {
    try {
      return InetAddress.getByName(tcp.host());
    } catch (UnknownHostException e) {
      throw new KernelException(
          Errno.EADDRNOTAVAIL,
          "cannot listen on " + tcp + ": no address is known for the host '" + tcp.host() + "'");
    }
  }

  /**
   * [::] alone serves both families; beside 0.0.0.0 of the same port it would find the port in use
   * by ourselves.
   */
  private boolean sharesPortWithIpv4(Endpoint.Tcp tcp) {
    return all.stream()
        .anyMatch(
            other ->
                other.endpoint() instanceof Endpoint.Tcp four
                    && four.port() == tcp.port()
                    && four.host().indexOf(':') < 0);
  }

  private static ByteBuffer sockaddr(InetAddress address, int port) {
    var four = address instanceof Inet4Address;
    var sockaddr = Native.allocate(four ? SOCKADDR_IN : SOCKADDR_IN6);
    sockaddr.putShort(0, (short) (four ? AF_INET : AF_INET6));
    sockaddr.order(ByteOrder.BIG_ENDIAN).putShort(2, (short) port);
    sockaddr.put(four ? 4 : 8, address.getAddress());
    return sockaddr;
  }

  private int boundPort(int fd, ByteBuffer sockaddr) {
    var size = Native.allocate(Integer.BYTES).putInt(0, sockaddr.capacity());
    os.c.getsockname(fd, sockaddr, size);
    return sockaddr.getShort(2) & 0xffff; // big-endian, as sockaddr() left it
  }

  private void set(int fd, int level, int option, int value) throws KernelException {
    var buffer = Native.allocate(Integer.BYTES).putInt(0, value);
    if (os.c.setsockopt(fd, level, option, buffer, Integer.BYTES) < 0) {
      throw os.failure(os.errno(), "cannot set option " + option + " of a listening socket");
    }
  }

  private KernelException refused(int errno, Endpoint endpoint) {
    var where = "cannot listen on " + endpoint + ": ";
    var port = endpoint instanceof Endpoint.Tcp tcp ? tcp.port() : 0;
    return new KernelException(
        errno,
        where
            + switch (errno) {
              case Errno.EADDRINUSE ->
                  "port %d is in use%s; stop that, or choose another port"
                      .formatted(port, PortHolder.of(port).map(h -> " by " + h).orElse(""));
              case Errno.EADDRNOTAVAIL ->
                  "this machine has no such address; 0.0.0.0 means all it has";
              case Errno.EACCES, Errno.EPERM ->
                  "port %d needs a capability that this user lacks; choose one above 1023"
                      .formatted(port);
              case Errno.EAFNOSUPPORT -> "this machine has no IPv6; write 0.0.0.0:" + port;
              default -> os.explain(errno);
            });
  }
}
