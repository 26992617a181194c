package io.refork.protocol.control;

import java.util.Comparator;

/**
 * The order of desired states: by the pool's {@code metadata.generation}, then by the operator's
 * counter of grants in the pool's status. Never a clock.
 *
 * @param generation at least 0
 * @param seq at least 0
 */
public record Revision(long generation, long seq) implements Comparable<Revision> {
  private static final Comparator<Revision> ORDER =
      Comparator.comparingLong(Revision::generation).thenComparingLong(Revision::seq);

  public Revision {
    if (generation < 0 || seq < 0) {
      throw new IllegalArgumentException("a revision is never negative: " + generation + "." + seq);
    }
  }

  @Override
  public int compareTo(Revision other) {
    return ORDER.compare(this, other);
  }
}
