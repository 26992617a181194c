package io.refork.agent.control;

/** Takes over the bodies of {@code PUT /v1/desired} whose token was genuine. */
public interface DesiredSink {
  /**
   * What the operator is told.
   *
   * @param code an HTTP status: 200 with a report, or 4xx with one sentence in plain text when the
   *     body is no desired state
   * @param body at most 16 KiB
   */
  record Answer(int code, byte[] body) {}

  /**
   * Called by a thread of the HTTP endpoint, one at a time; waits for nothing longer than a second.
   *
   * @param body at most 32 KiB, as it was signed
   */
  Answer take(byte[] body);
}
