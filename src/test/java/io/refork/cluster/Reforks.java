package io.refork.cluster;

import io.refork.protocol.control.Report.Outcome;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Every refork that simulated agents have done, for the promises of which a test must be sure. */
public final class Reforks {
  /**
   * One refork.
   *
   * @param pool {@code namespace/name}
   * @param began nanoseconds of an arbitrary clock
   * @param ended the same; empty while it runs
   */
  public record Refork(
      String pool,
      String uid,
      String session,
      String permit,
      int level,
      Optional<String> request,
      long began,
      Optional<Long> ended,
      Optional<Outcome> outcome) {}

  private final List<Refork> all = new ArrayList<>();

  synchronized void began(Refork refork) {
    all.add(refork);
  }

  synchronized void ended(String uid, String permit, long at, Outcome outcome) {
    all.replaceAll(
        r ->
            r.uid().equals(uid) && r.permit().equals(permit) && r.ended().isEmpty()
                ? new Refork(
                    r.pool(),
                    r.uid(),
                    r.session(),
                    r.permit(),
                    r.level(),
                    r.request(),
                    r.began(),
                    Optional.of(at),
                    Optional.of(outcome))
                : r);
  }

  /** Those of one pool, in the order in which they began. */
  public synchronized List<Refork> of(String pool) {
    return all.stream().filter(r -> r.pool().equals(pool)).toList();
  }

  /** How many of a pool ran at the same moment, at most. */
  public int maxConcurrent(String pool) {
    var reforks = of(pool);
    int max = 0;
    for (var each : reforks) {
      long at = each.began();
      int running =
          (int)
              reforks.stream()
                  .filter(r -> r.began() <= at && r.ended().orElse(Long.MAX_VALUE) > at)
                  .count();
      max = Math.max(max, running);
    }
    return max;
  }
}
