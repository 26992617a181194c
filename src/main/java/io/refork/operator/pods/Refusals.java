package io.refork.operator.pods;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.refork.api.UnreadableTemplate;
import io.refork.api.WorkerPoolSpec;
import io.refork.api.WorkerPoolStatus;
import io.refork.operator.OperatorSettings;
import io.refork.protocol.Escape;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Why the agent cannot be put into a template. What the API server itself refuses is left to it:
 * its own sentence says more.
 */
final class Refusals {
  private static final List<String> FOLDERS =
      List.of(AgentCommand.FOLDER, AgentCommand.CONFIG_FOLDER, AgentCommand.STATE_FOLDER);

  private Refusals() {}

  /** The container that the agent is for. */
  static Optional<Container> application(WorkerPoolSpec spec) {
    var containers = containers(spec);
    var name = spec.container();
    return containers.stream()
        .filter(container -> name == null || name.equals(container.getName()))
        .findFirst();
  }

  private static List<Container> containers(WorkerPoolSpec spec) {
    return Optional.ofNullable(spec.template())
        .map(PodTemplateSpec::getSpec)
        .map(PodSpec::getContainers)
        .orElse(List.of());
  }

  static Optional<String> of(WorkerPoolSpec spec, OperatorSettings.Agent agent) {
    if (spec.template() instanceof UnreadableTemplate unreadable) {
      return Optional.of(Escape.plain(unreadable.sentence(), WorkerPoolStatus.MAX_MESSAGE));
    }
    if (containers(spec).isEmpty()) {
      return Optional.of("spec.template has no container: give it the application's");
    }
    var application = application(spec);
    if (application.isEmpty()) {
      return Optional.of(
          "spec.container is "
              + Escape.quoted(String.valueOf(spec.container()))
              + ", but the template's containers are "
              + containers(spec).stream()
                  .map(container -> Escape.quoted(String.valueOf(container.getName())))
                  .collect(Collectors.joining(", "))
              + ": name one of them");
    }
    return ofContainer(spec, agent, application.get())
        .or(() -> ofOthers(spec, agent, application.get()))
        .or(() -> reserved(spec.template().getSpec()));
  }

  private static Optional<String> ofContainer(
      WorkerPoolSpec spec, OperatorSettings.Agent agent, Container application) {
    var where =
        "container " + Escape.quoted(String.valueOf(application.getName())) + " of spec.template";
    if (application.getCommand().isEmpty()) {
      return Optional.of(
          where
              + " has no command, and the image's own entrypoint cannot be seen from here: write"
              + " the command that starts the application, for example [python, -m, refork,"
              + " gunicorn, shop.wsgi]");
    }
    for (var listener : spec.listeners()) {
      if (listener.port() == agent.port()) {
        return Optional.of(
            "listener "
                + Escape.quoted(listener.name())
                + " wants port "
                + agent.port()
                + ", which is the agent's control port: give it another");
      }
    }
    for (var mount : application.getVolumeMounts()) {
      if (FOLDERS.contains(String.valueOf(mount.getMountPath()))) {
        return Optional.of(
            where
                + " mounts "
                + mount.getMountPath()
                + ", which is the agent's: mount it elsewhere");
      }
    }
    return application.getEnv().stream()
        .map(EnvVar::getName)
        .filter(Objects::nonNull)
        .filter(Refusals::isOurs)
        .findFirst()
        .map(
            name ->
                where
                    + " sets "
                    + name
                    + ", which would outweigh the pool's own fields: take it out and set the field"
                    + " of spec");
  }

  /** All containers of a pod share its ports: one that says so would fight with the agent. */
  private static Optional<String> ofOthers(
      WorkerPoolSpec spec, OperatorSettings.Agent agent, Container application) {
    var pod = spec.template().getSpec();
    return Stream.concat(pod.getInitContainers().stream(), pod.getContainers().stream())
        .filter(container -> container != application)
        .filter(
            container ->
                container.getPorts().stream()
                    .anyMatch(port -> Objects.equals(port.getContainerPort(), agent.port())))
        .findFirst()
        .map(
            container ->
                "container "
                    + Escape.quoted(String.valueOf(container.getName()))
                    + " of spec.template has port "
                    + agent.port()
                    + ", which is the agent's control port: give it another");
  }

  /** An agent's variables win over its file, so one of them would make the spec a lie. */
  private static boolean isOurs(String variable) {
    if (!variable.startsWith("REFORK_")) {
      return false;
    }
    var option = variable.substring("REFORK_".length()).toLowerCase(Locale.ROOT).replace('_', '-');
    return AgentCommand.FIXED.contains(option) || AgentOptions.NAMES.contains(option);
  }

  private static Optional<String> reserved(PodSpec spec) {
    for (var volume : spec.getVolumes()) {
      if (String.valueOf(volume.getName()).startsWith(Injection.PREFIX)) {
        return Optional.of(
            "volume "
                + Escape.quoted(volume.getName())
                + " of spec.template has a name that begins with "
                + Injection.PREFIX
                + ", as the agent's do: give it another");
      }
    }
    for (var container : spec.getInitContainers()) {
      if (Injection.INSTALLER.equals(container.getName())) {
        return Optional.of(
            "an init container of spec.template is called "
                + Injection.INSTALLER
                + ", as the agent's is: give it another name");
      }
    }
    return Optional.empty();
  }
}
