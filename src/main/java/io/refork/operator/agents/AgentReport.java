package io.refork.operator.agents;

import io.refork.protocol.control.Report;
import java.time.Instant;

/**
 * What is known of one pod's agent. A pod that has not been asked yet has none of these.
 *
 * <p>An agent's word is never trusted over the kubelet's, and never becomes a label.
 */
public sealed interface AgentReport {
  /** When the poller learned it, by the operator's clock. */
  Instant at();

  /** A valid report of that very pod. */
  record Reported(Report report, Instant at) implements AgentReport {}

  /**
   * No answer, after as many tries as the poller allows.
   *
   * @param why one line, escaped, for a human
   */
  record Unreachable(String why, Instant at) implements AgentReport {}

  /**
   * An answer that is no report of that pod: too large, malformed, out of range, refused.
   *
   * @param why one line, escaped, for a human
   */
  record Invalid(String why, Instant at) implements AgentReport {}
}
