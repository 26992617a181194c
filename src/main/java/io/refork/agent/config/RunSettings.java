package io.refork.agent.config;

import io.refork.agent.linux.ListenAddress;
import io.refork.agent.log.Log;
import io.refork.agent.pool.PoolSettings;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Everything that {@code refork run} was told, validated. Only {@code pool} can change while the
 * agent runs.
 *
 * @param pool what the state machine works by
 * @param listen the sockets of the workers, at least one, names and addresses unique
 * @param backlog of each of them, 1 to 65535
 * @param control where probes and metrics are served
 * @param steering by whom this pod may be steered; empty when by nobody
 * @param stateDir sockets, lock and scoreboard fallback live here; absolute
 * @param config the file to watch, if there is one
 * @param logFormat of the agent's own lines on standard error
 * @param hugePages whether the application may have transparent huge pages
 * @param allowedThreads names of native threads that do not refuse a promotion
 * @param warnings sentences to log at the start
 */
public record RunSettings(
    PoolSettings pool,
    List<ListenAddress> listen,
    int backlog,
    HostPort control,
    Optional<Steering> steering,
    Path stateDir,
    Optional<Path> config,
    Log.Format logFormat,
    HugePages hugePages,
    Set<String> allowedThreads,
    List<String> warnings) {

  public RunSettings {
    listen = List.copyOf(listen);
    allowedThreads = Set.copyOf(allowedThreads);
    warnings = List.copyOf(warnings);
  }

  /**
   * What requests of an operator are checked against.
   *
   * @param keys the file with its public keys; need not exist yet; absolute
   * @param podUid of this pod
   */
  public record Steering(Path keys, String podUid) {}

  /** Transparent huge pages of the application's processes. */
  public enum HugePages {
    KEEP,
    OFF
  }
}
