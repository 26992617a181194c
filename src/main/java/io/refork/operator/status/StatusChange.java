package io.refork.operator.status;

import io.refork.api.WorkerPoolStatus;
import io.refork.api.WorkerPoolStatus.Condition;
import io.refork.api.WorkerPoolStatus.Generation;
import io.refork.api.WorkerPoolStatus.Memory;
import io.refork.api.WorkerPoolStatus.ProblemPod;
import io.refork.api.WorkerPoolStatus.Rollout;
import io.refork.api.WorkerPoolStatus.Workers;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Whether a status differs enough from the written one to be written. Every write wakes everybody
 * who watches the pool; and a pool's memory never stands still.
 *
 * @param write now
 * @param due otherwise, when what has changed may be written; empty when it need not be
 */
public record StatusChange(boolean write, Optional<Instant> due) {
  /** Between writes that only workers cause: one that recycles them all day writes all day. */
  static final Duration COUNTS_APART = Duration.ofSeconds(5);

  /** Between writes that only a text or a measurement causes. */
  static final Duration SMALL_APART = Duration.ofSeconds(30);

  /** What is too small for that, but still to be seen, waits this long. */
  static final Duration SLOW_APART = Duration.ofMinutes(10);

  /** Percent of the larger value, or points of a percentage. */
  private static final int NOTABLE = 5;

  /** The same after {@link #SLOW_APART}. What is below it is noise and never written. */
  private static final int SLIGHT = 1;

  /** A pool of 10Mi is not news for one of them. */
  private static final long NOISE_BYTES = 4L << 20;

  private static final StatusChange NONE = new StatusChange(false, Optional.empty());

  /**
   * Compares what was written with what is.
   *
   * @param lastWrite when this operator wrote last; empty when it has not yet
   */
  public static StatusChange between(
      Optional<WorkerPoolStatus> written,
      WorkerPoolStatus now,
      Optional<Instant> lastWrite,
      Instant at) {
    if (written.isEmpty() || !shape(written.get()).equals(shape(now))) {
      return new StatusChange(true, Optional.empty());
    }
    return pause(written.get(), now)
        .map(
            pause -> {
              var due = lastWrite.map(last -> last.plus(pause)).filter(at::isBefore);
              return new StatusChange(due.isEmpty(), due);
            })
        .orElse(NONE);
  }

  /** {@link #between}, for who does not ask again. */
  public static boolean worthWriting(
      Optional<WorkerPoolStatus> written,
      WorkerPoolStatus now,
      Optional<Instant> lastWrite,
      Instant at) {
    return between(written, now, lastWrite, at).write();
  }

  /** How long after the last write the difference may be written; empty: there is none. */
  private static Optional<Duration> pause(WorkerPoolStatus written, WorkerPoolStatus now) {
    if (!counts(written).equals(counts(now))) {
      return Optional.of(COUNTS_APART);
    }
    if (!texts(written).equals(texts(now)) || differ(written, now, NOTABLE)) {
      return Optional.of(SMALL_APART);
    }
    boolean busy =
        beyond(written.workers().busy(), now.workers().busy(), now.workers().desired(), NOTABLE);
    return busy || differ(written, now, SLIGHT) ? Optional.of(SLOW_APART) : Optional.empty();
  }

  // --- the kinds of news -----------------------------------------------------------------------

  /** The status without all that may wait. */
  private static WorkerPoolStatus shape(WorkerPoolStatus s) {
    return new WorkerPoolStatus(
        s.observedGeneration(),
        s.replicas(),
        s.readyReplicas(),
        s.selector(),
        s.summary(),
        s.generation(),
        new Workers(s.workers().desired(), 0, 0, 0, 0, 0),
        some(s.generations()).map(g -> new Generation(g.generation(), g.pods(), 0, null)).toList(),
        new Memory(0, null, null, null, null),
        new Rollout(
            s.rollout().state(), s.rollout().level(), s.rollout().pods(), "", s.rollout().ledger()),
        some(s.problemPods()).map(p -> new ProblemPod(p.name(), p.reason(), "")).toList(),
        some(s.conditions())
            .map(
                c ->
                    new Condition(c.type(), c.status(), c.reason(), "", c.observedGeneration(), ""))
            .toList());
  }

  private static List<Integer> counts(WorkerPoolStatus s) {
    var w = s.workers();
    var counts =
        new ArrayList<>(
            List.of(w.ready(), w.starting(), w.draining(), w.backingOff(), s.memory().pods()));
    some(s.generations()).map(Generation::workers).forEach(counts::add);
    return counts;
  }

  private static List<String> texts(WorkerPoolStatus s) {
    return Stream.of(
            Stream.of(s.rollout().message()),
            some(s.problemPods()).map(ProblemPod::message),
            some(s.conditions()).map(Condition::message))
        .flatMap(texts -> texts)
        .toList();
  }

  private static boolean differ(WorkerPoolStatus written, WorkerPoolStatus now, int percent) {
    var old = written.memory();
    var memory = now.memory();
    return bytes(old.proportional(), memory.proportional(), percent)
        || bytes(old.saved(), memory.saved(), percent)
        || bytes(old.limit(), memory.limit(), percent)
        || points(old.sharedPercent(), memory.sharedPercent(), percent)
        || generations(written.generations(), now.generations(), percent);
  }

  /** Both have the same generations: their shape is the same. */
  private static boolean generations(List<Generation> old, List<Generation> now, int percent) {
    for (int i = 0; i < now.size(); i++) {
      if (points(old.get(i).sharedPercent(), now.get(i).sharedPercent(), percent)) {
        return true;
      }
    }
    return false;
  }

  // --- by how much -----------------------------------------------------------------------------

  private static boolean bytes(@Nullable String old, @Nullable String now, int percent) {
    if (old == null || now == null) {
      return !Objects.equals(old, now);
    }
    var before = Quantities.bytes(old);
    var after = Quantities.bytes(now);
    if (before.isEmpty() || after.isEmpty()) {
      return !old.equals(now);
    }
    long difference = Math.abs(before.getAsLong() - after.getAsLong());
    return difference >= NOISE_BYTES
        && beyond(
            before.getAsLong(),
            after.getAsLong(),
            Math.max(before.getAsLong(), after.getAsLong()),
            percent);
  }

  /** A point up and down is how a ratio is rounded. */
  private static boolean points(@Nullable Integer old, @Nullable Integer now, int percent) {
    return old == null || now == null ? !Objects.equals(old, now) : Math.abs(old - now) > percent;
  }

  private static boolean beyond(long old, long now, long whole, int percent) {
    return Math.abs(old - now) * 100.0 > (double) whole * percent;
  }

  @SuppressWarnings("NullAway") // a status that somebody else wrote may lack a list
  private static <T> Stream<T> some(List<T> list) {
    return list == null ? Stream.empty() : list.stream();
  }
}
