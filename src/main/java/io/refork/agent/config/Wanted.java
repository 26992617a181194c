package io.refork.agent.config;

import io.refork.agent.config.Option.Given;
import io.refork.agent.config.Option.Shape;
import io.refork.protocol.Escape;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The options that an operator wants of a running agent.
 *
 * @param generation of the pool's {@code metadata.generation}
 * @param options live ones only, each value allowed by itself
 */
record Wanted(long generation, Map<Option<?>, Given> options) {
  Wanted {
    options = Map.copyOf(options);
  }

  /**
   * Settings by option name without dashes.
   *
   * @throws UsageException a name that is no option or one that cannot change while the agent runs,
   *     or a value that is not allowed
   */
  static Wanted of(long generation, Map<String, String> settings) throws UsageException {
    var options = new HashMap<Option<?>, Given>();
    for (var setting : new java.util.TreeMap<>(settings).entrySet()) {
      var where = "setting " + Escape.quoted(setting.getKey());
      var option = Options.named(setting.getKey());
      if (option.isEmpty()) {
        throw new UsageException(where + ": this agent has no such option");
      }
      if (!option.get().live() || option.get().shape() == Shape.REPEATED) {
        throw new UsageException(where + " cannot change while the agent runs; it needs a new pod");
      }
      var given = new Given(List.of(setting.getValue()), where);
      // Also one that a newer file hides: the operator hears of it at once.
      option.get().parseAll(given);
      options.put(option.get(), given);
    }
    return new Wanted(generation, options);
  }
}
