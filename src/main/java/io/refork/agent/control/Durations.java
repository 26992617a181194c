package io.refork.agent.control;

import io.prometheus.metrics.model.registry.Collector;
import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.SummarySnapshot;
import io.prometheus.metrics.model.snapshots.SummarySnapshot.SummaryDataPointSnapshot;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * How long something took, as a histogram of few buckets, or as count and sum. A Micrometer timer
 * would need its registry at the first spawn, in the event loop, where loading its classes takes a
 * tenth of a second; and it adds a series for a maximum.
 */
final class Durations implements Collector {
  private final String name;
  private final String help;
  private final double[] bounds;

  /** One count for each bound, one above all, and the sum in microseconds. */
  private final AtomicLongArray counts;

  /** Seconds since 1970; 0 before the first. */
  private volatile double lastEnd;

  Durations(String name, String help, double... bounds) {
    this.name = name;
    this.help = help;
    this.bounds = java.util.Arrays.copyOf(bounds, bounds.length + 1);
    this.bounds[bounds.length] = Double.POSITIVE_INFINITY;
    this.counts = new AtomicLongArray(bounds.length + 2);
  }

  void add(Duration time) {
    lastEnd = System.currentTimeMillis() / 1e3;
    double seconds = time.toNanos() / 1e9;
    int bucket = 0;
    while (seconds > bounds[bucket]) {
      bucket++;
    }
    counts.incrementAndGet(bucket);
    counts.addAndGet(bounds.length, time.toNanos() / 1000);
  }

  /** When the last one ended, in seconds since 1970. */
  Optional<Double> lastEnd() {
    return lastEnd == 0 ? Optional.empty() : Optional.of(lastEnd);
  }

  @Override
  public MetricSnapshot collect() {
    double sum = counts.get(bounds.length) / 1e6;
    if (bounds.length == 1) {
      return SummarySnapshot.builder()
          .name(name)
          .help(help)
          .dataPoint(SummaryDataPointSnapshot.builder().count(counts.get(0)).sum(sum).build())
          .build();
    }
    var values = new long[bounds.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = counts.get(i);
    }
    return HistogramSnapshot.builder()
        .name(name)
        .help(help)
        .dataPoint(
            HistogramSnapshot.HistogramDataPointSnapshot.builder()
                .classicHistogramBuckets(ClassicHistogramBuckets.of(bounds, values))
                .sum(sum)
                .build())
        .build();
  }
}
