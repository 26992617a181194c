package io.refork.operator.pods;

import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudgetBuilder;
import io.refork.api.WorkerPool;

/**
 * Evictions take one pod of a pool at a time. As a number of pods that may be missing, not of pods
 * that must be there: a pool of one pod would otherwise block every node's drain for ever.
 */
final class PodDisruptionBudgetChild {
  private PodDisruptionBudgetChild() {}

  static PodDisruptionBudget of(WorkerPool pool) {
    return new PodDisruptionBudgetBuilder()
        .withMetadata(Names.metadata(pool, Names.deployment(pool)))
        .withNewSpec()
        .withMaxUnavailable(new IntOrString(Children.MAX_UNAVAILABLE_PODS))
        // A pod that is not Ready serves nobody: it must not keep a node from being drained.
        .withUnhealthyPodEvictionPolicy("AlwaysAllow")
        .withNewSelector()
        .addToMatchLabels(Names.POOL, pool.getMetadata().getName())
        .endSelector()
        .endSpec()
        .build();
  }
}
