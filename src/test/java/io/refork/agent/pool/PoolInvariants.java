package io.refork.agent.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.refork.agent.pool.Worker.Stage;
import io.refork.agent.pool.Worker.State;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** What holds after each step of a simulated pool, whatever went wrong. */
final class PoolInvariants {
  private final Pool pool;
  private final World world;
  private final Supplier<String> tail;
  private final Map<Integer, Integer> moldOfGeneration = new HashMap<>();
  private final Map<String, Long> beginOfPermit = new HashMap<>();
  private final Set<String> endedPermits = new HashSet<>();
  private int most;
  private int levelBefore;
  private Set<Integer> readyBefore = Set.of();
  private Set<String> leavingBefore = Set.of();

  /** {@code tail}: the last steps, for the message of a failure. */
  PoolInvariants(Pool pool, World world, Supplier<String> tail) {
    this.pool = pool;
    this.world = world;
    this.tail = tail;
    allow(pool.settings());
  }

  /** Settings that hold from now on; what older ones allowed may still be there. */
  void allow(PoolSettings settings) {
    most = Math.max(most, settings.workers() + Math.max(settings.rollout().maxSurge(), 1));
  }

  /** To be called before a step. */
  void before() {
    levelBefore = pool.ledger().level;
    readyBefore = readyPids();
    leavingBefore =
        pool.ledger().workers.values().stream()
            .filter(Worker::leaving)
            .map(Worker::spawn)
            .collect(Collectors.toSet());
  }

  /**
   * To be called after a step: a permit leads to one refork at most and ends once; the level rises
   * by the reforks that were completed, to the permit's if there was one, and by nothing else.
   */
  void permits(List<Action> actions, Map<String, Integer> levels) {
    var ledger = pool.ledger();
    int completed = 0;
    for (var action : actions) {
      if (action instanceof Action.ReforkEnded e) {
        completed += e.outcome().startsWith("completed") ? 1 : 0;
        if (e.outcome().startsWith("completed")) {
          assertThat(e.permit().map(levels::get).orElse(ledger.level))
              .withFailMessage(() -> "another level than the permit's: " + e + tail.get())
              .isEqualTo(ledger.level);
        }
        e.permit()
            .ifPresent(
                id ->
                    assertThat(endedPermits.add(id))
                        .withFailMessage(() -> "permit " + id + " ends twice" + tail.get())
                        .isTrue());
      }
    }
    assertThat(ledger.level)
        .withFailMessage(() -> "level " + levelBefore + " -> " + ledger.level + tail.get())
        .isEqualTo(levelBefore + completed);
    if (ledger.refork.isPresent()) {
      var refork = ledger.refork.get();
      refork
          .permit()
          .ifPresent(
              id ->
                  assertThat(beginOfPermit.merge(id, refork.started(), (a, b) -> a))
                      .withFailMessage(() -> "two reforks by the permit " + id + tail.get())
                      .isEqualTo(refork.started()));
      assertThat(
              ledger.steering == Ledger.Steering.NONE
                  || refork.permit().isPresent()
                  || refork.purpose() == Refork.Purpose.RECOVER
                  || refork.cause().equals("signal"))
          .withFailMessage(() -> "a steered pool reforks by itself: " + refork + tail.get())
          .isTrue();
    }
  }

  /** In a quiet pool every permit has ended. */
  void permitsEnded(Set<String> given) {
    assertThat(endedPermits)
        .withFailMessage(() -> "given " + given + ", ended " + endedPermits + tail.get())
        .containsAll(given);
  }

  /** To be called after a step; {@code serving}: the pool is not on its way out. */
  void after(boolean serving) {
    if (serving) {
      floorHolds();
      aborted();
    }
    var ledger = pool.ledger();
    assertThat(ledger.workers.size())
        .withFailMessage(() -> "too many workers: " + pool.view() + tail.get())
        .isLessThanOrEqualTo(most);
    for (var mold : ledger.molds.keySet()) {
      assertThat(outstanding().stream().filter(w -> w.mold() == mold).count())
          .withFailMessage(() -> "two spawns outstanding" + tail.get())
          .isLessThanOrEqualTo(1);
    }
  }

  private List<Worker> outstanding() {
    return pool.ledger().workers.values().stream()
        .filter(w -> w.state() instanceof State.Spawning || w.pid().isEmpty())
        .toList();
  }

  /** What an aborted refork has made goes, and is used for nothing any more. */
  private void aborted() {
    var ledger = pool.ledger();
    if (ledger.lastRefork.isEmpty() || !ledger.lastRefork.get().outcome().equals("aborted")) {
      return;
    }
    int generation = ledger.lastRefork.get().generation();
    assertThat(ledger.workers.values())
        .filteredOn(w -> w.generation() == generation)
        .withFailMessage(() -> "a worker of an aborted generation stays" + tail.get())
        .allMatch(w -> w.leaving() || w.mark().isPresent());
    assertThat(ledger.molds.values())
        .filteredOn(m -> m.generation() == generation)
        .withFailMessage(() -> "the mold of an aborted generation stays" + tail.get())
        .allMatch(Mold::leaving);
  }

  /** In a quiet pool every process is one that the pool knows and needs. */
  void nobodyElse() {
    var ledger = pool.ledger();
    var needed = new HashSet<>(readyPids());
    needed.add(ledger.current);
    assertThat(world.alive.keySet())
        .withFailMessage(
            () -> "alive " + world.alive.keySet() + ", needed " + needed + pool.view() + tail.get())
        .isEqualTo(needed);
  }

  /** Nobody is taken out of rotation on purpose when the floor would not hold. */
  private void floorHolds() {
    var ledger = pool.ledger();
    var now = readyPids();
    var chosen =
        ledger.workers.values().stream()
            .filter(w -> w.pid().isPresent() && readyBefore.contains(w.pid().getAsInt()))
            .filter(w -> w.state() instanceof State.Promoting || asked(w.state()))
            .filter(w -> !leavingBefore.contains(w.spawn()))
            .toList();
    if (!chosen.isEmpty()) {
      assertThat(now.size())
          .withFailMessage(
              () -> "below the floor of " + ledger.floor() + " by choice: " + chosen + tail.get())
          .isGreaterThanOrEqualTo(ledger.floor());
    }
  }

  private static boolean asked(State state) {
    return state instanceof State.Leaving l
        && l.stage() == Stage.DRAIN
        && (l.why() == ExitReason.REQUESTED
            || l.why() == ExitReason.RECYCLED
            || l.why() == ExitReason.SUPERSEDED);
  }

  private Set<Integer> readyPids() {
    return pool.ledger().workers.values().stream()
        .filter(Worker::ready)
        .map(w -> w.pid().orElseThrow())
        .collect(Collectors.toCollection(HashSet::new));
  }

  /** One of a step's actions, before it is done. */
  void check(Action action, List<Action> actions) {
    if (action instanceof Action.Welcome w && w.slot() < 0) {
      var other = moldOfGeneration.put(w.generation(), w.pid());
      assertThat(other)
          .withFailMessage(() -> "two molds of generation " + w.generation() + tail.get())
          .isNull();
    }
    if (action instanceof Action.Promote p) {
      var later = actions.subList(actions.indexOf(action), actions.size());
      var outstanding =
          outstanding().stream()
              .filter(
                  w ->
                      later.stream()
                          .noneMatch(
                              a -> a instanceof Action.Spawn s && s.spawn().equals(w.spawn())))
              .toList();
      assertThat(outstanding)
          .withFailMessage(() -> "promotion with a spawn outstanding: " + outstanding + tail.get())
          .isEmpty();
    }
  }
}
