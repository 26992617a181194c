package io.refork.agent.linux;

import java.nio.ByteBuffer;
import jnr.ffi.Pointer;
import jnr.ffi.annotations.IgnoreError;
import jnr.ffi.types.size_t;
import jnr.ffi.types.ssize_t;
import org.jspecify.annotations.Nullable;

/**
 * The functions of the C library that the agent calls, and no other: jnr-posix's own interface has
 * ten times as many, costs 85 ms at start and 1.4 MiB when interpreted, has no signal mask and no
 * dispositions for {@code posix_spawn}, and hides its error code. Buffers are direct and belong to
 * the caller, who keeps them reachable during the call.
 *
 * <p>A function that the C library lacks fails at its first call with {@link UnsatisfiedLinkError}.
 *
 * <p>Public only because jnr-ffi may implement it in a class loader of its own; nobody outside this
 * package uses it.
 */
public interface LibC {
  // --- processes
  @IgnoreError
  int getpid();

  @IgnoreError
  int getuid();

  int kill(int pid, int signal);

  int waitpid(int pid, ByteBuffer status, int options);

  int prctl(int option, long a, long b, long c, long d);

  int execve(Pointer path, Pointer argv, Pointer envp);

  long syscall(long number, long a, long b, long c, long d);

  @IgnoreError
  int posix_spawnp(
      ByteBuffer pid,
      Pointer file,
      ByteBuffer actions,
      ByteBuffer attributes,
      Pointer argv,
      Pointer envp);

  @IgnoreError
  int posix_spawnattr_init(ByteBuffer attributes);

  @IgnoreError
  int posix_spawnattr_destroy(ByteBuffer attributes);

  @IgnoreError
  int posix_spawnattr_setflags(ByteBuffer attributes, short flags);

  @IgnoreError
  int posix_spawnattr_setpgroup(ByteBuffer attributes, int group);

  @IgnoreError
  int posix_spawnattr_setsigmask(ByteBuffer attributes, ByteBuffer set);

  @IgnoreError
  int posix_spawnattr_setsigdefault(ByteBuffer attributes, ByteBuffer set);

  @IgnoreError
  int posix_spawn_file_actions_init(ByteBuffer actions);

  @IgnoreError
  int posix_spawn_file_actions_destroy(ByteBuffer actions);

  @IgnoreError
  int posix_spawn_file_actions_addopen(
      ByteBuffer actions, int fd, String path, int flags, int mode);

  @IgnoreError
  int posix_spawn_file_actions_adddup2(ByteBuffer actions, int fd, int as);

  /** glibc ≥ 2.34. */
  @IgnoreError
  int posix_spawn_file_actions_addclosefrom_np(ByteBuffer actions, int from);

  // --- signals
  @IgnoreError
  int sigemptyset(ByteBuffer set);

  @IgnoreError
  int sigfillset(ByteBuffer set);

  @IgnoreError
  int sigaddset(ByteBuffer set, int signal);

  /** Returns the error number; does not set errno. */
  @IgnoreError
  int pthread_sigmask(int how, ByteBuffer set, @Nullable ByteBuffer old);

  int signalfd(int fd, ByteBuffer set, int flags);

  // --- descriptors
  int open(String path, int flags, int mode);

  int close(int fd);

  @ssize_t
  long read(int fd, ByteBuffer buffer, @size_t long count);

  @ssize_t
  long write(int fd, ByteBuffer buffer, @size_t long count);

  int fcntl(int fd, int command, long argument);

  int eventfd(int initial, int flags);

  int poll(ByteBuffer fds, long count, int timeoutMillis);

  // --- sockets
  int socket(int domain, int type, int protocol);

  int fchmod(int fd, int mode);

  int chmod(String path, int mode);

  int statfs(String path, ByteBuffer result);

  int bind(int fd, ByteBuffer address, int length);

  int listen(int fd, int backlog);

  int connect(int fd, ByteBuffer address, int length);

  int accept4(int fd, @Nullable ByteBuffer address, @Nullable ByteBuffer length, int flags);

  int setsockopt(int fd, int level, int option, ByteBuffer value, int length);

  int getsockopt(int fd, int level, int option, ByteBuffer value, ByteBuffer length);

  int getsockname(int fd, ByteBuffer address, ByteBuffer length);

  @ssize_t
  long send(int fd, ByteBuffer buffer, @size_t long count, int flags);

  // --- words
  @IgnoreError
  String strerror(int errno);
}
