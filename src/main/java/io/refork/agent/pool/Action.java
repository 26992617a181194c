package io.refork.agent.pool;

import io.refork.agent.linux.Signal;
import java.time.Duration;
import java.util.Optional;

/** What to do. The edge does exactly this, reports failures as events, and decides nothing. */
public sealed interface Action {
  /**
   * Start the user's command; answered by {@link Event.BootStarted} or {@link Event.BootFailed}.
   */
  record StartBootMold(int generation) implements Action {}

  /**
   * Register a process that said hello, lease it a scoreboard row and answer it; {@code slot} −1
   * for a mold.
   */
  record Welcome(int connection, int pid, int slot, int generation) implements Action {}

  /** Answer {@code error} and close. */
  record TurnAway(int connection, String code, String message) implements Action {}

  record Spawn(int mold, String spawn, int slot, int generation) implements Action {}

  record Promote(int worker, String spawn, int generation, Duration timeout) implements Action {}

  /** The new mold failed; serve on. */
  record Resume(int worker, String reason) implements Action {}

  record AskStop(int pid, Duration grace) implements Action {}

  record Kill(int pid, Signal signal) implements Action {}

  /** Kill whatever child is named {@code rf:<spawn>}: a newborn whose pid nobody told. */
  record KillNewborn(String spawn) implements Action {}

  /** Signal the process group of a command that we started and have not reaped. */
  record SignalCommand(int command, Signal signal) implements Action {}

  /** Signal every living descendant that is neither worker nor mold nor command. */
  record SignalStrays(Signal signal) implements Action {}

  /**
   * A refork is over, or a permit lapsed before one began.
   *
   * @param permit its id; empty when nobody permitted it
   * @param outcome completed, completed-unproven, refused, aborted, lapsed
   * @param reason a closed word, empty when it completed
   * @param detail free text, possibly from the application
   */
  record ReforkEnded(Optional<String> permit, String outcome, String reason, String detail)
      implements Action {}

  /** A line for the log, and for the failures that the status shows. */
  record Note(Transition transition) implements Action {}

  /** The agent ends with this code. Always the last action. */
  record Exit(int code) implements Action {}

  /** How much a transition matters to a reader of the log. */
  enum Level {
    INFO,
    WARN,
    ERROR
  }

  /**
   * One change of the pool.
   *
   * @param what a short clause in the log's words, for example {@code worker ready}
   * @param slot of the worker it is about
   * @param reason a closed word, or empty
   * @param detail free text, possibly from the application: to be escaped wherever it is shown
   * @param took how long what ended here has lasted
   */
  record Transition(
      Level level,
      String what,
      Optional<Integer> slot,
      Optional<Integer> pid,
      int generation,
      String reason,
      String detail,
      Optional<Duration> took) {}
}
