package io.refork.agent.linux;

/** Raw file descriptors: where they are parked, and what becomes of them at exec. */
final class Descriptors {
  static final int O_RDONLY = 0;
  static final int O_RDWR = 2;
  static final int O_CREAT = 0100;
  static final int O_CLOEXEC = 02000000;

  /**
   * Listeners live at this number or above. The application gets them as 3, 4, …: were one of ours
   * down there, the copy of one listener could overwrite another before that is copied. Below the
   * usual limit of 1024, far above what a starting JVM has opened.
   */
  static final int PARKED = 200;

  private static final int F_SETFD = 2;
  private static final int F_DUPFD_CLOEXEC = 1030;
  private static final int FD_CLOEXEC = 1;
  private static final long SYS_CLOSE_RANGE = 436;
  private static final long CLOSE_RANGE_CLOEXEC = 4;

  /**
   * Where a kernel before 5.11 makes us go one by one: a JVM that opened more has other troubles.
   */
  private static final int LAST_BY_HAND = 4096;

  private Descriptors() {}

  /** Marks every descriptor from {@code first} on as close-on-exec. */
  static void closeAllOnExec(Native os, int first) {
    if (os.c.syscall(SYS_CLOSE_RANGE, first, 0xffff_ffffL, CLOSE_RANGE_CLOEXEC, 0) == 0) {
      return;
    }
    for (var fd = first; fd < LAST_BY_HAND; fd++) {
      os.c.fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
  }

  /** A copy at {@link #PARKED} or above, close-on-exec; the caller closes the original. */
  static int park(Native os, int fd) throws KernelException {
    var parked = os.c.fcntl(fd, F_DUPFD_CLOEXEC, PARKED);
    if (parked < 0) {
      throw os.failure(
          os.errno(),
          "cannot keep a listener at descriptor " + PARKED + " or above (ulimit -n too low?)");
    }
    return parked;
  }
}
