package io.refork.operator.pods;

import io.refork.api.WorkerPoolSpec;
import io.refork.api.WorkerPoolSpec.TransparentHugePages;
import io.refork.operator.OperatorSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * The agent in front of the application's command. Only what an agent cannot change while it runs
 * stands here, because whatever stands here rolls the pods when it changes.
 */
final class AgentCommand {
  /** Where the init container puts the agent. */
  static final String FOLDER = "/opt/refork";

  /** The ConfigMap's. */
  static final String CONFIG_FOLDER = "/etc/refork";

  /** In memory: it outlives a restart of the container, and a busy disk stalls nobody. */
  static final String STATE_FOLDER = "/run/refork";

  /**
   * The variable of {@code --state-dir}: as a flag it would be known to the agent, but not to
   * {@code refork status} that somebody runs in the container.
   */
  static final String STATE_DIR = "REFORK_STATE_DIR";

  /** The variable of {@code --pod-uid}. */
  static final String POD_UID = "REFORK_POD_UID";

  /** Options that stand on the command line or are ours alone, beside {@link AgentOptions}. */
  static final Set<String> FIXED =
      Set.of("listen", "control", "state-dir", "thp", "config", "control-keys", "pod-uid");

  private AgentCommand() {}

  /** What replaces the container's command; its arguments stay what they are. */
  static List<String> of(
      WorkerPoolSpec spec, OperatorSettings.Agent agent, List<String> application) {
    var command = new ArrayList<String>();
    command.add(FOLDER + "/bin/refork");
    command.add("run");
    flag(command, "config", CONFIG_FOLDER + "/" + ConfigMapChild.OPTIONS);
    flag(command, "control-keys", CONFIG_FOLDER + "/" + ConfigMapChild.KEYS);
    // The pod's address: the kubelet's probes and the operator come from outside.
    flag(command, "control", "0.0.0.0:" + agent.port());
    for (var listener : spec.listeners()) {
      flag(command, "listen", listener.name() + "=0.0.0.0:" + listener.port());
    }
    if (spec.transparentHugePages() == TransparentHugePages.Keep) {
      flag(command, "thp", "keep");
    }
    command.add("--");
    command.addAll(application);
    return command;
  }

  private static void flag(List<String> command, String name, String value) {
    command.add("--" + name);
    command.add(value);
  }
}
