package io.refork.agent.pool;

import io.refork.agent.linux.Signal;
import io.refork.agent.pool.Action.Level;
import io.refork.agent.pool.Action.Transition;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import java.util.random.RandomGenerator;

/**
 * Everything the pool knows at one instant, and the actions of the step under way. The rules
 * ({@link Boots}, {@link WorkerLives}, {@link Slots}, {@link Promotions}, {@link Rollouts}, {@link
 * Shutdown}) read and change it; it decides nothing.
 *
 * <p>Values in it are immutable; the maps are ordered, so a run is a function of its events, times
 * and seed.
 */
final class Ledger {
  /** What the agent is doing as a whole. */
  enum Mode {
    BOOTING,
    SERVING,
    STOPPING,
    ENDED
  }

  /** Who decides when to refork. */
  enum Steering {
    /** The pool's own triggers, and whoever asks. */
    NONE,
    /** An operator: the pool's own triggers only say what it is ready for. */
    OPERATOR
  }

  /** Leave to reach {@code level}; {@code startBy} is pool time. */
  record Permit(String id, int level, long startBy) {}

  /** Failed tries in a row, and the pool time before which there is no next one. */
  record Backoff(int failures, long retryAt) {
    static final Backoff NONE = new Backoff(0, 0);
  }

  PoolSettings settings;
  final Steering steering;
  final RandomGenerator random;
  final Tally tally = new Tally();
  long now;
  Mode mode = Mode.BOOTING;

  final TreeMap<Integer, Worker> workers = new TreeMap<>();
  final TreeMap<Integer, Backoff> backoffs = new TreeMap<>();
  final TreeMap<Integer, Mold> molds = new TreeMap<>();

  /**
   * Commands that we started and that are not the mold themselves, or whose mold is unknown: pid →
   * KILL time.
   */
  final TreeMap<Integer, Long> orphanedCommands = new TreeMap<>();

  /** The mold that forks workers; 0 while there is none. */
  int current;

  int nextGeneration;
  int level;
  Optional<Refork> refork = Optional.empty();
  Optional<Finished> lastRefork = Optional.empty();
  Backoff reforkBackoff = Backoff.NONE;
  long lastReforkEnd = Long.MIN_VALUE / 2;
  Optional<String> reforkAsked = Optional.empty();

  /** The operator's leave that waits for its refork to begin. */
  Optional<Permit> permit = Optional.empty();

  /** The id of the last one that was taken, whatever became of it; empty before the first. */
  String lastPermit = "";

  boolean sharedLow;

  /** A recovery promotion failed: the command is started again instead. */
  boolean recoveryFailed;

  /** Newborn molds of the promotion under way that ended before they were ready. */
  final Set<Integer> goneNewborns = new HashSet<>();

  /**
   * What workers that ended during the refork under way had answered, by generation: else the
   * measure by which a new generation is judged would leave with the old workers.
   */
  final TreeMap<Integer, Answers> answersOfGone = new TreeMap<>();

  /** What the agent ends with. */
  int exitCode;

  /** Workers that failed in this step, for the rollout to judge. */
  final List<Failed> failures = new ArrayList<>();

  private List<Action> actions = new ArrayList<>();
  private long spawnCount;

  /** A worker that ended, or never came to be, without having been asked to. */
  record Failed(int slot, int generation, ExitReason reason, boolean wasReady) {}

  /** Requests answered, and how many of them by errors. */
  record Answers(long served, long errors) {
    static final Answers NONE = new Answers(0, 0);

    static Answers of(Worker worker) {
      return new Answers(worker.score().last().served(), worker.score().last().errors());
    }

    Answers plus(Answers more) {
      return new Answers(served + more.served, errors + more.errors);
    }

    double share() {
      return served <= 0 ? 0 : (double) errors / served;
    }
  }

  /** A refork that is over. */
  record Finished(
      int generation, String outcome, String reason, String detail, int updated, int total) {}

  Ledger(PoolSettings settings, Steering steering, RandomGenerator random) {
    this.settings = settings;
    this.steering = steering;
    this.random = random;
  }

  // --- questions -----------------------------------------------------------------------------

  Optional<Worker> worker(int pid) {
    return workers.values().stream().filter(w -> w.is(pid)).findFirst();
  }

  int readyCount() {
    return (int) workers.values().stream().filter(Worker::ready).count();
  }

  /** Ready workers that the pool never goes below on purpose. */
  int floor() {
    return Math.max(0, settings.workers() - settings.maxUnavailable());
  }

  /** Whether one ready worker can be missed now. */
  boolean canSpareOne() {
    return readyCount() - 1 >= floor();
  }

  boolean usable(int mold) {
    var found = molds.get(mold);
    return found != null && found.ready();
  }

  boolean spawnOutstanding(int mold) {
    return workers.values().stream().anyMatch(w -> w.mold() == mold && outstanding(w));
  }

  boolean spawnOutstanding() {
    return workers.values().stream().anyMatch(Ledger::outstanding);
  }

  private static boolean outstanding(Worker worker) {
    return worker.state() instanceof Worker.State.Spawning || worker.pid().isEmpty();
  }

  /** Ready workers of a generation. */
  int updated(int generation) {
    return (int)
        workers.values().stream().filter(w -> w.ready() && w.generation() == generation).count();
  }

  boolean isRefork(Class<? extends Refork.Phase> phase) {
    return refork.isPresent() && phase.isInstance(refork.get().phase());
  }

  /** Full strength: every wanted slot ready, nothing to replace, nothing left over. */
  boolean settled() {
    return workers.size() == settings.workers()
        && workers.values().stream().allMatch(w -> w.ready() && w.mark().isEmpty());
  }

  // --- changes -------------------------------------------------------------------------------

  void put(Worker worker) {
    workers.put(worker.slot(), worker);
  }

  void put(Mold mold) {
    molds.put(mold.pid(), mold);
  }

  void failed(Worker worker, ExitReason reason) {
    failures.add(new Failed(worker.slot(), worker.generation(), reason, worker.readySince() >= 0));
  }

  /** A worker was reaped; its answers still count. */
  void keepAnswers(Worker worker) {
    tally.gone(worker.score().last().served(), worker.score().last().errors());
    if (refork.isPresent()) {
      answersOfGone.merge(worker.generation(), Answers.of(worker), Answers::plus);
    }
  }

  void act(Action action) {
    actions.add(action);
  }

  int actionCount() {
    return actions.size();
  }

  List<Action> takeActions() {
    var taken = actions;
    actions = new ArrayList<>();
    return taken;
  }

  /**
   * A new spawn id: short enough for {@code comm}, never used before, not to be guessed by a
   * sibling.
   */
  String newSpawnId() {
    var count = Long.toString(spawnCount++ % (36L * 36 * 36 * 36 * 36), 36);
    var nonce = Long.toString(random.nextLong(36L * 36 * 36 * 36 * 36), 36);
    return count + "." + nonce;
  }

  /** A refork is over: the status and the operator are told. */
  void finished(Refork ended, String outcome, String reason, String detail) {
    lastRefork =
        Optional.of(
            new Finished(
                ended.generation(),
                outcome,
                reason,
                detail,
                updated(ended.generation()),
                settings.workers()));
    act(new Action.ReforkEnded(ended.permit(), outcome, reason, detail));
  }

  /** Asks a worker to drain and leave. */
  void askToLeave(Worker worker, ExitReason why) {
    var drain = settings.timeouts().drain();
    worker.pid().ifPresent(pid -> act(new Action.AskStop(pid, drain)));
    leave(worker, why, Worker.Stage.DRAIN, drain);
  }

  /** Presses a worker to leave without draining. */
  void press(Worker worker, ExitReason why) {
    leave(worker, why, Worker.Stage.TERM, settings.timeouts().killAfter());
    worker.pid().ifPresent(pid -> act(new Action.Kill(pid, Signal.TERM)));
  }

  /** Puts a worker on its way out at the given stage. */
  void leave(Worker worker, ExitReason why, Worker.Stage stage, Duration bound) {
    put(
        worker.in(
            new Worker.State.Leaving(why, stage, now + bound.toNanos(), worker.readySince())));
    if (worker.pid().isEmpty()) {
      act(new Action.KillNewborn(worker.spawn()));
    }
  }

  /** Retires a mold that nobody needs any more. */
  void retire(Mold mold) {
    if (mold.leaving()) {
      return;
    }
    act(new Action.AskStop(mold.pid(), Duration.ZERO));
    put(
        mold.in(
            new Mold.State.Leaving(
                Worker.Stage.DRAIN, now + settings.timeouts().killAfter().toNanos())));
    if (current == mold.pid()) {
      current = 0;
    }
  }

  /** KILLs a mold that does not answer; it is not asked for anything any more. */
  void kill(Mold mold) {
    act(new Action.Kill(mold.pid(), Signal.KILL));
    put(
        mold.in(
            new Mold.State.Leaving(
                Worker.Stage.KILL, now + settings.timeouts().killAfter().toNanos())));
    if (current == mold.pid()) {
      current = 0;
    }
  }

  // --- telling -------------------------------------------------------------------------------

  void note(
      Level level,
      String what,
      Worker worker,
      String reason,
      String detail,
      Optional<Duration> took) {
    var pid =
        worker.pid().isPresent() ? Optional.of(worker.pid().getAsInt()) : Optional.<Integer>empty();
    act(
        new Action.Note(
            new Transition(
                level,
                what,
                Optional.of(worker.slot()),
                pid,
                worker.generation(),
                reason,
                detail,
                took)));
  }

  void note(
      Level level, String what, OptionalInt pid, int generation, String reason, String detail) {
    var boxed = pid.isPresent() ? Optional.of(pid.getAsInt()) : Optional.<Integer>empty();
    act(
        new Action.Note(
            new Transition(
                level,
                what,
                Optional.empty(),
                boxed,
                generation,
                reason,
                detail,
                Optional.empty())));
  }

  Duration since(long then) {
    return Duration.ofNanos(Math.max(0, now - then));
  }
}
