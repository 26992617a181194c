package io.refork.agent.pool;

import io.refork.agent.linux.ExitStatus;
import io.refork.agent.pool.Action.Level;
import io.refork.agent.pool.Ledger.Backoff;
import io.refork.agent.pool.Ledger.Mode;
import io.refork.agent.pool.Ledger.Steering;
import io.refork.agent.pool.Refork.Phase;
import io.refork.agent.pool.Worker.Stage;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.random.RandomGenerator;

/**
 * The state machine of one pod's pool: events in, actions out. No I/O, no clock, no logger, no
 * thread; a run is a function of its events, their times and the seed. Not thread-safe: the event
 * loop owns it.
 *
 * <p>Each step first takes the event over as a fact, then applies every rule until none has
 * anything left to do. So no event needs to know what else is going on, and whatever fails leads to
 * the next look at what is missing.
 *
 * <p>Invariants, checked after each step of the simulation: workers ≤ wanted + max(surge, one
 * spare); ready workers ≥ wanted − {@code maxUnavailable} unless one died by itself; at most one
 * mold per generation and never a generation twice; at most one spawn outstanding per mold; no
 * promotion begins with a spawn outstanding; a stop ends.
 */
public final class Pool {
  /**
   * Rules feed each other a few times at most; beyond this they would contradict each other for
   * ever.
   */
  private static final int MAX_PASSES = 100;

  private final Ledger ledger;
  private final Boots boots;
  private final WorkerLives lives;
  private final Slots slots;
  private final Permits permits;
  private final Promotions promotions;
  private final Rollouts rollouts;
  private final Shutdown shutdown;

  /** A pool that has not started anything yet; the first {@link #on} starts the command. */
  public Pool(PoolSettings settings, RandomGenerator random) {
    this(new Ledger(settings, Steering.NONE, random));
  }

  /** One that an operator steers: by itself it only says what it is ready for. */
  public static Pool steered(PoolSettings settings, RandomGenerator random) {
    return new Pool(new Ledger(settings, Steering.OPERATOR, random));
  }

  private Pool(Ledger ledger) {
    this.ledger = ledger;
    permits = new Permits(ledger);
    boots = new Boots(ledger);
    lives = new WorkerLives(ledger);
    slots = new Slots(ledger);
    promotions = new Promotions(ledger, boots);
    rollouts = new Rollouts(ledger, promotions);
    shutdown = new Shutdown(ledger, boots);
  }

  /**
   * One step.
   *
   * @param now nanoseconds of a clock that never goes back and stands still while the agent is
   *     stopped, so that nobody is blamed for a pause of ours
   */
  public List<Action> on(Event event, long now) {
    if (ledger.mode == Mode.ENDED) {
      return List.of();
    }
    ledger.now = now;
    ledger.failures.clear();
    take(event);
    decide();
    return ledger.takeActions();
  }

  // --- facts ---------------------------------------------------------------------------------

  private void take(Event event) {
    switch (event) {
      case Event.BootStarted e -> boots.started(e.command());
      case Event.BootFailed e -> boots.failedToStart(e.errno(), e.message());
      case Event.Hello e -> hello(e);
      case Event.Spawned e -> {
        // A pid that we know is no newborn's, or one that was quicker with its hello.
        if (ledger.worker(e.pid()).isEmpty() && !ledger.molds.containsKey(e.pid())) {
          lives.spawned(e);
          promotions.spawned(e);
        }
      }
      case Event.SpawnFailed e -> lives.spawnFailed(e);
      case Event.Ready e -> ready(e.pid());
      case Event.Promoting e ->
          ledger
              .worker(e.pid())
              .ifPresent(
                  w ->
                      ledger.note(Level.INFO, "worker left rotation", w, "", "", Optional.empty()));
      case Event.Refused e -> promotions.refused(e);
      case Event.Disconnected e -> disconnected(e);
      case Event.Exited e -> exited(e);
      case Event.Halted e -> halted(e.pid());
      case Event.Readings e -> lives.readings(e.rows());
      case Event.Shared e -> shared(e);
      case Event.ReforkAsked e -> reforkAsked(e.by());
      case Event.Permitted e -> permits.take(e);
      case Event.PermitWithdrawn() -> permits.withdraw();
      case Event.ReplaceAsked() -> {
        slots.replaceAll();
        ledger.note(
            Level.INFO,
            "replacing all workers",
            OptionalInt.empty(),
            generation(),
            "hup",
            "from the current mold; code is not loaded anew");
      }
      case Event.StopAsked e -> shutdown.ask(e.fast());
      case Event.Desired e -> ledger.settings = e.settings();
      case Event.Strays e -> shutdown.strays(e.count());
      case Event.Tick() -> {}
    }
  }

  private void hello(Event.Hello hello) {
    var known =
        ledger.worker(hello.pid()).filter(w -> !(w.state() instanceof Worker.State.Spawning));
    if (known.isPresent() || ledger.molds.containsKey(hello.pid())) {
      ledger.act(
          new Action.TurnAway(hello.connection(), "unexpected", "this process said hello before"));
      return;
    }
    switch (hello.claim()) {
      case Event.Claim.BootMold c -> boots.hello(hello, c);
      case Event.Claim.Newborn c when c.mold() -> promotions.hello(hello, c, lives);
      case Event.Claim.Newborn c -> lives.hello(hello, c);
    }
  }

  private void ready(int pid) {
    ledger.worker(pid).ifPresent(lives::ready);
    var mold = ledger.molds.get(pid);
    if (mold != null && mold.state() instanceof Mold.State.Preparing) {
      if (boots.owns(mold)) {
        boots.ready(mold);
      } else if (promotions.owns(mold)) {
        promotions.ready(mold);
      }
    }
  }

  private void disconnected(Event.Disconnected event) {
    ledger.worker(event.pid()).ifPresent(w -> lives.disconnected(w, event.why()));
    var mold = ledger.molds.get(event.pid());
    if (mold != null && !mold.leaving()) {
      // It may be ending; if it is not, nobody can command it any more.
      var bound = ledger.settings.timeouts().killAfter().toNanos();
      ledger.put(mold.in(new Mold.State.Leaving(Stage.DRAIN, ledger.now + bound)));
    }
  }

  private void exited(Event.Exited event) {
    ledger.worker(event.pid()).ifPresent(w -> lives.exited(w, event.status()));
    ledger.orphanedCommands.remove(event.pid());
    var mold = ledger.molds.remove(event.pid());
    if (mold != null) {
      moldGone(mold, event.status());
    } else if (!boots.commandGone(event.pid(), event.status())
        && ledger.refork.isPresent()
        && ledger.refork.get().phase() instanceof Phase.Promoting p
        && p.mold().isPresent()
        && p.mold().getAsInt() == event.pid()) {
      ledger.goneNewborns.add(event.pid());
    }
    for (var other : List.copyOf(ledger.molds.values())) {
      if (other.command().isPresent() && other.command().getAsInt() == event.pid()) {
        ledger.put(
            new Mold(
                other.pid(), other.generation(), other.state(), OptionalInt.empty(), other.born()));
      }
    }
  }

  private void moldGone(Mold mold, ExitStatus status) {
    if (ledger.current == mold.pid()) {
      ledger.current = 0;
    }
    if (!mold.leaving()
        || mold.state() instanceof Mold.State.Leaving l && l.stage() == Stage.KILL) {
      ledger.note(
          Level.WARN,
          "mold exited",
          OptionalInt.of(mold.pid()),
          mold.generation(),
          "mold-died",
          Text.of(status));
    } else {
      ledger.note(
          Level.INFO,
          "mold exited",
          OptionalInt.of(mold.pid()),
          mold.generation(),
          "requested",
          Text.of(status));
    }
    lives.moldGone(mold.pid());
    if (boots.owns(mold)) {
      boots.moldGone(mold, status);
    } else {
      mold.command().ifPresent(boots::end);
    }
    if (promotions.owns(mold)) {
      ledger.goneNewborns.add(mold.pid());
    }
  }

  /** A halted mold cannot fork, and nobody would notice until the next crash. */
  private void halted(int pid) {
    var mold = ledger.molds.get(pid);
    if (mold != null && !mold.leaving()) {
      ledger.note(
          Level.WARN,
          "mold was stopped by a signal",
          OptionalInt.of(pid),
          mold.generation(),
          "mold-died",
          "");
      ledger.kill(mold);
    }
  }

  private void shared(Event.Shared event) {
    var below = ledger.settings.refork().belowPercent();
    ledger.sharedLow =
        below.isPresent()
            && event.ratio().isPresent()
            && event.ratio().getAsDouble() * 100 < below.getAsInt();
  }

  private void reforkAsked(String by) {
    if (ledger.mode == Mode.SERVING && ledger.refork.isEmpty()) {
      ledger.reforkAsked = Optional.of(by);
    }
  }

  // --- rules ---------------------------------------------------------------------------------

  private void decide() {
    for (int pass = 0; pass < MAX_PASSES; pass++) {
      var before = ledger.actionCount();
      var refork = ledger.refork;
      pass();
      ledger.failures.clear();
      if (ledger.actionCount() == before && ledger.refork.equals(refork)) {
        return;
      }
    }
    throw new IllegalStateException("the rules of the pool do not come to rest");
  }

  private void pass() {
    if (ledger.mode == Mode.ENDED) {
      return;
    }
    boots.expire();
    boots.expireCommands();
    for (var mold : List.copyOf(ledger.molds.values())) {
      if (mold.state() instanceof Mold.State.Leaving l && ledger.now >= l.deadline()) {
        boots.escalate(mold, l);
      }
    }
    lives.expire();
    if (ledger.mode == Mode.STOPPING) {
      shutdown.advance();
    }
    permits.expire();
    if (ledger.mode == Mode.ENDED || !shutdown.serving()) {
      return;
    }
    switch (ledger.mode) {
      case BOOTING -> boots.start();
      case SERVING -> {
        ledger.refork.ifPresent(this::advance);
        promotions.recover();
        permits.expire(); // a refork that has just been completed has taken the level
        promotions.trigger();
        promotions.retireUnused();
        slots.fill();
        slots.replace();
      }
      case STOPPING -> slots.fill();
      case ENDED -> {}
    }
  }

  private void advance(Refork refork) {
    switch (refork.phase()) {
      case Phase.Spare p -> promotions.spare(refork, p);
      case Phase.Promoting p -> promotions.watch(refork, p);
      case Phase.Canary p -> rollouts.canary(refork, p);
      case Phase.Rolling p -> rollouts.rolling(refork, p);
    }
  }

  // --- questions -----------------------------------------------------------------------------

  /**
   * The time by which {@link #on} has to be called again, {@code Long.MAX_VALUE} when nothing is
   * due.
   */
  public long nextDeadline() {
    long next = Math.min(shutdown.deadline(), boots.deadline());
    for (var worker : ledger.workers.values()) {
      next =
          switch (worker.state()) {
            case Worker.State.Spawning s -> Math.min(next, s.deadline());
            case Worker.State.Starting s -> Math.min(next, s.deadline());
            case Worker.State.Leaving s -> Math.min(next, s.deadline());
            case Worker.State.Ready s -> next;
            case Worker.State.Promoting s -> next;
          };
    }
    for (var mold : ledger.molds.values()) {
      if (mold.state() instanceof Mold.State.Leaving l) {
        next = Math.min(next, l.deadline());
      }
    }
    for (var kill : ledger.orphanedCommands.values()) {
      next = Math.min(next, kill);
    }
    next = Math.min(next, permits.deadline());
    if (!shutdown.serving()) {
      return next;
    }
    for (int slot = 0; slot < ledger.settings.workers() + slots.extra(); slot++) {
      var retry = ledger.backoffs.getOrDefault(slot, Backoff.NONE).retryAt();
      if (!ledger.workers.containsKey(slot) && retry > ledger.now) {
        next = Math.min(next, retry);
      }
    }
    if (boots.retryAt() > ledger.now) {
      next = Math.min(next, boots.retryAt());
    }
    next = Math.min(next, promotions.retryAt());
    if (ledger.refork.isPresent()) {
      next =
          switch (ledger.refork.get().phase()) {
            case Phase.Spare p -> Math.min(next, p.deadline());
            case Phase.Promoting p -> Math.min(next, p.deadline());
            case Phase.Canary p when p.readyAt().isPresent() ->
                Math.min(
                    next,
                    p.readyAt().getAsLong() + ledger.settings.rollout().canarySoak().toNanos());
            case Phase.Canary p -> next;
            case Phase.Rolling p -> next;
          };
    }
    return next;
  }

  /** The pool at this instant, for the status. */
  public PoolView view() {
    return PoolView.of(ledger, boots, promotions);
  }

  /** Totals since the start. */
  public Tally tally() {
    return ledger.tally;
  }

  /** Whether a promotion or a rollout is under way, and worth a closer look. */
  public boolean reforking() {
    return ledger.refork.isPresent();
  }

  /** The settings that hold now. */
  public PoolSettings settings() {
    return ledger.settings;
  }

  /**
   * Whether the edge has to tell {@link Event.Strays}, each time a child ends and at least ten
   * times a second.
   */
  public boolean sweeping() {
    return shutdown.sweeping();
  }

  /** Whether the death of this process means anything here; commands apart. */
  public boolean knows(int pid) {
    return ledger.molds.containsKey(pid)
        || ledger.worker(pid).isPresent()
        || ledger.refork.isPresent()
            && ledger.refork.get().phase() instanceof Phase.Promoting p
            && p.mold().isPresent()
            && p.mold().getAsInt() == pid;
  }

  /** Whether the command that runs, if any, may still say hello as the boot mold; its pid. */
  public OptionalInt bootCommand() {
    return boots.command();
  }

  private int generation() {
    var mold = ledger.molds.get(ledger.current);
    return mold == null ? 0 : mold.generation();
  }

  // for the simulation
  Ledger ledger() {
    return ledger;
  }
}
