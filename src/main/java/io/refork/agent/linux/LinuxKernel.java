package io.refork.agent.linux;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The kernel itself. Open it once, on the event loop's thread, with the signals blocked ({@link
 * ProcessSetup}).
 */
public final class LinuxKernel implements Kernel {
  private static final long SYS_PIDFD_SEND_SIGNAL = 424;
  private static final long SYS_PIDFD_OPEN = 434;

  private final Native os;
  private final Spawner spawner;
  private final Reaper reaper;
  private final Signals signals;
  private final Poller poller;
  private final Sockets sockets;
  private final ProcFs proc;

  private LinuxKernel(Native os) throws KernelException {
    this.os = os;
    spawner = new Spawner(os);
    reaper = new Reaper(os);
    signals = new Signals(os);
    poller = new Poller(os);
    sockets = new Sockets(os);
    proc = new ProcFs("/proc");
  }

  /** Opens the signalfd and the eventfd; throws when the kernel refuses one of them. */
  public static LinuxKernel open() throws KernelException {
    return new LinuxKernel(Native.get());
  }

  @Override
  public int pid() {
    return os.c.getpid();
  }

  @Override
  public int uid() {
    return os.c.getuid();
  }

  /** HotSpot's clock on Linux is CLOCK_MONOTONIC itself; a test compares them. */
  @Override
  public long monotonicNanos() {
    return System.nanoTime();
  }

  @Override
  public SpawnResult spawn(
      List<String> command, Map<String, String> environment, List<Integer> listeners) {
    return spawner.spawn(command, environment, listeners);
  }

  @Override
  public List<ChildEvent> reap() {
    var events = reaper.reap();
    if (events.size() >= Reaper.MOST) {
      poller.wake(); // SIGCHLD for the rest has been read already
    }
    return events;
  }

  @Override
  public boolean kill(int pid, Signal signal) {
    if (pid <= 0) {
      // 0 is our own process group, -1 everybody: a bookkeeping error must not become a massacre.
      throw new IllegalArgumentException("not the pid of one process: " + pid);
    }
    return os.c.kill(pid, signal.number()) == 0;
  }

  @Override
  public boolean killGroup(int leader, Signal signal) {
    if (leader <= 1) {
      throw new IllegalArgumentException("not the leader of a process group of ours: " + leader);
    }
    return os.c.kill(-leader, signal.number()) == 0;
  }

  @Override
  public OptionalInt openPidfd(int pid) {
    var fd = os.c.syscall(SYS_PIDFD_OPEN, pid, 0, 0, 0);
    return fd < 0 ? OptionalInt.empty() : OptionalInt.of((int) fd);
  }

  @Override
  public boolean kill(PidFd process, Signal signal) {
    return os.c.syscall(SYS_PIDFD_SEND_SIGNAL, process.fd(), signal.number(), 0, 0) == 0;
  }

  @Override
  public Map<Integer, ProcessInfo> processes() {
    return proc.processes();
  }

  @Override
  public Optional<ProcessInfo> process(int pid) {
    return proc.process(pid);
  }

  @Override
  public int listenUnix(String path, int backlog) throws KernelException {
    return sockets.listenUnix(path, backlog);
  }

  @Override
  public Optional<Accepted> accept(int fd) {
    return sockets.accept(fd);
  }

  @Override
  public Read read(int fd) {
    return sockets.read(fd);
  }

  @Override
  public int write(int fd, byte[] bytes, int offset, int length) {
    return sockets.write(fd, bytes, offset, length);
  }

  @Override
  public void close(int fd) {
    os.c.close(fd);
  }

  @Override
  public void wake() {
    poller.wake();
  }

  @Override
  public List<Signal> signals() {
    return signals.read();
  }

  @Override
  public int signalFd() {
    return signals.fd();
  }

  @Override
  public Ready poll(int[] readable, int[] writable, Duration timeout) {
    return poller.poll(readable, writable, timeout);
  }
}
