package io.refork.operator.status;

/**
 * Why a pool is as it is: the one set of words of conditions, Events, logs and metrics. Each has a
 * sentence that says what to do, for the Event and the condition's message.
 */
public enum Reason {
  AllWorkersReady(""),
  TooFewWorkers("look at problemPods and the pods' logs"),
  PodsNotReady("kubectl describe the pods named in problemPods"),
  NoPods("spec.replicas is 0, or the Deployment cannot make pods: kubectl describe it"),
  PodsRolling("wait: Kubernetes replaces the pods of an older template"),
  CanaryReforking("wait: one pod reforks first"),
  CanarySoaking("wait: the first pod is watched"),
  PodsReforking("wait: the other pods follow"),
  Settled(""),
  ProgressDeadlineExceeded(
      "look at the pods that have not reforked, then set a new spec.refork.requestedAt"),
  Paused("set spec.paused to false to go on"),
  ReforkAborted(
      "read the reason, mend the application, then set a new spec.refork.requestedAt or wait for the"
          + " next try"),
  CrashLoop("read the application's log: kubectl logs POD --previous"),
  BootFailure("read the application's log: it does not get ready"),
  AgentUnreachable("is the pod's control port blocked by a NetworkPolicy or a service mesh?"),
  AgentInvalid("something else answers on the agent's port, or agent and operator do not match"),
  AgentTooOld("roll the pods to the agent image of this operator"),
  ContainerKilledForMemory("raise the container's memory limit or lower spec.workers"),
  SharingUnknown("refork check in the pod says why memory cannot be read"),
  TemplateInvalid("mend spec.template"),
  ChildConflict("rename the pool, or delete the object that is in its way"),
  QuotaExceeded("raise the namespace's quota or ask for less"),
  ImagePullFailed("mend the image's name or the pull secret"),
  StartFailed(
      "the container's command cannot be started: is the image glibc-based, does it exist?");

  private final String advice;

  Reason(String advice) {
    this.advice = advice;
  }

  /** What to do about it, one sentence without a full stop; empty when nothing. */
  public String advice() {
    return advice;
  }
}
