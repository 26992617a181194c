package io.refork.agent;

/**
 * The time that the pool lives by: it goes on as the kernel's monotonic clock does, but by at most
 * {@link #MAX_STEP} at once. The loop turns at least once a second; so when more has passed the
 * agent itself was stopped (STOP, a frozen container, a suspended machine), and nobody else may be
 * blamed for the time that it did not look.
 */
final class PoolClock {
  /** Twice the loop's slowest turn. */
  static final long MAX_STEP = 2_000_000_000L;

  private long last;
  private long now;

  PoolClock(long monotonic) {
    last = monotonic;
  }

  /** Takes the monotonic clock's time over, in nanoseconds. */
  long advance(long monotonic) {
    now += Math.clamp(monotonic - last, 0, MAX_STEP);
    last = monotonic;
    return now;
  }

  long now() {
    return now;
  }
}
