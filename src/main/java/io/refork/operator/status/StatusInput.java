package io.refork.operator.status;

import io.refork.api.WorkerPool;
import io.refork.api.WorkerPoolStatus;
import io.refork.operator.plan.PodSeen;
import io.refork.operator.plan.WaveView;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * Everything that a status is made of, seen in one pass.
 *
 * @param pool with the spec that the children were made from
 * @param selector of its pods, as text: {@code refork.io/pool=shop}
 * @param problems found while the pool and its children were looked at; those of the pods'
 *     containers and agents are found here
 * @param deployment empty before there is one
 * @param pods that the pool owns
 * @param previous the status as it was read; its conditions' times are kept
 */
public record StatusInput(
    WorkerPool pool,
    String selector,
    List<Problem> problems,
    Optional<DeploymentSeen> deployment,
    List<PodSeen> pods,
    WaveView wave,
    Optional<WorkerPoolStatus> previous,
    Instant now) {
  public StatusInput {
    problems = List.copyOf(problems);
    pods = List.copyOf(pods);
  }

  int desiredPods() {
    return desiredPods(pool, deployment);
  }

  /** Pods wanted: what the Deployment was told, since an autoscaler may own the number. */
  public static int desiredPods(WorkerPool pool, Optional<DeploymentSeen> deployment) {
    var replicas = pool.getSpec().replicas();
    return replicas != null ? replicas : deployment.map(DeploymentSeen::desired).orElse(1);
  }

  /** Those that are not on their way out. */
  List<PodSeen> present() {
    return pods.stream().filter(pod -> !pod.leaving()).toList();
  }

  /** Workers wanted of one pod, when the user gave a number. */
  Optional<Integer> workersPerPod() {
    var workers = pool.getSpec().workers();
    return workers.getIntVal() == null ? Optional.empty() : Optional.of(workers.getIntVal());
  }
}
