package io.refork.agent.cli;

import io.refork.agent.config.ConfigWatcher;
import io.refork.agent.config.RunSettings;
import java.util.List;

/**
 * What {@code refork run} does once its options are understood. The agent is one; tests put another
 * in its place.
 */
@FunctionalInterface
public interface Starter {
  /**
   * Runs until the pool has ended.
   *
   * @param command the application's, at least one word
   * @param watcher of the configuration file; to be asked once a second
   * @return the exit code of the process
   */
  int run(RunSettings settings, List<String> command, ConfigWatcher watcher);
}
