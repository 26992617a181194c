package io.refork.operator.agents;

import io.refork.operator.OperatorSettings;
import java.time.Duration;

/**
 * How agents are asked.
 *
 * @param interval between two requests to one agent in steady state; 100 ms or more
 * @param timeout from connecting to the last byte of the answer
 * @param concurrency requests in flight at once, 1 or more
 * @param port of the agents' control endpoint
 * @param loopback whether a pod may have an address of this machine's loopback: for clusters whose
 *     kubelet is played
 */
public record PollSettings(
    Duration interval, Duration timeout, int concurrency, int port, boolean loopback) {
  /** Shorter is a load, and no agent's state changes faster. */
  private static final Duration SHORTEST = Duration.ofMillis(100);

  /** A request that takes longer would be its successor's token's age. */
  private static final Duration LONGEST_TIMEOUT = Duration.ofSeconds(20);

  /**
   * @throws IllegalArgumentException with a sentence that names the setting and what is allowed
   */
  public PollSettings {
    if (interval.compareTo(SHORTEST) < 0) {
      throw new IllegalArgumentException(
          "refork.poll.interval is " + interval + "; it must be at least 100ms");
    }
    if (timeout.compareTo(Duration.ofMillis(1)) < 0 || timeout.compareTo(LONGEST_TIMEOUT) > 0) {
      throw new IllegalArgumentException(
          "refork.poll.timeout is " + timeout + "; it must be 1ms to 20s");
    }
    if (concurrency < 1 || concurrency > 1024) {
      throw new IllegalArgumentException(
          "refork.poll.concurrency is " + concurrency + "; it must be 1 to 1024");
    }
    if (port < 1 || port > 65535) {
      throw new IllegalArgumentException(
          "refork.agent.port is " + port + "; it must be 1 to 65535");
    }
  }

  /** The operator's. */
  public static PollSettings of(OperatorSettings settings) {
    var poll = settings.poll();
    return new PollSettings(
        poll.interval(),
        poll.timeout(),
        poll.concurrency(),
        settings.agent().port(),
        poll.loopback());
  }
}
