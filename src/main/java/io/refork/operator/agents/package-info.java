/**
 * The line to the agents: the signing key, who is asked when, what an answer is worth, and which
 * news the reconciler hears of. Everything that comes from a pod is a stranger's word until it has
 * passed {@link io.refork.operator.agents.Judgement}.
 */
package io.refork.operator.agents;
