package io.refork.agent.pool;

import io.refork.agent.linux.ExitStatus;
import io.refork.agent.linux.Signal;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.IntFunction;

/**
 * The processes of a {@link PoolDriver}: they do what actions ask, a few milliseconds later, and
 * well, unless a test scripts them otherwise.
 */
final class ScriptedProcesses {
  /** What a newborn worker does. */
  enum Newborn {
    GETS_READY,
    DIES_BEFORE_HELLO,
    SAYS_NO_HELLO,
    DIES_BEFORE_READY,
    NEVER_READY
  }

  /** What a worker does that is asked to promote. */
  enum Candidate {
    FORKS,
    REFUSES,
    IS_SILENT,
    DIES,
    ITS_MOLD_DIES,
    ITS_MOLD_HANGS
  }

  private record Due(long at, long order, Event event) {}

  private record Process(String spawn, int generation, boolean mold) {}

  private final PriorityQueue<Due> queue =
      new PriorityQueue<>(Comparator.comparingLong(Due::at).thenComparingLong(Due::order));
  private final Map<Integer, Process> alive = new TreeMap<>();
  private final Set<Integer> welcomed = new HashSet<>();
  private long order;
  private long now;
  private int nextPid = 100;

  IntFunction<Newborn> newborns = generation -> Newborn.GETS_READY;
  IntFunction<Duration> readyAfter = generation -> Duration.ofMillis(10);
  Candidate candidates = Candidate.FORKS;
  ReforkReason refusal = ReforkReason.THREADS;
  Duration moldReadyAfter = Duration.ofMillis(50);

  /** Whether molds do what they are told; false: they hang. */
  boolean moldsFork = true;

  /** Whether the command ends at once instead of becoming a mold. */
  boolean bootsFail;

  /** Those that neither {@code stop} nor TERM ends. */
  final Set<Integer> stubborn = new HashSet<>();

  /** When the next event is due; {@code Long.MAX_VALUE}: never. */
  long nextAt() {
    return queue.isEmpty() ? Long.MAX_VALUE : queue.peek().at();
  }

  /** The next event, or a tick when its process is gone. */
  Event next() {
    var event = queue.remove().event();
    var possible =
        switch (event) {
          case Event.Exited e -> alive.containsKey(e.pid());
          case Event.Hello e -> alive.containsKey(e.pid());
          case Event.Ready e -> alive.containsKey(e.pid());
          case Event.Spawned e -> alive.containsKey(e.by());
          case Event.Promoting e -> alive.containsKey(e.pid());
          case Event.Refused e -> alive.containsKey(e.pid());
          default -> true;
        };
    return possible ? event : new Event.Tick();
  }

  void gone(int pid) {
    alive.remove(pid);
  }

  int count() {
    return alive.size();
  }

  private void later(Duration time, Event event) {
    queue.add(new Due(now + time.toNanos(), order++, event));
  }

  private void later(long millis, Event event) {
    later(Duration.ofMillis(millis), event);
  }

  private int fork(String spawn, int generation, boolean mold) {
    int pid = nextPid++;
    alive.put(pid, new Process(spawn, generation, mold));
    return pid;
  }

  /** Does what the pool asks at this time. */
  void obey(Action action, long time) {
    now = time;
    switch (action) {
      case Action.StartBootMold a -> {
        int pid = fork("", a.generation(), true);
        later(0, new Event.BootStarted(pid));
        later(
            5,
            bootsFail
                ? new Event.Exited(pid, new ExitStatus.Code(1))
                : new Event.Hello(pid, pid, new Event.Claim.BootMold(true)));
      }
      case Action.Welcome a -> welcome(a);
      case Action.Spawn a -> spawn(a);
      case Action.Promote a -> promote(a);
      case Action.AskStop a -> {
        if (!stubborn.contains(a.pid())) {
          later(5, new Event.Exited(a.pid(), new ExitStatus.Code(0)));
        }
      }
      case Action.Kill a -> signal(a.pid(), a.signal());
      case Action.KillNewborn a ->
          alive.forEach(
              (pid, p) -> {
                if (p.spawn().equals(a.spawn()) && !welcomed.contains(pid)) {
                  signal(pid, Signal.KILL);
                }
              });
      case Action.SignalCommand a -> signal(a.command(), a.signal());
      case Action.SignalStrays a -> alive.keySet().forEach(pid -> signal(pid, a.signal()));
      case Action.TurnAway a -> {}
      case Action.Resume a -> {}
      case Action.ReforkEnded a -> {}
      case Action.Note a -> {}
      case Action.Exit a -> {}
    }
  }

  private void welcome(Action.Welcome action) {
    welcomed.add(action.pid());
    var process = alive.get(action.pid());
    if (process.mold()) {
      if (process.spawn().isEmpty() || candidates != Candidate.ITS_MOLD_HANGS) {
        later(moldReadyAfter, new Event.Ready(action.pid()));
      }
      return;
    }
    switch (newborns.apply(process.generation())) {
      case DIES_BEFORE_READY -> later(5, new Event.Exited(action.pid(), new ExitStatus.Killed(11)));
      case NEVER_READY -> {}
      default -> later(readyAfter.apply(process.generation()), new Event.Ready(action.pid()));
    }
  }

  private void spawn(Action.Spawn action) {
    if (!moldsFork || !alive.containsKey(action.mold())) {
      return;
    }
    int pid = fork(action.spawn(), action.generation(), false);
    later(1, new Event.Spawned(action.mold(), action.spawn(), pid));
    switch (newborns.apply(action.generation())) {
      case DIES_BEFORE_HELLO -> later(2, new Event.Exited(pid, new ExitStatus.Code(3)));
      case SAYS_NO_HELLO -> {}
      default -> later(2, hello(pid, action.spawn(), false));
    }
  }

  private static Event hello(int pid, String spawn, boolean mold) {
    return new Event.Hello(pid, pid, new Event.Claim.Newborn(mold, spawn, true, true));
  }

  private void promote(Action.Promote action) {
    int worker = action.worker();
    if (candidates == Candidate.IS_SILENT) {
      return;
    }
    later(1, new Event.Promoting(worker));
    switch (candidates) {
      case DIES -> later(2, new Event.Exited(worker, new ExitStatus.Killed(9)));
      case REFUSES -> later(2, new Event.Refused(worker, refusal, "because"));
      default -> {
        int mold = fork(action.spawn(), action.generation(), true);
        later(3, new Event.Spawned(worker, action.spawn(), mold));
        if (candidates == Candidate.ITS_MOLD_DIES) {
          later(5, new Event.Exited(mold, new ExitStatus.Killed(9)));
        } else {
          later(4, hello(mold, action.spawn(), true));
        }
      }
    }
  }

  private void signal(int pid, Signal signal) {
    if (signal == Signal.KILL || signal == Signal.TERM && !stubborn.contains(pid)) {
      later(1, new Event.Exited(pid, new ExitStatus.Killed(signal.number())));
    }
  }
}
