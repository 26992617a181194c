package io.refork.agent.linux;

import io.refork.agent.linux.Kernel.Ready;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** One {@code poll} over raw descriptors, and the eventfd by which other threads end it. */
final class Poller {
  private static final int POLLIN = 1;
  private static final int POLLOUT = 4;

  /**
   * POLLERR, POLLHUP and POLLNVAL: told without being asked; whoever reads or writes next finds
   * out.
   */
  private static final int BROKEN = 0x8 | 0x10 | 0x20;

  private static final int EFD_NONBLOCK = 04000;
  private static final int EFD_CLOEXEC = 02000000;
  private static final int POLLFD = 8;

  private final Native os;
  private final int eventFd;

  /** Constant and only ever read by the kernel, so any thread may use it. */
  private final ByteBuffer one = Native.allocate(Long.BYTES).putLong(0, 1);

  private final ByteBuffer count = Native.allocate(Long.BYTES);
  private ByteBuffer fds = Native.allocate(64 * POLLFD);

  Poller(Native os) throws KernelException {
    this.os = os;
    eventFd = os.c.eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (eventFd < 0) {
      throw os.failure(os.errno(), "cannot open an eventfd");
    }
  }

  int eventFd() {
    return eventFd;
  }

  /** From any thread. */
  void wake() {
    os.c.write(eventFd, one, Long.BYTES);
  }

  Ready poll(int[] readable, int[] writable, Duration timeout) {
    var total = 1 + readable.length + writable.length;
    if (fds.capacity() < total * POLLFD) {
      fds = Native.allocate(2 * total * POLLFD);
    }
    put(0, eventFd, POLLIN);
    for (var i = 0; i < readable.length; i++) {
      put(1 + i, readable[i], POLLIN);
    }
    for (var i = 0; i < writable.length; i++) {
      put(1 + readable.length + i, writable[i], POLLOUT);
    }
    var ready = os.c.poll(fds, total, millis(timeout));
    if (ready <= 0) {
      // Time is up, or EINTR: the loop looks at its deadlines and comes back.
      return new Ready(List.of(), List.of(), false);
    }
    var woken = got(0, POLLIN);
    if (woken) {
      os.c.read(eventFd, count, Long.BYTES);
    }
    return new Ready(
        collect(readable, 1, POLLIN | BROKEN),
        collect(writable, 1 + readable.length, POLLOUT | BROKEN),
        woken);
  }

  /**
   * Rounded up, or the loop would spin through the last fraction of a millisecond before each
   * deadline.
   */
  static int millis(Duration timeout) {
    if (timeout.isNegative() || timeout.isZero()) {
      return 0;
    }
    if (timeout.getSeconds() >= Integer.MAX_VALUE / 1000) {
      return Integer.MAX_VALUE;
    }
    return Math.toIntExact((timeout.toNanos() + 999_999) / 1_000_000);
  }

  private List<Integer> collect(int[] wanted, int from, int events) {
    var found = new ArrayList<Integer>();
    for (var i = 0; i < wanted.length; i++) {
      if (got(from + i, events)) {
        found.add(wanted[i]);
      }
    }
    return found;
  }

  private void put(int index, int fd, int events) {
    fds.putInt(index * POLLFD, fd);
    fds.putShort(index * POLLFD + 4, (short) events);
    fds.putShort(index * POLLFD + 6, (short) 0);
  }

  private boolean got(int index, int events) {
    return (fds.getShort(index * POLLFD + 6) & events) != 0;
  }
}
