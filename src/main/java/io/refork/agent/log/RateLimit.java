package io.refork.agent.log;

import java.time.Duration;

/**
 * For lines that repeat: lets a number of them through in each period and counts the others. Pure;
 * for one thread.
 */
public final class RateLimit {
  private final int burst;
  private final long periodNanos;
  private long periodStart;
  private int inPeriod;
  private long suppressed;
  private boolean used;

  /** {@code burst} lines in each {@code period}. */
  public RateLimit(int burst, Duration period) {
    this.burst = burst;
    this.periodNanos = period.toNanos();
  }

  /** Whether the line of this moment may be written; {@code nanos} is any monotonic clock. */
  public boolean admit(long nanos) {
    if (!used || nanos - periodStart >= periodNanos) {
      used = true;
      periodStart = nanos;
      inPeriod = 0;
    }
    if (inPeriod < burst) {
      inPeriod++;
      return true;
    }
    suppressed++;
    return false;
  }

  /** How many were kept back since the last call: to be said in the next line that is written. */
  public long takeSuppressed() {
    long n = suppressed;
    suppressed = 0;
    return n;
  }
}
