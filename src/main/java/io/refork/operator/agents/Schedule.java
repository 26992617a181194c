package io.refork.operator.agents;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/**
 * Which agent is asked when. Decides only: times come in as nanoseconds of any clock that never
 * goes back.
 *
 * <p>Each agent is asked once per interval at a phase of its own, so that requests are spread. One
 * that does not answer is asked again soon, then less and less often. What is pressing goes first,
 * and agents that did not answer can hold half of the places only: a node that is gone must not
 * delay all others.
 */
final class Schedule {
  /** After the first failure; shorter would hit an agent that is just starting. */
  private static final Duration FIRST_RETRY = Duration.ofSeconds(2);

  /** How many intervals lie between two requests to an agent that has long been silent. */
  private static final int LONGEST_RETRY = 6;

  /** A wave waits for each refork in turn: asked four times as often, it ends minutes earlier. */
  private static final int BUSY_SHARE = 4;

  /**
   * What a request costs, signature and connection, is most of a millisecond of the one thread:
   * more agents than this many times the interval are asked less often, instead of a core being
   * spent on them.
   */
  static final int MOST_PER_SECOND = 500;

  private static final Comparator<Entry> BY_DUE =
      Comparator.<Entry>comparingLong(e -> e.due).thenComparing(e -> e.uid);

  private final int places;
  private final int suspectPlaces;
  private final long interval;
  private final Map<String, Entry> entries = new HashMap<>();
  private final ArrayDeque<Entry> pressing = new ArrayDeque<>();
  private final TreeSet<Entry> trusted = new TreeSet<>(BY_DUE);
  private final TreeSet<Entry> suspects = new TreeSet<>(BY_DUE);

  /** By UID, also of agents that were removed meanwhile: whether it holds a suspect's place. */
  private final Map<String, Boolean> inFlight = new HashMap<>();

  private int suspectsInFlight;

  /** Waits in at most one of the three queues; in none while it is asked. */
  private static final class Entry {
    final String uid;
    long due;
    boolean isPressing;
    int failures;

    Entry(String uid, long due) {
      this.uid = uid;
      this.due = due;
    }
  }

  Schedule(int places, Duration interval) {
    this.places = places;
    this.suspectPlaces = Math.max(1, places / 2);
    this.interval = interval.toNanos();
  }

  /** A new agent, to be asked as soon as a place is free. */
  void add(String uid, long now) {
    var entry = new Entry(uid, now);
    if (entries.putIfAbsent(uid, entry) != null) {
      return;
    }
    if (inFlight.containsKey(uid)) {
      entry.isPressing = true;
    } else {
      trusted.add(entry);
    }
  }

  /** It has news to be told: before all that are merely due. Forgets its failures. */
  void press(String uid) {
    var entry = entries.get(uid);
    if (entry == null || entry.isPressing) {
      return;
    }
    dequeue(entry);
    entry.failures = 0;
    entry.isPressing = true;
    if (!inFlight.containsKey(uid)) {
      pressing.add(entry);
    }
  }

  void remove(String uid) {
    var entry = entries.remove(uid);
    if (entry != null) {
      dequeue(entry);
    }
  }

  void clear() {
    entries.clear();
    pressing.clear();
    trusted.clear();
    suspects.clear();
    inFlight.clear();
    suspectsInFlight = 0;
  }

  /** The next one to ask, which then holds a place until {@link #done}. */
  Optional<String> take(long now) {
    if (inFlight.size() >= places) {
      return Optional.empty();
    }
    if (!pressing.isEmpty()) {
      var entry = pressing.remove();
      entry.isPressing = false;
      return Optional.of(hold(entry, false));
    }
    if (isDue(trusted, now)) {
      return Optional.of(hold(trusted.removeFirst(), false));
    }
    if (suspectsInFlight < suspectPlaces && isDue(suspects, now)) {
      return Optional.of(hold(suspects.removeFirst(), true));
    }
    return Optional.empty();
  }

  /** How it went. */
  enum Result {
    FAILED,
    ANSWERED,
    /** It answered, and something goes on there that others wait for. */
    BUSY
  }

  /**
   * It has answered, or not.
   *
   * @return how many times in a row it has failed
   */
  int done(String uid, Result result, long now) {
    var suspect = inFlight.remove(uid);
    if (suspect == null) {
      return 0;
    }
    if (suspect) {
      suspectsInFlight--;
    }
    var entry = entries.get(uid);
    if (entry == null) {
      return 0;
    }
    boolean answered = result != Result.FAILED;
    entry.failures = answered ? 0 : entry.failures + 1;
    entry.due =
        switch (result) {
          case FAILED -> now + retry(uid, entry.failures);
          case ANSWERED -> nextPhase(uid, now);
          case BUSY -> now + interval / BUSY_SHARE;
        };
    if (entry.isPressing) {
      entry.failures = 0;
      pressing.add(entry);
    } else if (answered) {
      trusted.add(entry);
    } else {
      suspects.add(entry);
    }
    return entry.failures;
  }

  /** How long until {@link #take} has something; empty: not before {@link #done} or news. */
  Optional<Duration> next(long now) {
    if (inFlight.size() >= places) {
      return Optional.empty();
    }
    if (!pressing.isEmpty()) {
      return Optional.of(Duration.ZERO);
    }
    long due = Long.MAX_VALUE;
    if (!trusted.isEmpty()) {
      due = trusted.first().due;
    }
    if (!suspects.isEmpty() && suspectsInFlight < suspectPlaces) {
      due = Math.min(due, suspects.first().due);
    }
    return due == Long.MAX_VALUE
        ? Optional.empty()
        : Optional.of(Duration.ofNanos(Math.max(0, due - now)));
  }

  /** Agents known; those in flight that were removed are not counted. */
  int size() {
    return entries.size();
  }

  private static boolean isDue(TreeSet<Entry> queue, long now) {
    return !queue.isEmpty() && queue.first().due <= now;
  }

  private String hold(Entry entry, boolean suspect) {
    inFlight.put(entry.uid, suspect);
    suspectsInFlight += suspect ? 1 : 0;
    return entry.uid;
  }

  private void dequeue(Entry entry) {
    if (entry.isPressing) {
      pressing.remove(entry);
    }
    trusted.remove(entry);
    suspects.remove(entry);
  }

  /** The first moment of its phase that is at least half a round away. */
  private long nextPhase(String uid, long now) {
    long round = round();
    long earliest = now + round / 2;
    return earliest + Math.floorMod((long) (spread(uid) * round) - earliest, round);
  }

  /** In which every agent is asked once: whole intervals, one but in large fleets. */
  private long round() {
    double perInterval = MOST_PER_SECOND * (interval / 1e9);
    return interval * Math.max(1, (long) Math.ceil(entries.size() / perInterval));
  }

  private long retry(String uid, int failures) {
    long first = Math.min(interval, FIRST_RETRY.toNanos());
    long wait = first << Math.min(failures - 1, 16);
    // A quarter more or less, so that the pods of a node that is back are not asked in one burst.
    return (long) (Math.min(wait, LONGEST_RETRY * interval) * (0.75 + spread(uid) / 2));
  }

  /** 0 to 1, the same for the same pod; neighbouring hash codes lie far apart. */
  private static double spread(String uid) {
    int mixed = uid.hashCode() * 0x9E3779B9;
    return (mixed >>> 1) / (double) Integer.MAX_VALUE;
  }
}
