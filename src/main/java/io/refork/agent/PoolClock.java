package io.refork.agent;

/**
 * The time that the pool lives by: it goes on as the kernel's monotonic clock does while the loop
 * turns. The loop turns at least once a second; so when more than {@link #MAX_STEP} has passed the
 * agent itself was stopped (STOP, a frozen container, a suspended machine), and nobody else may be
 * blamed for the time that it did not look: it does not count, and what was said meanwhile is read
 * before any deadline passes. Only when one long turn follows another the machine is that slow, and
 * time goes on by {@link #MAX_STEP} a turn, or nothing would be bounded any more.
 */
final class PoolClock {
  /** Twice the loop's slowest turn. */
  static final long MAX_STEP = 2_000_000_000L;

  private long last;
  private long now;
  private boolean slow;

  PoolClock(long monotonic) {
    last = monotonic;
  }

  /** Takes the monotonic clock's time over, in nanoseconds. */
  long advance(long monotonic) {
    long step = Math.max(0, monotonic - last);
    if (step <= MAX_STEP) {
      now += step;
    } else if (slow) {
      now += MAX_STEP;
    }
    slow = step > MAX_STEP;
    last = monotonic;
    return now;
  }

  long now() {
    return now;
  }
}
