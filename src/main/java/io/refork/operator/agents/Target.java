package io.refork.operator.agents;

import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.refork.protocol.control.Desired;

/**
 * One pod and what its agent is to be told. The reconciler makes it for a pod that the pool's own
 * Deployment controls, and for no other.
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
    ResourceID pool, String uid, String podName, String ip, boolean ready, Desired desired) {}
