package io.refork.agent;

import io.refork.agent.Members.Member;
import io.refork.agent.linux.ChildEvent;
import io.refork.agent.linux.ExitStatus;
import io.refork.agent.linux.Kernel;
import io.refork.agent.linux.Scoreboard;
import io.refork.agent.linux.Signal;
import io.refork.agent.log.Log;
import io.refork.agent.log.RateLimit;
import io.refork.agent.pool.Action;
import io.refork.agent.pool.Event;
import io.refork.agent.pool.Event.Reading;
import io.refork.agent.pool.Pool;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Consumer;

/**
 * The one thread that owns all state: it waits for the kernel, for processes, for users and for
 * time, tells the pool what happened, and has done what the pool answers. It never waits for
 * anything else.
 */
final class EventLoop {
  /** The safety net below every wake-up: a lost one costs a second. */
  private static final long TICK = Duration.ofSeconds(1).toNanos();

  /** How often the scoreboard is read: idle, it is a look per second; a canary is worth more. */
  private static final long READING = Duration.ofSeconds(1).toNanos();

  private static final long READING_IN_REFORK = Duration.ofMillis(250).toNanos();

  /** Nobody tells us when a stranger's child ends, so a stop looks ten times a second. */
  private static final long SWEEP = Duration.ofMillis(100).toNanos();

  private final Kernel kernel;
  private final Log log;
  private final Pool pool;
  private final Scoreboard board;
  private final Members members;
  private final Conversations conversations;
  private final Hands hands;
  private final PoolClock clock;
  private final Queue<Runnable> asked = new ConcurrentLinkedQueue<>();
  private final RateLimit orphanLines = new RateLimit(5, Duration.ofSeconds(10));
  private final RateLimit defects = new RateLimit(1, Duration.ofMinutes(1));
  private final ArrayDeque<Event> pending = new ArrayDeque<>();
  private boolean stepping;
  private boolean changed;
  private long nextReading;
  private long nextSweep;
  private long orphans;
  private Optional<Integer> exit = Optional.empty();

  /** What the loop does for users once a turn: status, local socket, configuration, samples. */
  interface Side {
    /** More descriptors to wait for. */
    List<Integer> readable();

    /** One of them can be read. */
    void read(int fd);

    /** Pool time by which it wants a turn; {@code Long.MAX_VALUE} when any will do. */
    long due();

    /** Called at the end of each turn; {@code changed}: the pool has done something. */
    void turned(long poolNow, boolean changed);
  }

  EventLoop(
      Kernel kernel, Log log, Pool pool, Scoreboard board, int moldSocket, Hands.Facts facts) {
    this.kernel = kernel;
    this.log = log;
    this.pool = pool;
    this.board = board;
    this.members = new Members(kernel);
    this.clock = new PoolClock(kernel.monotonicNanos());
    this.conversations =
        new Conversations(kernel, log, members, moldSocket, pool::bootCommand, this::tell);
    this.hands = new Hands(kernel, log, pool, board, members, conversations, facts, this::tell);
  }

  /** Calls {@code observer} with each transition, on this loop's thread. */
  void observe(Consumer<Action.Transition> observer) {
    hands.observe(observer);
  }

  /** Calls {@code ended} whenever a refork or permit has ended, on this loop's thread. */
  void reforkEnded(Consumer<Action.ReforkEnded> ended) {
    hands.reforkEnded(ended);
  }

  Members members() {
    return members;
  }

  long orphans() {
    return orphans;
  }

  long turnedAway() {
    return conversations.turnedAway();
  }

  List<StatusMaker.Seen> failures() {
    return hands.failures();
  }

  /** Asks something of the pool from another thread, or from the side. */
  void ask(Event event) {
    add(() -> tell(event));
  }

  /** Has something done on this loop's thread, after everything that was asked before. */
  void later(Runnable work) {
    add(() -> aside(work));
  }

  private void add(Runnable work) {
    asked.add(work);
    kernel.wake();
  }

  /** Runs until the pool has ended; returns the exit code. */
  int run(Side side) {
    tell(new Event.Tick());
    while (exit.isEmpty()) {
      turn(side);
    }
    conversations.closeAll();
    return exit.get();
  }

  private void turn(Side side) {
    var waits = new ArrayList<Integer>();
    waits.add(kernel.signalFd());
    waits.add(conversations.listener());
    waits.addAll(conversations.readable());
    waits.addAll(members.pidFds());
    waits.addAll(side.readable());
    var ready = kernel.poll(ints(waits), ints(conversations.writable()), timeout(side));
    clock.advance(kernel.monotonicNanos());
    changed = false;

    for (var signal : kernel.signals()) {
      signalled(signal);
    }
    reap(ready);
    if (ready.readable().contains(conversations.listener())) {
      conversations.accept(clock.now());
    }
    for (var fd : ready.readable()) {
      aside(() -> side.read(fd));
    }
    for (var work = asked.poll(); work != null; work = asked.poll()) {
      work.run();
    }
    if (clock.now() >= nextReading) {
      nextReading = clock.now() + (pool.reforking() ? READING_IN_REFORK : READING);
      tell(new Event.Readings(readings()));
      conversations.expire(clock.now());
    }
    if (pool.nextDeadline() <= clock.now()) {
      tell(new Event.Tick());
    }
    if (pool.sweeping() && exit.isEmpty() && clock.now() >= nextSweep) {
      nextSweep = clock.now() + SWEEP;
      tell(new Event.Strays(Strays.of(kernel).size()));
    }
    aside(() -> side.turned(clock.now(), changed));
  }

  /** What users see may have a defect; that must not cost them what they see it of. */
  private void aside(Runnable work) {
    try {
      work.run();
    } catch (RuntimeException e) {
      if (defects.admit(clock.now())) {
        log.error("a defect of the agent, beside the pool", "error", e);
      }
    }
  }

  private Duration timeout(Side side) {
    long next = Math.min(clock.now() + TICK, Math.min(nextReading, pool.nextDeadline()));
    next = Math.min(next, side.due());
    if (pool.sweeping()) {
      next = Math.min(next, nextSweep);
    }
    return Duration.ofNanos(Math.max(0, next - clock.now()));
  }

  // --- what happened -------------------------------------------------------------------------

  private void signalled(Signal signal) {
    switch (signal) {
      case TERM, QUIT -> tell(new Event.StopAsked(false));
      case INT -> tell(new Event.StopAsked(true));
      case HUP -> tell(new Event.ReplaceAsked());
      case USR2 -> tell(new Event.ReforkAsked("signal"));
      default -> {}
    }
  }

  /**
   * The dead first leave the kernel, then their last words are read, then the pool hears of them:
   * so a message never comes after the death of its sender, and a pid that is free again is never
   * signalled.
   */
  private void reap(Kernel.Ready ready) {
    var children = kernel.reap();
    var told = ready.readable().stream().map(members::byPidFd).flatMap(Optional::stream).toList();
    members.reaped(
        children.stream()
            .filter(c -> c instanceof ChildEvent.Exited)
            .map(ChildEvent::pid)
            .toList());
    if (children.isEmpty() && told.isEmpty()) {
      for (var fd : ready.readable()) {
        conversations.read(fd);
      }
    } else {
      conversations.readAll();
    }
    for (var fd : ready.writable()) {
      conversations.write(fd);
    }
    for (var child : children) {
      switch (child) {
        case ChildEvent.Exited e -> exited(e.pid(), e.status());
        case ChildEvent.Stopped s -> tell(new Event.Halted(s.pid()));
      }
    }
    for (var member : told) {
      // Re-parented to us before it ended, it was reaped just now, and is told already.
      if (members.byPid(member.pid()).isPresent()) {
        exited(member.pid(), new ExitStatus.Untold());
      }
    }
    members.reaped(List.of());
  }

  private void exited(int pid, ExitStatus status) {
    var member = members.byPid(pid);
    if (member.isEmpty() && !hands.isCommand(pid) && !pool.knows(pid)) {
      // A stranger: nothing to the pool.
      orphan(pid, status);
      return;
    }
    member.ifPresent(this::lastReading);
    tell(new Event.Exited(pid, status));
    hands.gone(pid);
    member.ifPresent(
        m -> {
          conversations.dead(m.link());
          members.remove(m);
          board.release(m.row());
        });
  }

  private void lastReading(Member member) {
    board.read(member.row()).ifPresent(r -> tell(new Event.Readings(List.of(reading(r)))));
  }

  private void orphan(int pid, ExitStatus status) {
    orphans++;
    changed = true;
    if (orphanLines.admit(clock.now())) {
      var kept = orphanLines.takeSuppressed();
      log.info(
          "orphan reaped",
          "pid",
          pid,
          "code",
          status.shellCode(),
          "more",
          kept == 0 ? Optional.empty() : Optional.of(kept));
    }
  }

  private List<Reading> readings() {
    return board.rows().stream().map(EventLoop::reading).toList();
  }

  private static Reading reading(Scoreboard.Row row) {
    return new Reading(
        row.pid(),
        row.busy(),
        row.oldestNanos(),
        row.heartbeatNanos(),
        row.served(),
        row.errors(),
        row.state() == Scoreboard.State.PROMOTING || row.state() == Scoreboard.State.DRAINING);
  }

  // --- telling the pool ----------------------------------------------------------------------

  /** One event, and everything that doing its actions brings about, in order and never nested. */
  private void tell(Event event) {
    pending.add(event);
    if (stepping) {
      return;
    }
    stepping = true;
    try {
      for (var next = pending.poll(); next != null; next = pending.poll()) {
        for (var action : pool.on(next, clock.now())) {
          hands.execute(action);
          changed = true;
          if (action instanceof Action.Exit e) {
            exit = Optional.of(e.code());
          }
        }
      }
    } finally {
      stepping = false;
    }
  }

  private static int[] ints(List<Integer> list) {
    return list.stream().mapToInt(Integer::intValue).toArray();
  }
}
