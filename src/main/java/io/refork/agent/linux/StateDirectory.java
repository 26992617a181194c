package io.refork.agent.linux;

import io.refork.protocol.Escape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The directory that one agent owns while it lives: its sockets, its scoreboard when that is on
 * tmpfs, and later what survives a restart. Ownership is a lock that the kernel drops when the
 * holder dies, never a pid: in containers the old agent and the new one both are pid 1.
 */
public final class StateDirectory implements AutoCloseable {
  private static final String LOCK = "lock";

  /**
   * Of the directory that we may not make private ourselves, such as a volume's root, this part is
   * ours.
   */
  private static final String OWN = "refork";

  private final Path path;
  private final FileChannel channel;
  private final FileLock lock;
  private final boolean takenOver;

  private StateDirectory(Path path, FileChannel channel, FileLock lock, boolean takenOver) {
    this.path = path;
    this.channel = channel;
    this.lock = lock;
    this.takenOver = takenOver;
  }

  /**
   * Creates the directory (mode 0700) if need be and locks it for the rest of this process's life.
   *
   * @throws KernelException not writable, full, another user's, or locked by a living agent; with a
   *     sentence
   */
  public static StateDirectory open(Path directory) throws KernelException {
    var given = directory.toAbsolutePath().normalize();
    var advice = "choose another directory by --state-dir";
    try {
      create(given);
      var path = locate(given);
      create(path);
      checkOwner(path);
      return lock(path);
    } catch (IOException e) {
      throw FileProblems.explain(e, "cannot use the state directory " + given, advice);
    }
  }

  /**
   * Where the agent of a {@code --state-dir} really keeps its files: the directory itself when it
   * is this user's alone, else {@code refork} in it, because a volume's root cannot be made private
   * and the user's own directory must not be. {@code refork status} asks here, too.
   */
  public static Path locate(Path directory) {
    var path = directory.toAbsolutePath().normalize();
    try {
      return !Files.exists(path) || isPrivate(path) ? path : path.resolve(OWN);
    } catch (IOException e) {
      return path;
    }
  }

  private static boolean isPrivate(Path path) throws IOException {
    var forOthers = 077;
    var mode = (Integer) Files.getAttribute(path, "unix:mode");
    return owner(path) == uid() && (mode & forOthers) == 0;
  }

  private static void create(Path path) throws IOException {
    if (Files.isDirectory(path)) {
      return;
    }
    if (path.getParent() != null) {
      Files.createDirectories(path.getParent());
    }
    try {
      Files.createDirectory(
          path, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    } catch (FileAlreadyExistsException e) {
      throw new IOException("Not a directory", e);
    }
  }

  /**
   * /tmp/refork-1000 can be guessed: whoever made it first, or put a link there, could replace our
   * sockets.
   */
  private static void checkOwner(Path path) throws IOException {
    if (Files.isSymbolicLink(path)) {
      throw new IOException("it is a symbolic link");
    }
    var owner = owner(path);
    if (owner != uid()) {
      throw new IOException("it belongs to the user " + owner);
    }
  }

  /**
   * Not asked of the C library: {@code refork status} comes by here and needs nothing else of it.
   */
  private static long uid() {
    var status = new ProcFs("/proc").bytes("self/status").orElse(new byte[0]);
    return Bytes.field(status, status.length, "Uid");
  }

  private static int owner(Path path) throws IOException {
    return (Integer) Files.getAttribute(path, "unix:uid", LinkOption.NOFOLLOW_LINKS);
  }

  private static StateDirectory lock(Path path) throws IOException, KernelException {
    var channel =
        FileChannel.open(
            path.resolve(LOCK),
            Set.of(StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    var locked = false;
    try {
      var lock = tryLock(channel);
      if (lock == null) {
        throw new KernelException(
            Errno.EAGAIN,
            "the state directory %s is in use by another agent that is alive%s: stop that one, or choose another directory by --state-dir"
                .formatted(path, holder(channel)));
      }
      var takenOver = channel.size() > 0;
      channel.truncate(0);
      channel.write(
          ByteBuffer.wrap((Native.get().c.getpid() + "\n").getBytes(StandardCharsets.US_ASCII)));
      locked = true;
      return new StateDirectory(path, channel, lock, takenOver);
    } finally {
      if (!locked) {
        channel.close();
      }
    }
  }

  private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException e) {
      return null;
    }
  }

  /**
   * The pid in the file is for people only: it is of the holder's namespace, which may not be ours.
   */
  private static String holder(FileChannel channel) throws IOException {
    var text = ByteBuffer.allocate(16);
    channel.read(text, 0);
    var pid = new String(text.array(), 0, text.position(), StandardCharsets.US_ASCII).strip();
    return pid.isEmpty() ? "" : " (it calls itself pid " + Escape.plain(pid, 10) + ")";
  }

  /** The directory that holds the files; see {@link #locate}. */
  public Path path() {
    return path;
  }

  /** A file of ours in it. */
  public Path resolve(String name) {
    return path.resolve(name);
  }

  /**
   * Whether a former agent left without cleaning up; its sockets are unlinked when ours are opened.
   */
  public boolean takenOver() {
    return takenOver;
  }

  /** Leaves it clean for the next agent. */
  @Override
  public void close() {
    try {
      channel.truncate(0);
      lock.release();
      channel.close();
    } catch (IOException e) {
      // The process is about to end, and the kernel drops the lock then.
    }
  }
}
