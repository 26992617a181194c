package io.refork.operator.pods;

import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.Probe;
import io.fabric8.kubernetes.api.model.ProbeBuilder;
import io.refork.api.WorkerPoolSpec.Timeouts;
import java.time.Duration;

/** The kubelet's questions to the agent, for containers whose users ask none of their own. */
final class Probes {
  private static final int STARTUP_PERIOD_SECONDS = 2;

  private Probes() {}

  /**
   * Ends when the first workers serve. Generous: an application that does not load ends the agent
   * itself, and workers that do not get ready are tried again without a restart of the container.
   */
  static Probe startup(Timeouts timeouts, int port) {
    // The boot mold may take one boot limit, and the first workers another.
    var least = timeouts.boot().value().multipliedBy(2).plus(Duration.ofSeconds(30));
    return probe("/startupz", port)
        .withPeriodSeconds(STARTUP_PERIOD_SECONDS)
        .withTimeoutSeconds(2)
        .withFailureThreshold((int) (Steps.atLeast(least) / STARTUP_PERIOD_SECONDS))
        .build();
  }

  /** Two in a row: one slow answer of a throttled container is no reason to take it away. */
  static Probe readiness(int port) {
    return probe("/readyz", port)
        .withPeriodSeconds(5)
        .withTimeoutSeconds(2)
        .withFailureThreshold(2)
        .build();
  }

  /** Only an agent that has been stuck for 30 s answers it with no; workers have no say in it. */
  static Probe liveness(int port) {
    return probe("/livez", port)
        .withPeriodSeconds(10)
        .withTimeoutSeconds(5)
        .withFailureThreshold(3)
        .build();
  }

  private static ProbeBuilder probe(String path, int port) {
    return new ProbeBuilder()
        .withNewHttpGet()
        .withPath(path)
        .withPort(new IntOrString(port))
        .endHttpGet();
  }
}
