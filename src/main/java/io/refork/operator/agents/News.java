package io.refork.operator.agents;

import io.javaoperatorsdk.operator.processing.event.ResourceID;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Tells the listener of pools with news. Several agents of a pool often change together, at the
 * operator's start all do: what comes within a moment is told once.
 */
final class News {
  /** Nothing to a refork, which takes half a minute; long enough for a round of one pool's pods. */
  static final Duration GATHER = Duration.ofMillis(250);

  private static final System.Logger LOG = System.getLogger(News.class.getName());

  private final Consumer<ResourceID> listener;

  /** When to tell; in the order of the moments, since all wait equally long. */
  private final LinkedHashMap<ResourceID, Long> due = new LinkedHashMap<>();

  News(Consumer<ResourceID> listener) {
    this.listener = listener;
  }

  void of(ResourceID pool, long now) {
    due.putIfAbsent(pool, now + GATHER.toNanos());
  }

  void forget(ResourceID pool) {
    due.remove(pool);
  }

  void clear() {
    due.clear();
  }

  int size() {
    return due.size();
  }

  /** Until {@link #tell} has something to say. */
  Optional<Duration> next(long now) {
    return due.isEmpty()
        ? Optional.empty()
        : Optional.of(Duration.ofNanos(due.firstEntry().getValue() - now));
  }

  /** Of those whose moment has come. */
  void tell(long now) {
    var all = due.entrySet().iterator();
    while (all.hasNext()) {
      var one = all.next();
      if (one.getValue() > now) {
        return;
      }
      all.remove();
      try {
        listener.accept(one.getKey());
      } catch (RuntimeException e) {
        // The poller serves all pools: one that cannot be told must not stop it.
        LOG.log(System.Logger.Level.ERROR, "nobody was told of news of " + one.getKey(), e);
      }
    }
  }
}
