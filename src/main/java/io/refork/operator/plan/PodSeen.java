package io.refork.operator.plan;

import io.refork.operator.agents.AgentReport;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * One pod of a pool: the kubelet's word and its agent's.
 *
 * @param uid its identity; a pod of the same name later has another
 * @param ip where its agent answers; empty before the kubelet has told
 * @param revision the pool's revision hash that it was made from; see {@code Children}
 * @param ready the kubelet's Ready condition
 * @param leaving it has a deletion timestamp, or has ended
 * @param restarts of the application's container
 * @param troubles what its containers wait for or died of, newest first
 * @param report the agent's, when it has been asked
 */
public record PodSeen(
    String uid,
    String name,
    Optional<String> ip,
    Instant createdAt,
    String revision,
    boolean ready,
    boolean leaving,
    int restarts,
    List<Trouble> troubles,
    Optional<AgentReport> report) {
  public PodSeen {
    troubles = List.copyOf(troubles);
  }

  /**
   * Why a container does not run, or last ended.
   *
   * @param container its name
   * @param reason the kubelet's word: ImagePullBackOff, OOMKilled, StartError, CrashLoopBackOff, …
   * @param message the kubelet's, escaped, at most 300 characters
   * @param now whether it is so at this moment; else it is the last termination's
   * @param at when it ended, if it did
   */
  public record Trouble(
      String container, String reason, String message, boolean now, Optional<Instant> at) {}
}
