package io.refork.agent.linux;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The kernel, as far as the agent needs it: processes, signals, sockets and one poll over raw
 * descriptors. All methods are called from the event loop's thread, which is the JVM's main thread
 * (the boot mold's death signal follows it). Nothing here blocks but {@link #poll}. Tests put a
 * fake in its place.
 */
public interface Kernel {
  /** The agent's own pid in its namespace; 1 in a container. */
  int pid();

  /** The agent's real user id. */
  int uid();

  /** CLOCK_MONOTONIC in nanoseconds, the clock of the scoreboard. */
  long monotonicNanos();

  // --- processes -----------------------------------------------------------------------------

  /** What a spawn came to. */
  sealed interface SpawnResult {
    record Started(int pid) implements SpawnResult {}

    /**
     * posix_spawnp failed: 2 not found, 13 not executable, 8 no interpreter, 11 process limit, 7
     * list too long…
     */
    record Failed(int errno, String message) implements SpawnResult {}
  }

  /**
   * Starts a command by {@code posix_spawnp}: clean mask, default dispositions, own process group,
   * stdin from /dev/null, stdout and stderr inherited, {@code listeners} as descriptors 3, 4, …,
   * nothing else open.
   */
  SpawnResult spawn(List<String> command, Map<String, String> environment, List<Integer> listeners);

  /**
   * Everything that {@code waitpid(-1)} has to say now, in the kernel's order; empty when there is
   * nothing.
   */
  List<ChildEvent> reap();

  /**
   * Sends a signal to one process; false when it no longer exists (ESRCH) or is not ours (EPERM).
   */
  boolean kill(int pid, Signal signal);

  /**
   * Signals the process group that a command of ours leads; false when it is gone. The leader must
   * not be reaped yet.
   */
  boolean killGroup(int leader, Signal signal);

  /**
   * A pidfd for a process that is not our child; becomes readable when it ends. Empty when it is
   * gone or unsupported.
   */
  OptionalInt openPidfd(int pid);

  /** Signals through a pidfd: never hits a recycled pid. False when the process is gone. */
  boolean kill(PidFd process, Signal signal);

  /** A process that is watched by a descriptor instead of by {@code waitpid}. */
  record PidFd(int pid, int fd) {}

  /** Of the living: pid → parent, from one pass over /proc. */
  Map<Integer, ProcessInfo> processes();

  /**
   * One row of /proc: zombies are included ({@code state} 'Z'). {@code startTime} in clock ticks
   * since boot.
   */
  record ProcessInfo(int pid, int parent, String comm, char state, long startTime) {}

  /** One process of /proc, or empty when it is gone. */
  Optional<ProcessInfo> process(int pid);

  // --- sockets -------------------------------------------------------------------------------

  /** The process at the other end, told by the kernel at connect time. */
  record Peer(int pid, int uid) {}

  /** A new connection: non-blocking, close-on-exec. */
  record Accepted(int fd, Peer peer) {}

  /**
   * Binds and listens on a Unix stream socket, mode 0600, unlinking a stale one first.
   * Non-blocking, close-on-exec.
   */
  int listenUnix(String path, int backlog) throws KernelException;

  /** The next waiting connection, or empty when there is none (or the peer is gone again). */
  Optional<Accepted> accept(int fd);

  /** What one read brought. */
  sealed interface Read {
    record Data(byte[] bytes) implements Read {}

    record Nothing() implements Read {}

    /** End of file, or an error that ends the connection. */
    record Closed() implements Read {}
  }

  /** Reads up to 64 KiB without waiting. */
  Read read(int fd);

  /**
   * Writes without waiting; the number of bytes taken (0 when the pipe is full), −1 when the
   * connection is broken.
   */
  int write(int fd, byte[] bytes, int offset, int length);

  void close(int fd);

  // --- waiting -------------------------------------------------------------------------------

  /**
   * A descriptor that {@link #wake()} makes readable; safe from any thread. {@link #poll} clears it
   * itself.
   */
  void wake();

  /** Signals that arrived since the last call, by signalfd (several of one kind may be one). */
  List<Signal> signals();

  /** The descriptor of the signalfd, for {@link #poll}. */
  int signalFd();

  /**
   * Waits until one of {@code readable} can be read, one of {@code writable} can be written, {@link
   * #wake()} was called, or {@code timeout} (rounded up to a millisecond) has passed.
   */
  Ready poll(int[] readable, int[] writable, Duration timeout);

  /** The descriptors that are ready, closed ones included. */
  record Ready(List<Integer> readable, List<Integer> writable, boolean woken) {}
}
