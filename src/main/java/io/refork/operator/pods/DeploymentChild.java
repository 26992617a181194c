package io.refork.operator.pods;

import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.apps.DeploymentBuilder;
import io.refork.api.WorkerPool;

/** Kubernetes makes and rolls the pods. */
final class DeploymentChild {
  private DeploymentChild() {}

  /**
   * @param template with the agent in it, and its revision as a label
   */
  static Deployment of(WorkerPool pool, PodTemplateSpec template) {
    return new DeploymentBuilder()
        .withMetadata(Names.metadata(pool, Names.deployment(pool)))
        .withNewSpec()
        // Always: an autoscaler scales the pool, never the Deployment below it.
        .withReplicas(Children.replicas(pool))
        .withNewSelector()
        .addToMatchLabels(Names.POOL, pool.getMetadata().getName())
        .endSelector()
        .withTemplate(template)
        .endSpec()
        .build();
  }
}
