package io.refork.protocol.control;

import java.util.Map;
import java.util.Optional;

/**
 * The body of {@code PUT /v1/desired}: what the operator wants of one pod. It describes a state, so
 * sending it twice, late or out of order changes nothing.
 *
 * @param pool {@code namespace/name}, for the log
 * @param pod UID of the pod that is meant; another pod's agent refuses it
 * @param session of the agent, as its last report told; empty at first contact, and then without a
 *     permit
 * @param revision an agent takes over a settings change only from a revision that is not lower than
 *     the one it has
 * @param settings options of {@code refork run} that can change while it runs, by their long name
 *     without dashes in front, with the text that the command line would take: {@code "workers" →
 *     "8"}. The same words stand in the agent's configuration file
 * @param permit leave to refork, if it has any
 * @param paused no permits are given; the pod serves on
 */
public record Desired(
    String pool,
    String pod,
    Optional<String> session,
    Revision revision,
    Map<String, String> settings,
    Optional<Permit> permit,
    boolean paused) {
  public Desired {
    settings = Map.copyOf(settings);
  }
}
