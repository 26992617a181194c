package io.refork.operator.pods;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ContainerBuilder;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.PodSpecBuilder;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.PodTemplateSpecBuilder;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.ResourceRequirements;
import io.fabric8.kubernetes.api.model.ResourceRequirementsBuilder;
import io.fabric8.kubernetes.api.model.VolumeMountBuilder;
import io.refork.api.WorkerPool;
import io.refork.operator.OperatorSettings;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The user's pod template with the agent in it: an init container copies the agent to a volume, the
 * application's container mounts that read-only and starts the agent, and the agent the
 * application. Whatever the user has set stays as it is.
 */
sealed interface Injection {
  /** Begins the names of our volumes and of our init container. */
  String PREFIX = "refork-";

  String INSTALLER = PREFIX + "agent";
  String AGENT_VOLUME = PREFIX + "agent";
  String CONFIG_VOLUME = PREFIX + "config";
  String STATE_VOLUME = PREFIX + "state";
  String TMP_VOLUME = PREFIX + "tmp";

  /** An agent is 75 MB; a few of them fit. */
  Quantity AGENT_VOLUME_LIMIT = new Quantity("256Mi");

  /** Sockets, a lock, and 64 bytes for each of at most about a thousand processes. */
  Quantity STATE_VOLUME_LIMIT = new Quantity("16Mi");

  /**
   * Beyond what the agent itself takes at most: twice {@code --kill-after} and a second, then the
   * kernel and the kubelet.
   */
  Duration END_MARGIN = Duration.ofSeconds(10);

  record Injected(PodTemplateSpec template) implements Injection {}

  /** It cannot be done; the sentence says why and what to do. */
  record Refused(String sentence) implements Injection {}

  static Injection into(WorkerPool pool, OperatorSettings.Agent agent) {
    var template = pool.getSpec().template();
    var refusal = Refusals.of(pool.getSpec(), agent);
    if (refusal.isPresent()) {
      return new Refused(refusal.get());
    }
    var spec = template.getSpec();
    var application = Refusals.application(pool.getSpec()).orElseThrow();
    return new Injected(
        new PodTemplateSpecBuilder(template)
            .editOrNewMetadata()
            .addToLabels(Names.POOL, pool.getMetadata().getName())
            .endMetadata()
            .withSpec(podSpec(pool, agent, spec, application))
            .build());
  }

  private static PodSpec podSpec(
      WorkerPool pool, OperatorSettings.Agent agent, PodSpec given, Container application) {
    var builder = new PodSpecBuilder(given);
    builder.withTerminationGracePeriodSeconds(
        Math.max(
            Optional.ofNullable(given.getTerminationGracePeriodSeconds()).orElse(0L), grace(pool)));
    if (given.getAutomountServiceAccountToken() == null) {
      builder.withAutomountServiceAccountToken(false);
    }
    builder.withSecurityContext(Security.pod(given.getSecurityContext()));
    builder.addToInitContainers(0, installer(pool, agent, application));
    int index = given.getContainers().indexOf(application);
    builder.setToContainers(index, ApplicationContainer.of(pool.getSpec(), agent, application));
    volumes(builder, pool, application);
    return builder.build();
  }

  private static long grace(WorkerPool pool) {
    var timeouts = pool.getSpec().timeouts();
    return Steps.atLeast(
        timeouts.shutdownDelay().value().plus(timeouts.drain().value()).plus(END_MARGIN));
  }

  private static Container installer(
      WorkerPool pool, OperatorSettings.Agent agent, Container application) {
    var given = pool.getSpec().agent();
    return new ContainerBuilder()
        .withName(INSTALLER)
        .withImage(given.image().isEmpty() ? agent.image() : given.image())
        // The image's entrypoint is the agent.
        .withArgs("install", AgentCommand.FOLDER)
        .withResources(resources(given.resources(), application.getResources()))
        .withTerminationMessagePolicy(ApplicationContainer.LAST_LINES)
        .withSecurityContext(Security.installer())
        .withVolumeMounts(
            new VolumeMountBuilder()
                .withName(AGENT_VOLUME)
                .withMountPath(AgentCommand.FOLDER)
                .build())
        .build();
  }

  /**
   * Without a word from the user: the application's CPU and memory. A pod's request is the larger
   * of both, so it costs nothing, keeps the pod's class of service, and satisfies a quota.
   */
  private static ResourceRequirements resources(
      @Nullable ResourceRequirements given, @Nullable ResourceRequirements application) {
    if (given != null && !given.equals(new ResourceRequirements())) {
      return given;
    }
    if (application == null) {
      return new ResourceRequirements();
    }
    return new ResourceRequirementsBuilder()
        .withRequests(computing(application.getRequests()))
        .withLimits(computing(application.getLimits()))
        .build();
  }

  private static Map<String, Quantity> computing(@Nullable Map<String, Quantity> all) {
    return Optional.ofNullable(all).orElse(Map.of()).entrySet().stream()
        .filter(entry -> entry.getKey().equals("cpu") || entry.getKey().equals("memory"))
        .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
  }

  private static void volumes(PodSpecBuilder builder, WorkerPool pool, Container application) {
    builder
        .addNewVolume()
        .withName(AGENT_VOLUME)
        .withNewEmptyDir()
        .withSizeLimit(AGENT_VOLUME_LIMIT)
        .endEmptyDir()
        .endVolume()
        .addNewVolume()
        .withName(CONFIG_VOLUME)
        .withNewConfigMap()
        .withName(Names.configMap(pool))
        .endConfigMap()
        .endVolume()
        .addNewVolume()
        .withName(STATE_VOLUME)
        .withNewEmptyDir()
        .withMedium("Memory")
        .withSizeLimit(STATE_VOLUME_LIMIT)
        .endEmptyDir()
        .endVolume();
    if (ApplicationContainer.needsTmp(application)) {
      builder.addNewVolume().withName(TMP_VOLUME).withNewEmptyDir().endEmptyDir().endVolume();
    }
  }
}
