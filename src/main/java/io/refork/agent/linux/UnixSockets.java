package io.refork.agent.linux;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Map;

/**
 * Socket files: one that a dead process left behind is removed, one that somebody listens on never
 * is.
 */
final class UnixSockets {
  private static final int S_IFMT = 0170000;
  private static final int S_IFSOCK = 0140000;

  private UnixSockets() {}

  static void removeStale(Native os, String path, ByteBuffer address) throws KernelException {
    var file = Path.of(path);
    if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    if (!isSocket(file)) {
      throw new KernelException(
          Errno.EADDRINUSE,
          "cannot listen on "
              + path
              + ": it exists and is not a socket; remove it or choose another");
    }
    if (connects(os, address)) {
      throw new KernelException(
          Errno.EADDRINUSE, "cannot listen on " + path + ": another process listens on it");
    }
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw new KernelException(
          Errno.EACCES,
          "cannot remove the socket " + path + " that nobody listens on: " + e.getMessage());
    }
  }

  /** Removes our own socket file at the end; whatever else stands there is left alone. */
  static void remove(String path) {
    var file = Path.of(path);
    try {
      if (isSocket(file)) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      // The next start finds that nobody listens on it and removes it then.
    }
  }

  private static boolean isSocket(Path file) {
    try {
      Map<String, Object> attributes =
          Files.readAttributes(file, "unix:mode", LinkOption.NOFOLLOW_LINKS);
      return attributes.get("mode") instanceof Integer mode && (mode & S_IFMT) == S_IFSOCK;
    } catch (IOException | UnsupportedOperationException e) {
      return false;
    }
  }

  /** A full accept queue (EAGAIN) is a listener, too; only a refusal says that there is none. */
  private static boolean connects(Native os, ByteBuffer address) throws KernelException {
    var fd =
        os.c.socket(
            Sockets.AF_UNIX, Sockets.SOCK_STREAM | Sockets.SOCK_NONBLOCK | Sockets.SOCK_CLOEXEC, 0);
    if (fd < 0) {
      throw os.failure(os.errno(), "cannot open a socket");
    }
    var result = os.c.connect(fd, address, address.capacity());
    var errno = os.errno();
    os.c.close(fd);
    return result == 0 || errno != Errno.ECONNREFUSED;
  }
}
