package io.refork.operator.pods;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerBuilder;
import io.refork.api.WorkerPoolSpec;
import io.refork.operator.OperatorSettings;
import java.util.Objects;

/** The application's container, started through the agent. */
final class ApplicationContainer {
  /** Name of the control port; the pods' monitor finds it by this. */
  static final String CONTROL_PORT = "refork";

  /** What a container wrote last is why it died: the kubelet tells it, and the pool's status. */
  static final String LAST_LINES = "FallbackToLogsOnError";

  private static final String TMP = "/tmp";

  private ApplicationContainer() {}

  static Container of(WorkerPoolSpec spec, OperatorSettings.Agent agent, Container given) {
    var builder = new ContainerBuilder(given);
    builder.withCommand(AgentCommand.of(spec, agent, given.getCommand()));
    builder.withSecurityContext(Security.application(given.getSecurityContext()));
    builder
        .addNewEnv()
        .withName(AgentCommand.STATE_DIR)
        .withValue(AgentCommand.STATE_FOLDER)
        .endEnv()
        .addNewEnv()
        .withName(AgentCommand.POD_UID)
        .withNewValueFrom()
        .withNewFieldRef()
        .withFieldPath("metadata.uid")
        .endFieldRef()
        .endValueFrom()
        .endEnv();
    ports(builder, spec, agent, given);
    mounts(builder, given);
    if (given.getTerminationMessagePolicy() == null) {
      builder.withTerminationMessagePolicy(LAST_LINES);
    }
    if (given.getStartupProbe() == null) {
      builder.withStartupProbe(Probes.startup(spec.timeouts(), agent.port()));
    }
    if (given.getReadinessProbe() == null) {
      builder.withReadinessProbe(Probes.readiness(agent.port()));
    }
    if (given.getLivenessProbe() == null) {
      builder.withLivenessProbe(Probes.liveness(agent.port()));
    }
    return builder.build();
  }

  /** A port that the user has declared, under whatever name, is not declared again. */
  private static void ports(
      ContainerBuilder builder,
      WorkerPoolSpec spec,
      OperatorSettings.Agent agent,
      Container given) {
    for (var listener : spec.listeners()) {
      port(builder, given, listener.name(), listener.port());
    }
    port(builder, given, CONTROL_PORT, agent.port());
  }

  private static void port(ContainerBuilder builder, Container given, String name, int number) {
    boolean declared =
        given.getPorts().stream()
            .anyMatch(
                port ->
                    Objects.equals(port.getContainerPort(), number)
                        && (port.getProtocol() == null || port.getProtocol().equals("TCP")));
    if (!declared) {
      // With the default's name: a list's elements are told apart by number and protocol.
      builder.addNewPort().withName(name).withContainerPort(number).withProtocol("TCP").endPort();
    }
  }

  private static void mounts(ContainerBuilder builder, Container given) {
    builder
        .addNewVolumeMount()
        .withName(Injection.AGENT_VOLUME)
        .withMountPath(AgentCommand.FOLDER)
        .withReadOnly(true)
        .endVolumeMount()
        .addNewVolumeMount()
        .withName(Injection.CONFIG_VOLUME)
        .withMountPath(AgentCommand.CONFIG_FOLDER)
        .withReadOnly(true)
        .endVolumeMount()
        .addNewVolumeMount()
        .withName(Injection.STATE_VOLUME)
        .withMountPath(AgentCommand.STATE_FOLDER)
        .endVolumeMount();
    if (needsTmp(given)) {
      builder
          .addNewVolumeMount()
          .withName(Injection.TMP_VOLUME)
          .withMountPath(TMP)
          .endVolumeMount();
    }
  }

  /** Servers and libraries write there; the root is read-only unless the user says otherwise. */
  static boolean needsTmp(Container given) {
    var context = given.getSecurityContext();
    boolean writable = context != null && Boolean.FALSE.equals(context.getReadOnlyRootFilesystem());
    return !writable
        && given.getVolumeMounts().stream().noneMatch(mount -> TMP.equals(mount.getMountPath()));
  }
}
