package io.refork.agent.linux;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * The agent's one path for signals: blocked before the JVM starts, read from a signalfd in the
 * loop. None is lost, not even one that arrives while the JVM starts, and none makes the JVM start
 * a thread.
 */
final class Signals {
  /**
   * What the agent acts on, and the job-control signals that would otherwise stop or disturb it.
   */
  static final List<Signal> HANDLED =
      List.of(
          Signal.HUP,
          Signal.INT,
          Signal.QUIT,
          Signal.TERM,
          Signal.USR1,
          Signal.USR2,
          Signal.CHLD,
          Signal.TTIN,
          Signal.TTOU,
          Signal.WINCH);

  private static final int SIG_BLOCK = 0;
  private static final int SFD_NONBLOCK = 04000;
  private static final int SFD_CLOEXEC = 02000000;
  private static final int SIGINFO = 128;

  private final Native os;
  private final int fd;
  private final ByteBuffer infos = Native.allocate(16 * SIGINFO);

  /**
   * Blocks the signals in the calling thread (every other thread must have them blocked already)
   * and opens the fd.
   */
  Signals(Native os) throws KernelException {
    this.os = os;
    var set = block(os);
    fd = os.c.signalfd(-1, set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0) {
      throw os.failure(os.errno(), "cannot receive signals (signalfd)");
    }
  }

  /** Blocks {@link #HANDLED} in the calling thread; what it execs inherits that. */
  static ByteBuffer block(Native os) throws KernelException {
    var set = Native.allocate(SIGINFO);
    os.c.sigemptyset(set);
    for (var signal : HANDLED) {
      os.c.sigaddset(set, signal.number());
    }
    var errno = os.c.pthread_sigmask(SIG_BLOCK, set, null);
    if (errno != 0) {
      throw os.failure(errno, "cannot block signals (pthread_sigmask)");
    }
    return set;
  }

  int fd() {
    return fd;
  }

  /** What has arrived since the last call, in the kernel's order; does not wait. */
  List<Signal> read() {
    var arrived = new ArrayList<Signal>();
    while (true) {
      var bytes = os.c.read(fd, infos, infos.capacity());
      if (bytes < 0 && os.errno() == Errno.EINTR) {
        continue;
      }
      if (bytes <= 0) {
        return arrived;
      }
      for (var at = 0; at < bytes; at += SIGINFO) {
        Signal.of(infos.getInt(at)).ifPresent(arrived::add);
      }
    }
  }
}
