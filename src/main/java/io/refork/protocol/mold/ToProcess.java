package io.refork.protocol.mold;

import java.time.Duration;
import java.util.List;

/** What the agent tells a process of the application; docs/protocol.md, "Messages". */
public sealed interface ToProcess {
  /**
   * {@code slot} −1 for a mold; {@code row} of the scoreboard is the process's own from here on.
   */
  record Welcome(int slot, int generation, int row, Timeouts timeouts, PoolFacts pool)
      implements ToProcess {}

  /** The bounds that a process keeps by itself. {@code request} zero: off. */
  record Timeouts(
      Duration boot,
      Duration spawn,
      Duration promote,
      Duration request,
      Duration drain,
      Duration kill) {}

  /** What the agent owns and a server may have an opinion on. */
  record PoolFacts(
      int workers,
      int backlog,
      long maxRequests,
      List<ListenerFact> listeners,
      List<String> threads) {}

  record ListenerFact(String name, String address) {}

  record Spawn(String spawn, int slot, int generation) implements ToProcess {}

  record Promote(int generation, String spawn, Duration timeout) implements ToProcess {}

  record Resume(String reason) implements ToProcess {}

  record Stop(Duration grace) implements ToProcess {}

  record Error(String code, String message) implements ToProcess {}
}
