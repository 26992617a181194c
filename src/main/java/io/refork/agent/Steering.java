package io.refork.agent;

import io.refork.agent.config.ConfigWatcher;
import io.refork.agent.config.UsageException;
import io.refork.agent.control.DesiredSink;
import io.refork.agent.log.Log;
import io.refork.agent.log.RateLimit;
import io.refork.agent.pool.Action;
import io.refork.agent.pool.Event;
import io.refork.agent.pool.PoolSettings;
import io.refork.agent.steer.Heeding;
import io.refork.agent.steer.Heeding.Leave;
import io.refork.agent.steer.ReportMaker;
import io.refork.agent.steer.ReportMaker.Seen;
import io.refork.agent.steer.Steered;
import io.refork.agent.steer.SteeredFile;
import io.refork.protocol.Escape;
import io.refork.protocol.control.Desired;
import io.refork.protocol.control.DesiredCodec;
import io.refork.protocol.control.MalformedException;
import io.refork.protocol.control.Permit;
import io.refork.protocol.control.ReportCodec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/**
 * Takes desired states over and answers with reports: on the endpoint's thread, so that the disk
 * keeps nobody else waiting. What concerns the pool is done by the event loop, in the order in
 * which it was asked.
 */
final class Steering implements DesiredSink {
  /** For both things that a desired state may wait for: a loop that turns needs milliseconds. */
  private static final Duration PATIENCE = Duration.ofMillis(900);

  private final Log log;
  private final Loop loop;
  private final SteeredFile file;
  private final InstantSource clock;
  private final Executor aside;
  private final String session;
  private volatile Steered steered;
  private final Object writing = new Object();
  private final RateLimit complaints = new RateLimit(3, Duration.ofMinutes(10));
  private Optional<Steered> written = Optional.empty();

  /** What the loop does for it. */
  interface Loop {
    /** Tells the pool. */
    void ask(Event event);

    /** Does it on the loop's thread, after everything that was asked before. */
    void later(Runnable work);

    /** The pool as it is now; on the loop's thread only. */
    Seen look();

    /** The newest that the loop has left behind; from any thread. */
    Seen newest();

    /**
     * Other settings hold; on the loop's thread only.
     *
     * @throws UsageException nothing has changed
     */
    void want(long generation, Map<String, String> settings) throws UsageException;
  }

  /**
   * @param session of this agent
   * @param found what an earlier agent of this pod has left
   */
  Steering(
      Log log, Loop loop, SteeredFile file, Steered found, String session, InstantSource clock) {
    this(
        log,
        loop,
        file,
        found,
        session,
        clock,
        Thread.ofPlatform().daemon().name("refork-steered")::start);
  }

  /**
   * @param aside runs what may take long on a thread of its own
   */
  Steering(
      Log log,
      Loop loop,
      SteeredFile file,
      Steered found,
      String session,
      InstantSource clock,
      Executor aside) {
    this.aside = aside;
    this.log = log;
    this.loop = loop;
    this.file = file;
    this.clock = clock;
    this.session = session;
    this.steered = found;
  }

  // --- the start -----------------------------------------------------------------------------

  /** What an earlier agent of this pod has left, and the pool's settings by it. */
  record Left(Steered steered, PoolSettings pool) {}

  /**
   * What the operator wanted last holds until it is heard again.
   *
   * @param otherwise the pool's settings when nothing was left, or nothing of use
   */
  static Left left(
      SteeredFile file, String pod, ConfigWatcher watcher, PoolSettings otherwise, Log log) {
    var found = found(file, pod, log);
    if (found.observed().isEmpty()) {
      return new Left(found, otherwise);
    }
    try {
      return switch (watcher.want(found.observed().get().generation(), found.settings())) {
        case ConfigWatcher.Change.Settings s -> new Left(found, s.pool());
        case ConfigWatcher.Change.None n -> new Left(found, otherwise);
        case ConfigWatcher.Change.Broken b -> new Left(found, otherwise);
      };
    } catch (UsageException e) {
      log.warn(
          "the operator's settings of before the restart are not used", "reason", e.sentence());
      return new Left(found.withoutSettings(), otherwise);
    }
  }

  static Steered found(SteeredFile file, String pod, Log log) {
    return switch (file.read(pod)) {
      case SteeredFile.Found.Nothing() -> Steered.by(pod);
      case SteeredFile.Found.State(var left) -> left.restarted();
      case SteeredFile.Found.Unusable(var why) -> {
        log.warn("what the operator wanted before the restart is lost", "reason", why);
        yield Steered.by(pod);
      }
    };
  }

  // --- the endpoint's thread -----------------------------------------------------------------

  @Override
  public Answer take(byte[] body) {
    Desired desired;
    try {
      desired = DesiredCodec.decode(body);
    } catch (MalformedException e) {
      return sentence(400, "no desired state: " + e.sentence());
    }
    if (!desired.pod().equals(steered.pod())) {
      return sentence(403, "another pod is meant");
    }
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    if (!Heeding.stale(steered, desired)) {
      var refusal = heed(desired, deadline);
      if (refusal.isPresent()) {
        return sentence(422, refusal.get());
      }
    }
    var seen = onLoop(loop::look, deadline).orElseGet(loop::newest);
    return new Answer(200, ReportCodec.encode(ReportMaker.make(seen, steered)));
  }

  /** The sentence by which its settings are refused, and with them all of it. */
  private Optional<String> heed(Desired desired, long deadline) {
    if (Heeding.newSettings(steered, desired)) {
      var answer = onLoop(() -> want(desired), deadline);
      if (answer.isEmpty()) {
        return Optional.empty(); // the loop is busy; the next desired state says it again
      }
      if (!answer.get().isEmpty()) {
        return answer;
      }
    }
    update(s -> s.heeding(desired.revision(), desired.settings()));
    var level = loop.newest().status().level();
    switch (Heeding.leave(steered, desired, session, level, clock.instant())) {
      case Leave.None() -> save();
      case Leave.Withdraw() -> {
        save();
        loop.ask(new Event.PermitWithdrawn());
      }
      case Leave.Take(var permit, var within) -> take(permit, within);
    }
    return Optional.empty();
  }

  /** Empty when they hold from now on. */
  private String want(Desired desired) {
    try {
      loop.want(desired.revision().generation(), desired.settings());
      return "";
    } catch (UsageException e) {
      return e.sentence();
    }
  }

  /** On the disk first: whatever happens from now on, it is not acted on again. */
  private void take(Permit permit, Duration within) {
    update(s -> s.taking(permit));
    var problem = save();
    if (problem.isEmpty()) {
      log.info("permitted to refork", "permit", permit.id(), "level", permit.level());
      loop.ask(new Event.Permitted(permit.id(), permit.level(), within));
      return;
    }
    update(s -> s.ended(Optional.of(permit.id()), "refused", "not-recorded", problem.get()));
  }

  /** Runs it on the loop's thread; empty when that takes too long, and then it may run later. */
  private <T> Optional<T> onLoop(Supplier<T> work, long deadline) {
    var result = new ArrayBlockingQueue<T>(1);
    loop.later(() -> result.add(work.get()));
    try {
      return Optional.ofNullable(
          result.poll(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // the endpoint is being closed
      return Optional.empty();
    }
  }

  private static Answer sentence(int code, String text) {
    return new Answer(code, (text + "\n").getBytes(StandardCharsets.UTF_8));
  }

  // --- the loop's thread ---------------------------------------------------------------------

  /** A refork or permit has ended. */
  void ended(Action.ReforkEnded e) {
    update(s -> s.ended(e.permit(), e.outcome(), e.reason(), e.detail()));
    // The loop waits for no disk. It happens a few times an hour.
    try {
      aside.execute(this::save);
    } catch (OutOfMemoryError full) {
      // No further thread is allowed: the next desired state writes it, or the agent's end.
    }
  }

  /** Both threads change it; neither waits for more than this. */
  private synchronized void update(UnaryOperator<Steered> change) {
    steered = change.apply(steered);
  }

  // --- the disk ------------------------------------------------------------------------------

  /** Writes what is not written yet; the problem, if there is one. */
  Optional<String> save() {
    synchronized (writing) {
      var now = steered;
      if (written.equals(Optional.of(now))) {
        return Optional.empty();
      }
      try {
        file.write(now);
        written = Optional.of(now);
        return Optional.empty();
      } catch (IOException e) {
        var problem = Escape.plain(String.valueOf(e.getMessage()), Escape.MAX);
        if (complaints.admit(System.nanoTime())) {
          log.warn(
              "what the operator wants is not recorded in the state directory", "error", problem);
        }
        return Optional.of(problem);
      }
    }
  }
}
