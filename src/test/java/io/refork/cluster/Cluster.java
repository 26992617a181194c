package io.refork.cluster;

/**
 * Everything that an operator meets: a control plane with the project's CRDs, a kubelet that plays
 * the nodes, and agents in every pod. Most tests use the {@link #shared} one and a namespace of
 * their own; those that stop the API server start one.
 */
public record Cluster(ControlPlane controlPlane, PlayedKubelet kubelet, SimulatedAgents agents)
    implements AutoCloseable {
  private static final class Shared {
    static final Cluster INSTANCE = around(ControlPlane.shared());
  }

  /** The one of this JVM, started when first asked for. Not to be closed. */
  public static Cluster shared() {
    return Shared.INSTANCE;
  }

  /** A new one. Close it. */
  public static Cluster start() {
    return around(ControlPlane.startWithCrds());
  }

  private static Cluster around(ControlPlane controlPlane) {
    var agents = SimulatedAgents.start();
    return new Cluster(controlPlane, PlayedKubelet.start(controlPlane, agents), agents);
  }

  @Override
  public void close() {
    kubelet.close();
    agents.close();
    controlPlane.close();
  }
}
