package io.refork.operator.plan;

import io.refork.api.WaveLedger;
import io.refork.api.WorkerPoolSpec.Policy;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * Everything that permits depend on, seen at one moment.
 *
 * @param pool UID of the pool: part of each permit's id
 * @param rules what the user allows
 * @param template hash of the pod template that is wanted now
 * @param minReady with fewer Ready pods nothing is granted, as the disruption budget asks
 * @param pods of this pool, also those of an older template
 * @param ledger as it was read with the resource; empty when it was never written, or was lost
 * @param wasPaused whether the status that was read says Paused: time did not count meanwhile
 */
public record WaveInput(
    String pool,
    Rules rules,
    String template,
    int minReady,
    List<PodSeen> pods,
    Optional<WaveLedger> ledger,
    boolean wasPaused,
    Instant now) {
  public WaveInput {
    pods = List.copyOf(pods);
  }

  /**
   * What the user allows.
   *
   * @param maxConcurrent how many pods may refork at once, 1 to 32
   * @param canarySoak how long the canary is watched after it has reached its level
   * @param progressDeadline a wave in which no pod finishes its part for this long is over; also
   *     the longest that one permit can hold its slot
   * @param requestedAt the token of the newest requested wave
   */
  public record Rules(
      Policy policy,
      boolean paused,
      int maxConcurrent,
      Duration canarySoak,
      Duration progressDeadline,
      Optional<String> requestedAt) {}
}
