package io.refork.operator.pods;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.PodTemplateSpecBuilder;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import io.refork.api.WorkerPool;
import io.refork.operator.OperatorSettings;
import io.refork.operator.status.Reason;
import java.util.Map;

/**
 * The objects that a pool consists of, as they should be. Called by the planner in every pass; the
 * same pool gives equal objects.
 */
public sealed interface Children {
  /** How many pods an eviction or a wave may leave missing. */
  int MAX_UNAVAILABLE_PODS = 1;

  /**
   * All three.
   *
   * @param revision of the pod template, which is a label of the pods made from it: it changes when
   *     pods must be replaced, and for nothing that a running agent takes over
   * @param settings what running agents are told: {@link AgentOptions}
   */
  record Desired(
      Deployment deployment,
      ConfigMap configMap,
      PodDisruptionBudget disruptionBudget,
      String revision,
      Map<String, String> settings)
      implements Children {}

  /**
   * The API server accepted the pool, but no pods can be made of it. What exists stays as it is,
   * and running agents go by their ConfigMap.
   *
   * @param sentence what is wrong, where, and what to do; escaped
   */
  record Invalid(Reason reason, String sentence) implements Children {}

  /**
   * @param keysJson the operator's public keys, the text of the agents' {@code --control-keys} file
   */
  static Children of(WorkerPool pool, OperatorSettings.Agent agent, String keysJson) {
    var name = pool.getMetadata().getName();
    if (name.length() > Names.MAX_POOL_NAME) {
      return new Invalid(
          Reason.TemplateInvalid,
          "the pool's name has "
              + name.length()
              + " characters, but it is the value of its pods' label "
              + Names.POOL
              + ", which takes at most "
              + Names.MAX_POOL_NAME
              + ": create the pool under a shorter name");
    }
    return switch (Injection.into(pool, agent)) {
      case Injection.Refused refused -> new Invalid(Reason.TemplateInvalid, refused.sentence());
      case Injection.Injected injected -> desired(pool, injected.template(), keysJson);
    };
  }

  private static Desired desired(WorkerPool pool, PodTemplateSpec template, String keysJson) {
    var revision = Canonical.shortHash(template);
    var labelled =
        new PodTemplateSpecBuilder(template)
            .editMetadata()
            .addToLabels(Names.REVISION, revision)
            .endMetadata()
            .build();
    return new Desired(
        DeploymentChild.of(pool, labelled),
        ConfigMapChild.of(pool, keysJson),
        PodDisruptionBudgetChild.of(pool),
        revision,
        AgentOptions.of(pool.getSpec()));
  }

  /** Pods wanted, at least 0. */
  static int replicas(WorkerPool pool) {
    var replicas = pool.getSpec().replicas();
    return replicas == null ? 1 : replicas;
  }

  /**
   * With fewer Ready pods than this the planner grants nothing: what the disruption budget leaves,
   * and one at the least.
   */
  static int minReady(WorkerPool pool) {
    return Math.max(1, replicas(pool) - MAX_UNAVAILABLE_PODS);
  }
}
