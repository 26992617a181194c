package io.refork.operator.health;

import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;

/**
 * Signs of life of the operator's own loops. A loop that has been stuck for long fails the liveness
 * probe. Only what the operator alone can be guilty of beats here: an API server or an agent that
 * does not answer must never restart the operator.
 */
@Singleton
public class Pulse {
  private final LongSupplier nanos;
  private final Map<String, Beat> beats = new ConcurrentHashMap<>();

  private record Beat(long at, Duration silence) {}

  public Pulse() {
    this(System::nanoTime);
  }

  Pulse(LongSupplier nanos) {
    this.nanos = nanos;
  }

  /**
   * The loop is alive now; a loop that has never beaten is not judged.
   *
   * @param silence how long it may be silent from now on: many of its turns
   */
  public void beat(String loop, Duration silence) {
    beats.put(loop, new Beat(nanos.getAsLong(), silence));
  }

  /** The loop has ended on purpose. */
  public void end(String loop) {
    beats.remove(loop);
  }

  /** Loops that are stuck, sorted. */
  public List<String> stuck() {
    long now = nanos.getAsLong();
    return beats.entrySet().stream()
        .filter(beat -> now - beat.getValue().at() > beat.getValue().silence().toNanos())
        .map(Map.Entry::getKey)
        .sorted()
        .toList();
  }
}
