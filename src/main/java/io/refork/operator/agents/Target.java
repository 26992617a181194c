package io.refork.operator.agents;

import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.refork.protocol.control.Desired;
import io.refork.protocol.control.Revision;

/**
 * One pod and what its agent is to be told. The reconciler makes it for a pod in the pool's
 * namespace whose controller is a ReplicaSet named as those of the pool's Deployment are, and for
 * no other.
 *
 * @param pool the pod's
 * @param uid the pod's
 * @param podName for the log
 * @param ip the kubelet's word; see {@link Addresses} for what is refused
 * @param ready the kubelet's Ready condition: when it changes the agent is asked at once, since
 *     then there is news
 * @param desired the body of each request, as the pool's written status confirms it
 */
public record Target(
    ResourceID pool, String uid, String podName, String ip, boolean ready, Desired desired) {
  /**
   * Whether it differs in more than the count of the pool's grants. A grant to one pod counts for
   * all of the pool: the others may hear of it with their next request.
   */
  boolean differsFrom(Target before) {
    return !equals(
        new Target(before.pool, uid, before.podName, before.ip, before.ready, same(before)));
  }

  private Desired same(Target before) {
    var old = before.desired;
    return new Desired(
        old.pool(),
        old.pod(),
        old.session(),
        new Revision(old.revision().generation(), desired.revision().seq()),
        old.settings(),
        old.permit(),
        old.paused());
  }
}
