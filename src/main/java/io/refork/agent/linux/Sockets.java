package io.refork.agent.linux;

import io.refork.agent.linux.Kernel.Accepted;
import io.refork.agent.linux.Kernel.Peer;
import io.refork.agent.linux.Kernel.Read;
import java.nio.ByteBuffer;
import java.util.Optional;

/** Stream sockets by their raw descriptors: non-blocking, close-on-exec, with the peer's pid. */
final class Sockets {
  static final int AF_UNIX = 1;
  static final int SOCK_STREAM = 1;
  static final int SOCK_NONBLOCK = 04000;
  static final int SOCK_CLOEXEC = 02000000;
  static final int SOL_SOCKET = 1;

  /** sun_path has 108 bytes, one of them for the end. */
  private static final int LONGEST_PATH = 107;

  private static final int SO_PEERCRED = 17;
  private static final int UCRED = 12;
  private static final int MSG_DONTWAIT = 0x40;
  private static final int MSG_NOSIGNAL = 0x4000;
  private static final int CHUNK = 65_536;

  private final Native os;
  private final ByteBuffer input = Native.allocate(CHUNK);
  private final ByteBuffer output = Native.allocate(CHUNK);
  private final ByteBuffer credentials = Native.allocate(UCRED);
  private final ByteBuffer length = Native.allocate(Integer.BYTES);

  /** Given up for a moment when descriptors run out: see {@link #turnAway}. */
  private int spare;

  Sockets(Native os) {
    this.os = os;
    spare = openSpare();
  }

  /**
   * Binds and listens with mode 0600. A file without a listener is removed first; one with a
   * listener is an error.
   */
  int listenUnix(String path, int backlog) throws KernelException {
    var address = unixAddress(path);
    var fd = os.c.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
      throw os.failure(os.errno(), "cannot open a socket for " + path);
    }
    try {
      UnixSockets.removeStale(os, path, address);
      // Before bind: the file is created with the socket's mode, so there is no moment at which
      // others may connect.
      os.c.fchmod(fd, 0600);
      if (os.c.bind(fd, address, address.capacity()) < 0) {
        throw os.failure(os.errno(), "cannot bind the socket " + path);
      }
      if (os.c.listen(fd, backlog) < 0) {
        throw os.failure(os.errno(), "cannot listen on the socket " + path);
      }
      return fd;
    } catch (KernelException e) {
      os.c.close(fd);
      throw e;
    }
  }

  static ByteBuffer unixAddress(String path) throws KernelException {
    var bytes = OsText.encode(path);
    if (bytes.length > LONGEST_PATH) {
      throw new KernelException(
          Errno.ENAMETOOLONG,
          "the socket path %s has %d bytes, the kernel allows %d: choose a shorter directory"
              .formatted(path, bytes.length, LONGEST_PATH));
    }
    var address = Native.allocate(2 + bytes.length + 1);
    address.putShort(0, (short) AF_UNIX);
    address.put(2, bytes);
    return address;
  }

  Optional<Accepted> accept(int listener) {
    var fd = os.c.accept4(listener, null, null, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      var errno = os.errno();
      if (errno == Errno.EMFILE || errno == Errno.ENFILE) {
        turnAway(listener);
      }
      return Optional.empty();
    }
    length.putInt(0, UCRED);
    if (os.c.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, credentials, length) < 0) {
      os.c.close(fd);
      return Optional.empty();
    }
    return Optional.of(new Accepted(fd, new Peer(credentials.getInt(0), credentials.getInt(4))));
  }

  /**
   * Out of descriptors: without this the connection stays in the queue and poll returns at once for
   * ever.
   */
  private void turnAway(int listener) {
    if (spare >= 0) {
      os.c.close(spare);
    }
    var fd = os.c.accept4(listener, null, null, SOCK_CLOEXEC);
    if (fd >= 0) {
      os.c.close(fd);
    }
    spare = openSpare();
  }

  private int openSpare() {
    return os.c.open("/dev/null", Descriptors.O_RDONLY | Descriptors.O_CLOEXEC, 0);
  }

  Read read(int fd) {
    while (true) {
      var count = os.c.read(fd, input, CHUNK);
      if (count > 0) {
        var bytes = new byte[(int) count];
        input.get(0, bytes);
        return new Read.Data(bytes);
      }
      if (count == 0) {
        return new Read.Closed();
      }
      var errno = os.errno();
      if (errno != Errno.EINTR) {
        return errno == Errno.EAGAIN ? new Read.Nothing() : new Read.Closed();
      }
    }
  }

  int write(int fd, byte[] bytes, int offset, int length) {
    var size = Math.min(length, CHUNK);
    if (size == 0) {
      return 0;
    }
    output.put(0, bytes, offset, size);
    while (true) {
      // MSG_DONTWAIT: another holder of this connection may have set it to blocking.
      var count = os.c.send(fd, output, size, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count >= 0) {
        return (int) count;
      }
      var errno = os.errno();
      if (errno != Errno.EINTR) {
        return errno == Errno.EAGAIN ? 0 : -1;
      }
    }
  }
}
