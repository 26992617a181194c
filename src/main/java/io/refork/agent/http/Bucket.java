package io.refork.agent.http;

/** A token bucket: so many at once, so many a second. For one thread. */
public final class Bucket {
  private final int burst;
  private final long nanosEach;
  private long filledAt;
  private double tokens;

  /**
   * @param perSecond at least 1
   * @param now monotonic nanoseconds
   */
  public Bucket(int burst, int perSecond, long now) {
    this.burst = burst;
    this.nanosEach = 1_000_000_000L / perSecond;
    this.filledAt = now;
    this.tokens = burst;
  }

  /** Whether one more is allowed now; takes it if so. */
  public boolean take(long now) {
    if (!has(now)) {
      return false;
    }
    tokens--;
    return true;
  }

  /** Whether {@link #take} would succeed. */
  public boolean has(long now) {
    tokens = Math.min(burst, tokens + (double) Math.max(0, now - filledAt) / nanosEach);
    filledAt = now;
    return tokens >= 1;
  }
}
