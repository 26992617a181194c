package io.refork.operator.status;

import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.DeploymentCondition;
import java.util.Objects;
import java.util.Optional;

/**
 * What a pool's Deployment says of itself.
 *
 * @param observed whether its controller has seen the newest spec
 * @param desired pods wanted
 * @param replicas pods that exist
 * @param updated of them, those of the newest template
 * @param ready of them
 * @param failure why pods cannot be made: its ReplicaFailure condition's message; anybody's words
 * @param stuck its own progress deadline has passed
 */
public record DeploymentSeen(
    boolean observed,
    int desired,
    int replicas,
    int updated,
    int ready,
    Optional<String> failure,
    boolean stuck) {

  /** Reads what is there; what is not there yet counts as 0. */
  public static DeploymentSeen of(Deployment deployment) {
    int desired = number(deployment.getSpec().getReplicas(), 1);
    var status = deployment.getStatus();
    if (status == null) {
      return new DeploymentSeen(false, desired, 0, 0, 0, Optional.empty(), false);
    }
    var generation = Objects.requireNonNullElse(deployment.getMetadata().getGeneration(), 0L);
    var seen = Objects.requireNonNullElse(status.getObservedGeneration(), 0L);
    return new DeploymentSeen(
        seen >= generation,
        desired,
        number(status.getReplicas(), 0),
        number(status.getUpdatedReplicas(), 0),
        number(status.getReadyReplicas(), 0),
        status.getConditions().stream()
            .filter(c -> is(c, "ReplicaFailure", "True"))
            .map(c -> Objects.requireNonNullElse(c.getMessage(), ""))
            .findFirst(),
        status.getConditions().stream()
            .anyMatch(
                c ->
                    is(c, "Progressing", "False")
                        && "ProgressDeadlineExceeded".equals(c.getReason())));
  }

  /** Whether pods of an older template are being replaced, or pods added or removed. */
  boolean rolling() {
    return !observed || updated < desired || replicas != desired;
  }

  private static boolean is(DeploymentCondition condition, String type, String status) {
    return type.equals(condition.getType()) && status.equals(condition.getStatus());
  }

  @SuppressWarnings("NullAway") // the client's model returns null for what is not there
  private static int number(Integer value, int otherwise) {
    return value == null ? otherwise : Math.max(0, value);
  }
}
