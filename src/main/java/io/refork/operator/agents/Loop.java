package io.refork.operator.agents;

import java.time.Duration;
import java.time.Instant;

/** The one thread that owns the poller's state, and its clock. */
interface Loop {
  /** Of a clock that never goes back. */
  long nanos();

  /** For people. */
  Instant now();

  /**
   * Runs it on the thread, soon, in the order of the calls; from any thread. Lost after a close.
   */
  void execute(Runnable task);

  /** Runs it once on the thread; replaces the alarm that was set before. */
  void alarm(Duration in, Runnable task);
}
