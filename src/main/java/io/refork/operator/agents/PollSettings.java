package io.refork.operator.agents;

import io.refork.operator.OperatorSettings;
import java.time.Duration;

/**
 * How agents are asked.
 *
 * @param interval between two requests to one agent in steady state; 100 ms or more
 * @param timeout from connecting to the last byte of the answer; above 0
 * @param concurrency requests in flight at once, 1 or more
 * @param port of the agents' control endpoint, 1 to 65535
 * @param loopback whether a pod may have an address of this machine's loopback: for clusters whose
 *     kubelet is played
 */
public record PollSettings(
    Duration interval, Duration timeout, int concurrency, int port, boolean loopback) {
  /**
   * @throws IllegalArgumentException when a number is not as said; a user's was checked before
   */
  public PollSettings {
    if (interval.compareTo(Duration.ofMillis(100)) < 0
        || !timeout.isPositive()
        || concurrency < 1
        || port < 1
        || port > 65535) {
      throw new IllegalArgumentException("agents cannot be asked at these settings");
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
