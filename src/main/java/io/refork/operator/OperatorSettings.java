package io.refork.operator;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;

/**
 * The operator's own settings: environment variables {@code REFORK_…}, system properties {@code
 * refork.…}, the chart's values.
 */
@ConfigMapping(prefix = "refork")
public interface OperatorSettings {
  /** Namespace that the operator runs in; its lease and its key's Secret live there. */
  @WithDefault("refork-system")
  String namespace();

  /** Namespaces whose pools it manages; empty: all. */
  Optional<Set<String>> watchNamespaces();

  Agent agent();

  Poll poll();

  Key key();

  Metrics metrics();

  LeaderElection leaderElection();

  Log log();

  /** What goes into every pod. */
  interface Agent {
    /** Image with the agent's folder, for pools that name none. */
    @WithDefault("refork-agent:dev")
    String image();

    /** Port of the agents' control endpoint, 1 to 65535. */
    @WithDefault("7300")
    int port();
  }

  /** How agents are asked. */
  interface Poll {
    /** How often each agent is asked; an agent verifies a signature in 20 ms. */
    @WithDefault("10s")
    Duration interval();

    /** How long one answer may take. */
    @WithDefault("2s")
    Duration timeout();

    /** Requests in flight at once. */
    @WithDefault("64")
    int concurrency();

    /** Whether pods may have loopback addresses: for clusters whose kubelet is played. */
    @WithDefault("false")
    boolean loopback();
  }

  /** The key that requests to agents are signed with. */
  interface Key {
    /** Name of the Secret in {@link OperatorSettings#namespace}; made at first start. */
    @WithDefault("refork-operator-key")
    String secret();
  }

  /** What is exported. */
  interface Metrics {
    /** Whether there is a set of gauges per pool. */
    @WithDefault("true")
    boolean perPool();
  }

  /** Whether one of several operators leads. */
  interface LeaderElection {
    @WithDefault("false")
    boolean enabled();

    /** How long a lease lasts; another operator takes over at most that long after a crash. */
    @WithDefault("10s")
    Duration lease();
  }

  /** How it logs. */
  interface Log {
    /** One JSON object a line; else text for people. */
    @WithDefault("true")
    boolean json();
  }
}
