package io.refork.operator.pods;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.refork.api.WorkerPool;

/**
 * What every agent of a pool reads from its volume: its options, by which a new pod starts even
 * when no operator is there, and the public keys of the operator.
 */
final class ConfigMapChild {
  /** The file for {@code --config}. */
  static final String OPTIONS = "agent.json";

  /** The file for {@code --control-keys}. */
  static final String KEYS = "keys.json";

  private ConfigMapChild() {}

  static ConfigMap of(WorkerPool pool, String keysJson) {
    return new ConfigMapBuilder()
        .withMetadata(Names.metadata(pool, Names.configMap(pool)))
        .addToData(OPTIONS, options(pool))
        .addToData(KEYS, keysJson)
        .build();
  }

  /**
   * The revision is that of the spec: a file that the kubelet brings a minute late must not undo
   * what the operator has sent since.
   */
  private static String options(WorkerPool pool) {
    var json = new ObjectNode(JsonNodeFactory.instance);
    json.put("revision", generation(pool));
    AgentOptions.of(pool.getSpec()).forEach(json::put);
    return json.toPrettyString() + "\n";
  }

  private static long generation(WorkerPool pool) {
    var generation = pool.getMetadata().getGeneration();
    return generation == null ? 0 : generation;
  }
}
