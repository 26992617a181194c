package io.refork.bench;

import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;

/** What was answered to a load, by when; for any thread. */
public final class Replies {
  private final ConcurrentLinkedQueue<Reply> replies = new ConcurrentLinkedQueue<>();

  /**
   * One request: when it ended and how long it took, both in nanoseconds, and what went wrong (""
   * for nothing).
   */
  public record Reply(long at, long took, String failure) {}

  /** What was seen in a span of time; the percentiles are of answered requests. */
  public record Summary(int requests, int failures, double p50Millis, double p99Millis) {
    static Summary of(List<Reply> replies) {
      var sorted =
          replies.stream()
              .filter(r -> r.failure().isEmpty())
              .mapToLong(Reply::took)
              .sorted()
              .toArray();
      return new Summary(
          sorted.length,
          (int) replies.stream().filter(r -> !r.failure().isEmpty()).count(),
          percentile(sorted, 0.50),
          percentile(sorted, 0.99));
    }

    static double percentile(long[] sorted, double share) {
      return sorted.length == 0
          ? Double.NaN
          : sorted[(int) Math.min(sorted.length - 1, sorted.length * share)] / 1e6;
    }
  }

  /** Another one. */
  public void add(Reply reply) {
    replies.add(reply);
  }

  /** Those that ended in [from, to), {@link System#nanoTime()}. */
  public Summary between(long from, long to) {
    return Summary.of(replies.stream().filter(r -> r.at() - from >= 0 && r.at() - to < 0).toList());
  }

  /** What went wrong, each once. */
  public List<String> failures() {
    return replies.stream().map(Reply::failure).filter(f -> !f.isEmpty()).distinct().toList();
  }
}
