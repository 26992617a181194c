package io.refork.agent.pool;

import static java.util.concurrent.TimeUnit.MILLISECONDS;

import io.refork.agent.linux.ExitStatus;
import io.refork.agent.linux.Signal;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.TreeMap;

/**
 * The processes of a pod, simulated: they do what the actions ask, later, or not at all, or
 * something else. One seed is one schedule.
 */
final class World {
  /** How a process behaves; drawn when it is forked. */
  enum Nature {
    GOOD,
    DIES_BEFORE_HELLO,
    HANGS_BEFORE_HELLO,
    DIES_BEFORE_READY,
    NEVER_READY,
    DIES_SOON,
    HANGS_LATER,
    IGNORES_TERM
  }

  static final class Process {
    final int pid;
    final String spawn;
    final boolean mold;
    final int generation;
    final Nature nature;
    boolean welcomed;
    boolean ready;
    boolean leaving;

    /** Forked, and not yet far enough to bear the name of its spawn. */
    boolean nameless;

    long served;
    long errors;
    long heartbeat = 1;

    Process(int pid, String spawn, boolean mold, int generation, Nature nature) {
      this.pid = pid;
      this.spawn = spawn;
      this.mold = mold;
      this.generation = generation;
      this.nature = nature;
    }
  }

  private record Due(long at, long order, Event event) {}

  final Random random;
  final TreeMap<Integer, Process> alive = new TreeMap<>();
  private final PriorityQueue<Due> queue =
      new PriorityQueue<>(Comparator.comparingLong(Due::at).thenComparingLong(Due::order));
  private long order;
  private int nextPid = 100;
  long now = 1;

  /** Share of processes that misbehave, 0 to 1; 0 in the quiet part of a schedule. */
  double faults;

  /** Share of requests that a process answers by an error, from this generation on. */
  int badGeneration = Integer.MAX_VALUE;

  World(long seed, double faults) {
    random = new Random(seed);
    this.faults = faults;
  }

  // --- time ----------------------------------------------------------------------------------

  long nextEventAt() {
    return queue.isEmpty() ? Long.MAX_VALUE : queue.peek().at();
  }

  /** The next event that still makes sense at its time, or a tick. */
  Event next() {
    var due = queue.poll();
    now = Math.max(now, due.at());
    return due.event();
  }

  private void later(long maxMillis, Event event) {
    queue.add(new Due(now + MILLISECONDS.toNanos(1 + random.nextLong(maxMillis)), order++, event));
  }

  private void in(long millis, Event event) {
    queue.add(new Due(now + MILLISECONDS.toNanos(millis), order++, event));
  }

  boolean chance(double share) {
    return random.nextDouble() < share;
  }

  // --- what the kernel guarantees ------------------------------------------------------------

  /** Whether an event can still happen: the dead say nothing, and die once. */
  boolean possible(Event event) {
    return switch (event) {
      case Event.Hello e -> alive.containsKey(e.pid()) && !alive.get(e.pid()).welcomed;
      case Event.Ready e -> alive.containsKey(e.pid()) && !alive.get(e.pid()).leaving;
      case Event.Exited e -> alive.remove(e.pid()) != null;
      case Event.Spawned e -> alive.containsKey(e.by());
      case Event.SpawnFailed e -> alive.containsKey(e.by());
      case Event.Promoting e -> alive.containsKey(e.pid());
      case Event.Refused e -> alive.containsKey(e.pid());
      case Event.Disconnected e -> alive.containsKey(e.pid());
      case Event.Halted e -> alive.containsKey(e.pid());
      default -> true;
    };
  }

  void kill(int pid, ExitStatus status, long withinMillis) {
    if (alive.containsKey(pid)) {
      alive.get(pid).leaving = true;
      later(withinMillis, new Event.Exited(pid, status));
    }
  }

  private Process fork(String spawn, boolean mold, int generation) {
    var natures = Nature.values();
    var nature = chance(faults) ? natures[1 + random.nextInt(natures.length - 1)] : Nature.GOOD;
    var process = new Process(nextPid++, spawn, mold, generation, nature);
    alive.put(process.pid, process);
    return process;
  }

  // --- doing what the actions say ------------------------------------------------------------

  void execute(Action action) {
    switch (action) {
      case Action.StartBootMold a -> boot(a);
      case Action.Welcome a -> welcomed(alive.get(a.pid()));
      case Action.TurnAway a -> {}
      case Action.Spawn a -> spawn(a);
      case Action.Promote a -> promote(a);
      case Action.Resume a -> {}
      case Action.AskStop a -> {
        var process = alive.get(a.pid());
        if (process != null && obeys(process)) {
          kill(a.pid(), new ExitStatus.Code(0), chance(0.1) ? 8_000 : 200);
        }
      }
      case Action.Kill a -> signal(a.pid(), a.signal());
      case Action.KillNewborn a ->
          List.copyOf(alive.values()).stream()
              .filter(p -> p.spawn.equals(a.spawn()) && !p.welcomed && !p.nameless)
              .forEach(p -> signal(p.pid, Signal.KILL));
      case Action.SignalCommand a -> signal(a.command(), a.signal());
      case Action.SignalStrays a -> alive.keySet().forEach(pid -> signal(pid, Signal.KILL));
      case Action.ReforkEnded a -> {}
      case Action.Note a -> {}
      case Action.Exit a -> {}
    }
  }

  private static boolean obeys(Process process) {
    return switch (process.nature) {
      case IGNORES_TERM, HANGS_LATER, NEVER_READY, HANGS_BEFORE_HELLO -> false;
      default -> true;
    };
  }

  private void signal(int pid, Signal signal) {
    var process = alive.get(pid);
    if (process == null) {
      return;
    }
    switch (signal) {
      case KILL -> kill(pid, new ExitStatus.Killed(9), 20);
      case TERM -> {
        if (process.nature != Nature.IGNORES_TERM) {
          kill(pid, new ExitStatus.Killed(15), 100);
        }
      }
      default -> {}
    }
  }

  private void boot(Action.StartBootMold action) {
    if (chance(faults / 4)) {
      in(0, new Event.BootFailed(2, "no such file"));
      return;
    }
    var process = fork("", true, action.generation());
    in(0, new Event.BootStarted(process.pid));
    hello(process, new Event.Claim.BootMold(true), 300);
  }

  private void hello(Process process, Event.Claim claim, long maxMillis) {
    switch (process.nature) {
      case DIES_BEFORE_HELLO ->
          later(maxMillis, new Event.Exited(process.pid, new ExitStatus.Code(3)));
      case HANGS_BEFORE_HELLO -> {}
      default -> later(maxMillis, new Event.Hello(process.pid, process.pid, claim));
    }
  }

  private void welcomed(Process process) {
    if (process == null) {
      return;
    }
    process.welcomed = true;
    switch (process.nature) {
      case DIES_BEFORE_READY ->
          later(100, new Event.Exited(process.pid, new ExitStatus.Killed(11)));
      case NEVER_READY -> {}
      case DIES_SOON -> {
        later(50, new Event.Ready(process.pid));
        in(60 + random.nextLong(3000), new Event.Exited(process.pid, new ExitStatus.Code(1)));
      }
      default -> later(chance(0.1) ? 3_000 : 50, new Event.Ready(process.pid));
    }
  }

  private void spawn(Action.Spawn action) {
    if (!canFork(action.mold())) {
      return;
    }
    if (chance(faults / 4)) {
      later(20, new Event.SpawnFailed(action.mold(), action.spawn(), "EAGAIN"));
      return;
    }
    var newborn = fork(action.spawn(), false, action.generation());
    if (chance(faults / 4)) { // everything takes longer than anybody waits
      late(newborn, false);
      return;
    }
    if (chance(faults / 4)) { // the middle process was killed after its fork
      later(20, new Event.SpawnFailed(action.mold(), action.spawn(), "middle process died"));
    } else {
      in(1, new Event.Spawned(action.mold(), action.spawn(), newborn.pid));
    }
    hello(newborn, new Event.Claim.Newborn(false, action.spawn(), true, true), 30);
  }

  /** Says hello when nobody awaits it any more, perhaps. */
  private void late(Process newborn, boolean mold) {
    newborn.nameless = true;
    later(
        15_000,
        new Event.Hello(
            newborn.pid, newborn.pid, new Event.Claim.Newborn(mold, newborn.spawn, true, true)));
  }

  private boolean canFork(int pid) {
    var process = alive.get(pid);
    return process != null && !process.leaving && process.nature != Nature.HANGS_LATER;
  }

  private void promote(Action.Promote action) {
    var worker = alive.get(action.worker());
    if (worker == null || worker.leaving || worker.nature == Nature.HANGS_LATER) {
      return;
    }
    later(20, new Event.Promoting(worker.pid));
    if (chance(faults)) {
      var reasons = ReforkReason.values();
      later(2_000, new Event.Refused(worker.pid, reasons[random.nextInt(7)], "because"));
      return;
    }
    var mold = fork(action.spawn(), true, action.generation());
    if (chance(faults / 4)) {
      late(mold, true);
      return;
    }
    in(30, new Event.Spawned(worker.pid, action.spawn(), mold.pid));
    hello(mold, new Event.Claim.Newborn(true, action.spawn(), true, true), 200);
  }

  /** One look at the scoreboard; who hangs shows no heartbeat. */
  Event.Readings readings(boolean traffic) {
    var rows = new ArrayList<Event.Reading>();
    for (var process : alive.values()) {
      if (process.mold || !process.ready && !process.welcomed) {
        continue;
      }
      if (process.nature != Nature.HANGS_LATER || chance(0.2)) {
        process.heartbeat++;
        if (traffic) {
          var served = random.nextInt(40);
          process.served += served;
          process.errors += process.generation >= badGeneration ? served / 2 : 0;
        }
      }
      rows.add(
          new Event.Reading(
              process.pid, 0, 0, process.heartbeat, process.served, process.errors, false));
    }
    return new Event.Readings(rows);
  }
}
