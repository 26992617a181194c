package io.refork.operator.pass;

import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.refork.api.WorkerPool;
import io.refork.operator.plan.PodSeen;
import io.refork.operator.pods.Children;
import io.refork.operator.status.Problem;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * Everything that one pass decides by.
 *
 * @param pool as it was read: its status is the ledger's last confirmed state
 * @param children as they should be, or why there can be none
 * @param problems of bringing the children about
 * @param deployment as it is now; empty before there is one
 * @param pods that the pool's Deployment made, with their agents' reports
 * @param since when this operator looked at the pool for the first time
 * @param lastWrite when this operator last wrote the pool's status; empty when it has not yet
 */
public record Seen(
    WorkerPool pool,
    Children children,
    List<Problem> problems,
    Optional<Deployment> deployment,
    List<PodSeen> pods,
    Instant since,
    Optional<Instant> lastWrite,
    Instant now) {
  /** Within it even an agent that does not answer has been asked as often as it takes to say so. */
  private static final Duration FIRST_ANSWERS = Duration.ofSeconds(20);

  public Seen {
    problems = List.copyOf(problems);
    pods = List.copyOf(pods);
  }

  /** Whether an agent may still answer for the first time since this operator began. */
  boolean isEarly() {
    return now.isBefore(since.plus(FIRST_ANSWERS))
        && pods.stream()
            .anyMatch(pod -> !pod.leaving() && pod.ip().isPresent() && pod.report().isEmpty());
  }
}
