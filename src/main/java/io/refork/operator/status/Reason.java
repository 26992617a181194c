package io.refork.operator.status;

/**
 * Why a pool is as it is: the one set of words of conditions, Events, logs and metrics. Each has a
 * sentence that says what to do, for the Event and the condition's message.
 *
 * <p>From {@link #TemplateInvalid} on they are what makes a pool Degraded, worst first: a pool with
 * several troubles is named after the first.
 */
public enum Reason {
  AllWorkersReady(""),
  ScaledToZero("raise spec.replicas when the pool is to serve"),
  TooFewWorkers("look at problemPods and the pods' logs"),
  PodsNotReady("kubectl describe the pods named in problemPods"),
  NoPods("the Deployment has made no pod yet: kubectl describe it"),
  PodsRolling("wait: Kubernetes replaces the pods of an older template"),
  CanaryReforking("wait: one pod reforks first"),
  CanarySoaking("wait: the first pod is watched"),
  PodsReforking("wait: the other pods follow"),
  Settled(""),
  NoProblem(""),
  Paused("set spec.paused to false to go on"),

  TemplateInvalid("mend spec.template"),
  ChildConflict("rename the pool, or delete the object that is in its way"),
  QuotaExceeded("raise the namespace's quota or ask for less"),
  PodsRejected("mend what the API server says of the pods, in spec.template or the namespace"),
  ImagePullFailed("mend the image's name or the pull secret"),
  StartFailed(
      "the container's command cannot be started: is the image glibc-based, does it exist?"),
  ContainerKilledForMemory("raise the container's memory limit or lower spec.workers"),
  CrashLoop("read the application's log: kubectl logs POD --previous"),
  BootFailure("read the application's log: it does not get ready"),
  Unschedulable("no node has room for the pod: kubectl describe it, lower its requests"),
  ReforkAborted(
      "read the reason, mend the application, then set a new spec.refork.requestedAt or wait for the"
          + " next try"),
  ProgressDeadlineExceeded(
      "look at the pods that have not reforked, then set a new spec.refork.requestedAt"),
  AgentInvalid("something else answers on the agent's port, or agent and operator do not match"),
  AgentUnreachable("is the pod's control port blocked by a NetworkPolicy or a service mesh?"),
  AgentTooOld("roll the pods to the agent image of this operator"),
  SharingUnknown("refork check in the pod says why memory cannot be read");

  private final String advice;

  Reason(String advice) {
    this.advice = advice;
  }

  /** What to do about it, one sentence without a full stop; empty when nothing. */
  public String advice() {
    return advice;
  }

  /** The advice where it tells something: that one has to wait goes without saying. */
  public String toDo() {
    return advice.startsWith("wait: ") ? "" : advice;
  }

  /** Whether it is a trouble; the earlier one in this enum is the worse. */
  public boolean degrades() {
    return compareTo(TemplateInvalid) >= 0 || this == PodsNotReady;
  }
}
