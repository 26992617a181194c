package io.refork.agent.pool;

import io.refork.agent.linux.ExitStatus;
import io.refork.agent.pool.ScriptedProcesses.Candidate;
import io.refork.agent.pool.ScriptedProcesses.Newborn;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.IntFunction;

/**
 * The pool's edge, played: processes that behave unless a test says otherwise, and time that passes
 * when a test says so. The pool gets no event but those that something causes, and a tick when it
 * said that it needs one; so a deadline that it forgets to tell is noticed.
 */
final class PoolDriver {
  /** More steps than any time that a test lets pass has; else a deadline stays and spins. */
  private static final int MANY = 20_000;

  /** How often the edge counts strays, at least. */
  private static final long SWEEP = Duration.ofMillis(100).toNanos();

  private final Pool pool;
  private final ScriptedProcesses processes = new ScriptedProcesses();
  private final Map<Integer, Long> served = new HashMap<>();
  private final Map<Integer, Long> errors = new HashMap<>();
  private final List<Action> actions = new ArrayList<>();
  private long now = 1;
  private int strays;
  private int leastReady = Integer.MAX_VALUE;
  private int most;

  PoolDriver(PoolSettings settings) {
    this(new Pool(settings, new Random(1)));
  }

  PoolDriver(Pool pool) {
    this.pool = pool;
    on(new Event.Tick());
  }

  // --- what a test arranges --------------------------------------------------------------------

  /** What workers forked from now on do, by generation. */
  PoolDriver newborns(IntFunction<Newborn> behaviour) {
    processes.newborns = behaviour;
    return this;
  }

  /** From hello to ready, by generation. */
  PoolDriver readyAfter(IntFunction<Duration> time) {
    processes.readyAfter = time;
    return this;
  }

  PoolDriver candidates(Candidate behaviour) {
    processes.candidates = behaviour;
    return this;
  }

  PoolDriver candidatesRefuse(ReforkReason reason) {
    processes.refusal = reason;
    return candidates(Candidate.REFUSES);
  }

  /** How long a mold prepares itself. */
  PoolDriver moldReadyAfter(Duration time) {
    processes.moldReadyAfter = time;
    return this;
  }

  /** Molds take commands and do nothing from now on; or again. */
  PoolDriver moldsFork(boolean yes) {
    processes.moldsFork = yes;
    return this;
  }

  /** The command ends at once from now on; or again becomes a mold. */
  PoolDriver bootsFail(boolean yes) {
    processes.bootsFail = yes;
    return this;
  }

  /** Descendants that are none of the pool's and that nothing ends. */
  PoolDriver strays(int count) {
    strays = count;
    return this;
  }

  /** A process that only KILL ends. */
  PoolDriver stubborn(int pid) {
    processes.stubborn.add(pid);
    return this;
  }

  // --- what happens ----------------------------------------------------------------------------

  /** One event, and whatever it makes the pool do at once. */
  PoolDriver on(Event event) {
    if (event instanceof Event.Exited e) {
      processes.gone(e.pid());
    }
    for (var action : pool.on(event, now)) {
      actions.add(action);
      processes.obey(action, now);
    }
    leastReady = Math.min(leastReady, ready());
    most = Math.max(most, pool.ledger().workers.size());
    return this;
  }

  /** Somebody asks for a refork. */
  PoolDriver askRefork() {
    return on(new Event.ReforkAsked("test"));
  }

  /** The operator gives leave. */
  PoolDriver permit(String id, int level, Duration within) {
    return on(new Event.Permitted(id, level, within));
  }

  /**
   * How reforks and permits ended since the last {@link #forget}: {@code permit outcome reason}.
   */
  List<String> endings() {
    return all(Action.ReforkEnded.class).stream()
        .map(e -> (e.permit().orElse("-") + " " + e.outcome() + " " + e.reason()).strip())
        .toList();
  }

  /** Time passes, with all that it brings. */
  PoolDriver pass(Duration time) {
    var end = now + time.toNanos();
    for (int steps = 0; !ended(); steps++) {
      if (steps > MANY) {
        throw new AssertionError("a deadline that is never met: " + pool.view());
      }
      var event = processes.nextAt();
      var next = Math.min(event, Math.max(now, pool.nextDeadline()));
      if (pool.sweeping()) {
        next = Math.min(next, now + SWEEP);
      }
      if (next > end) {
        break;
      }
      now = next;
      on(event == next ? processes.next() : new Event.Tick());
      if (pool.sweeping()) {
        on(new Event.Strays(processes.count() + strays));
      }
    }
    now = end;
    return this;
  }

  PoolDriver seconds(long count) {
    return pass(Duration.ofSeconds(count));
  }

  /** A process ends by itself. */
  PoolDriver dies(int pid) {
    return on(new Event.Exited(pid, new ExitStatus.Killed(11)));
  }

  /** The worker of a slot has answered so many more requests, so many of them errors. */
  PoolDriver serves(int slot, long requests, long failed) {
    int pid = pid(slot);
    served.merge(pid, requests, Long::sum);
    errors.merge(pid, failed, Long::sum);
    return on(
        new Event.Readings(
            List.of(new Event.Reading(pid, 0, 0, 1, served.get(pid), errors.get(pid), false))));
  }

  /** Every ready worker has answered so many more requests. */
  PoolDriver allServe(long requests) {
    for (var worker : List.copyOf(pool.ledger().workers.values())) {
      if (worker.ready()) {
        serves(worker.slot(), requests, 0);
      }
    }
    return this;
  }

  // --- what a test sees ------------------------------------------------------------------------

  Pool pool() {
    return pool;
  }

  int ready() {
    return pool.ledger().readyCount();
  }

  int pid(int slot) {
    return pool.ledger().workers.get(slot).pid().orElseThrow();
  }

  /** The mold that forks workers; 0: none. */
  int mold() {
    return pool.ledger().current;
  }

  /** Whether the pool ended its agent. */
  boolean ended() {
    return !all(Action.Exit.class).isEmpty();
  }

  /** Generations of the ready workers, by slot. */
  List<Integer> generations() {
    return pool.ledger().workers.values().stream()
        .filter(Worker::ready)
        .map(Worker::generation)
        .toList();
  }

  /** Pids of the ready workers, by slot. */
  List<Integer> pids() {
    return pool.ledger().workers.values().stream()
        .filter(Worker::ready)
        .map(w -> w.pid().orElseThrow())
        .toList();
  }

  /** Generations of the molds that can fork, the oldest first. */
  List<Integer> molds() {
    return pool.ledger().molds.values().stream()
        .filter(Mold::ready)
        .map(Mold::generation)
        .sorted()
        .toList();
  }

  /** {@code phase} of a running refork, else {@code outcome reason} of the last one, else none. */
  String refork() {
    return pool.view()
        .refork()
        .map(
            r ->
                r.outcome().equals("running")
                    ? r.phase()
                    : (r.outcome() + " " + r.reason()).strip())
        .orElse("none");
  }

  /** Every action of a kind since the last {@link #forget}. */
  <A extends Action> List<A> all(Class<A> kind) {
    return actions.stream().filter(kind::isInstance).map(kind::cast).toList();
  }

  /** The fewest workers that were ready at once since then. */
  int leastReady() {
    return leastReady;
  }

  /** The most workers that existed at once since then, leaving ones too. */
  int most() {
    return most;
  }

  PoolDriver forget() {
    actions.clear();
    leastReady = ready();
    most = pool.ledger().workers.size();
    return this;
  }
}
