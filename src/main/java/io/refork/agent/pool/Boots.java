package io.refork.agent.pool;

import io.refork.agent.linux.ExitStatus;
import io.refork.agent.linux.Signal;
import io.refork.agent.pool.Action.Level;
import io.refork.agent.pool.Ledger.Backoff;
import io.refork.agent.pool.Ledger.Mode;
import io.refork.agent.pool.Worker.Stage;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Boot molds: the first one decides whether the agent lives, every later one only whether there is
 * a mold.
 */
final class Boots {
  /** What the agent ends with when the application never said hello: the code of timeout(1). */
  static final int NEVER_SAID_HELLO = 124;

  private static final int NOT_EXECUTABLE = 126;
  private static final int NOT_FOUND = 127;
  private static final int ENOENT = 2;

  private final Ledger pool;
  private Optional<Boot> boot = Optional.empty();
  private Backoff backoff = Backoff.NONE;

  /**
   * A command on its way to say hello.
   *
   * @param command its pid, once started
   * @param lost a mold of it that is gone again, whose command has until then to tell us why
   */
  private record Boot(
      int generation, OptionalInt command, long deadline, long started, boolean lost) {}

  Boots(Ledger pool) {
    this.pool = pool;
  }

  boolean underWay() {
    return boot.isPresent();
  }

  OptionalInt command() {
    return boot.isPresent() ? boot.get().command() : OptionalInt.empty();
  }

  long retryAt() {
    return backoff.retryAt();
  }

  int failures() {
    return backoff.failures();
  }

  long deadline() {
    return boot.map(Boot::deadline).orElse(Long.MAX_VALUE);
  }

  /** Starts the command, unless one is under way or the last failure was too recent. */
  void start() {
    if (boot.isPresent() || backoff.retryAt() > pool.now) {
      return;
    }
    var generation = pool.nextGeneration++;
    boot =
        Optional.of(
            new Boot(
                generation,
                OptionalInt.empty(),
                pool.now + pool.settings.timeouts().boot().toNanos(),
                pool.now,
                false));
    pool.act(new Action.StartBootMold(generation));
  }

  void started(int command) {
    boot =
        boot.map(
            b ->
                new Boot(
                    b.generation(), OptionalInt.of(command), b.deadline(), b.started(), false));
  }

  void failedToStart(int errno, String message) {
    boot.ifPresent(
        b -> {
          boot = Optional.empty();
          failed(b.generation(), message, errno == ENOENT ? NOT_FOUND : NOT_EXECUTABLE);
        });
  }

  void hello(Event.Hello hello, Event.Claim.BootMold claim) {
    var known =
        boot.isPresent()
            && pool.molds.values().stream()
                .anyMatch(m -> m.generation() == boot.get().generation());
    if (boot.isEmpty() || known || !claim.descends() || pool.mode == Mode.STOPPING) {
      pool.act(
          new Action.TurnAway(
              hello.connection(), "unknown-process", "no boot mold is awaited from this process"));
      return;
    }
    var b = boot.get();
    var command =
        b.command().isPresent() && b.command().getAsInt() != hello.pid()
            ? b.command()
            : OptionalInt.empty();
    pool.put(
        new Mold(
            hello.pid(),
            b.generation(),
            new Mold.State.Preparing(b.deadline()),
            command,
            b.started()));
    pool.act(new Action.Welcome(hello.connection(), hello.pid(), -1, b.generation()));
  }

  /** The boot mold has its application loaded. */
  void ready(Mold mold) {
    pool.put(mold.in(new Mold.State.Ready()));
    boot = Optional.empty();
    backoff = Backoff.NONE;
    pool.recoveryFailed = false;
    if (!pool.usable(pool.current)) {
      pool.current = mold.pid();
    }
    if (pool.mode == Mode.BOOTING) {
      pool.mode = Mode.SERVING;
    }
    pool.note(
        Level.INFO,
        "mold ready",
        OptionalInt.of(mold.pid()),
        mold.generation(),
        "",
        "application loaded in " + pool.since(mold.born()).toMillis() + " ms");
  }

  /** Whether a mold is the one of the boot under way. */
  boolean owns(Mold mold) {
    return boot.isPresent() && boot.get().generation() == mold.generation();
  }

  /** A boot mold died before it was ready. */
  void moldGone(Mold mold, ExitStatus status) {
    var b = boot.orElseThrow();
    if (mold.command().isPresent()) {
      // The command knows the exit code: wait for it, bounded, then press it.
      boot =
          Optional.of(
              new Boot(
                  b.generation(),
                  b.command(),
                  pool.now + pool.settings.timeouts().killAfter().toNanos(),
                  b.started(),
                  true));
      return;
    }
    boot = Optional.empty();
    failed(b.generation(), Text.of(status), status.shellCode());
  }

  /** The command of the boot under way ended; true when it was that. */
  boolean commandGone(int pid, ExitStatus status) {
    if (boot.isEmpty()
        || boot.get().command().isEmpty()
        || boot.get().command().getAsInt() != pid) {
      return false;
    }
    var b = boot.get();
    var mold =
        pool.molds.values().stream().filter(m -> m.generation() == b.generation()).findFirst();
    if (mold.isPresent()) {
      // The script is gone, its child lives on as the mold.
      boot =
          Optional.of(
              new Boot(b.generation(), OptionalInt.empty(), b.deadline(), b.started(), false));
      return true;
    }
    boot = Optional.empty();
    failed(
        b.generation(),
        Text.of(status) + (b.lost() ? "" : ", before it said hello" + guess(status)),
        status.shellCode());
    return true;
  }

  /** A shim that refuses what it is given ends with 2, and has said why. */
  private static String guess(ExitStatus status) {
    return status.shellCode() == 2
        ? ": the reason stands above"
        : " (is python -m refork in front of its command?)";
  }

  void expire() {
    if (boot.isEmpty() || pool.now < boot.get().deadline()) {
      return;
    }
    var b = boot.get();
    var mold =
        pool.molds.values().stream().filter(m -> m.generation() == b.generation()).findFirst();
    mold.ifPresent(pool::kill);
    b.command().ifPresent(this::end);
    boot = Optional.empty();
    var seconds = pool.settings.timeouts().boot().toSeconds();
    if (b.lost()) {
      failed(b.generation(), "the mold ended and its command stayed", 1);
    } else if (mold.isPresent()) {
      failed(
          b.generation(),
          "said hello but was not ready within " + seconds + " s (--boot-timeout)",
          NEVER_SAID_HELLO);
    } else {
      failed(
          b.generation(),
          "no process of it said hello within "
              + seconds
              + " s (--boot-timeout): it has to speak Refork's protocol, for example by"
              + " `refork run -- python -m refork gunicorn …` or `refork.run(load, serve)`",
          NEVER_SAID_HELLO);
    }
  }

  /** Ends a command that outlived its mold: TERM to its group, KILL later. */
  void end(int command) {
    if (!pool.orphanedCommands.containsKey(command)) {
      pool.act(new Action.SignalCommand(command, Signal.TERM));
      pool.orphanedCommands.put(command, pool.now + pool.settings.timeouts().killAfter().toNanos());
    }
  }

  void expireCommands() {
    for (var entry : List.copyOf(pool.orphanedCommands.entrySet())) {
      if (pool.now >= entry.getValue()) {
        pool.act(new Action.SignalCommand(entry.getKey(), Signal.KILL));
        pool.orphanedCommands.put(
            entry.getKey(), pool.now + pool.settings.timeouts().killAfter().toNanos());
      }
    }
  }

  /** For a stop: TERM the command, forget the boot. */
  void cancel() {
    boot.ifPresent(b -> b.command().ifPresent(this::end));
    boot = Optional.empty();
  }

  private void failed(int generation, String detail, int code) {
    var first = pool.mode == Mode.BOOTING;
    pool.note(
        Level.ERROR,
        "application did not start",
        OptionalInt.empty(),
        generation,
        "boot-failure",
        detail);
    if (first) {
      pool.mode = Mode.STOPPING;
      pool.exitCode = code;
      return;
    }
    var failures = backoff.failures() + 1;
    backoff = new Backoff(failures, pool.now + WorkerLives.backoff(failures));
  }

  /** Deadlines of molds that leave. */
  void escalate(Mold mold, Mold.State.Leaving state) {
    var next = pool.now + pool.settings.timeouts().killAfter().toNanos();
    var signal = state.stage() == Stage.DRAIN ? Signal.TERM : Signal.KILL;
    pool.act(new Action.Kill(mold.pid(), signal));
    pool.put(
        mold.in(
            new Mold.State.Leaving(state.stage() == Stage.DRAIN ? Stage.TERM : Stage.KILL, next)));
  }
}
