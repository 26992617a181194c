/** What the kubelet is told: started, ready, alive. */
package io.refork.operator.health;
