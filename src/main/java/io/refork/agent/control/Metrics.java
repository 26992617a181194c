package io.refork.agent.control;

import java.time.Duration;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The agent's metrics, in Prometheus' text format. At most 60 series whatever the number of
 * workers, and no label that an application chose: a pool of a thousand pods must not cost its
 * Prometheus more than sixty thousand.
 *
 * <p>What is unknown has no series, so that sums stay right; {@code refork_memory_unknown{reason}}
 * says why.
 */
public final class Metrics {
  static final String CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

  private final Supplier<Status> status;
  private final ControlOutcomes control;
  private final Durations spawns =
      new Durations(
          "refork_spawn_duration_seconds",
          "From the command to fork until the worker was ready",
          0.05,
          0.5);
  private final Durations reforks =
      new Durations("refork_refork_duration_seconds", "From the first step of a refork to its end");

  private @Nullable MetricBoard board;

  Metrics(Supplier<Status> status, ControlOutcomes control) {
    this.status = status;
    this.control = control;
  }

  /** A worker took this long to be ready. From any thread; does not wait. */
  public void spawnTook(Duration time) {
    spawns.add(time);
  }

  /** A refork took this long, whatever its outcome. From any thread; does not wait. */
  public void reforkTook(Duration time) {
    reforks.add(time);
  }

  /** The text of one scrape, made of one status. */
  synchronized String scrape() {
    // Not before somebody asks: the library costs memory and start time, and many pods are never
    // scraped.
    var current = board;
    if (current == null) {
      current = new MetricBoard(status.get(), spawns, reforks, control);
      board = current;
    }
    return current.scrape(status.get());
  }
}
