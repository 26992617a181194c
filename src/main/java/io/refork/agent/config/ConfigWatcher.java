package io.refork.agent.config;

import io.refork.agent.pool.PoolSettings;
import io.refork.protocol.Escape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * The settings of a running agent: as flags, variables and file say, and an operator. Notices that
 * the configuration file has changed and reads it again. The event loop calls {@link #look} about
 * once a second; it costs one {@code stat}. Follows links, so a Kubernetes ConfigMap's swap of its
 * directory is seen.
 */
public final class ConfigWatcher {
  private final SettingsReader reader;
  private final Optional<Path> file;
  private final Resolved running;
  private final RunSettings settings;
  private ConfigFile.Content content;
  private PoolSettings current;
  private List<String> lastWarnings = List.of();
  private Optional<Wanted> wanted = Optional.empty();
  private Seen applied;
  private Seen last;

  /** What a look found. */
  public sealed interface Change {
    /** Nothing to do. */
    record None() implements Change {}

    /**
     * Work by these from now on; log the warnings. The settings may equal the old ones when only
     * warnings are new.
     */
    record Settings(PoolSettings pool, List<String> warnings) implements Change {}

    /** Log the sentence; the old settings stay. Said once per state of the file. */
    record Broken(String sentence) implements Change {}
  }

  /** The file at one instant; {@code key} is its device and inode. */
  private sealed interface Seen {
    record Gone() implements Seen {}

    record There(String key, long modifiedNanos, long size) implements Seen {}

    /** A pipe, as of {@code <(…)}: it can be read once only, and opening one may wait for ever. */
    record NoFile() implements Seen {}
  }

  /** Starts from what {@code reader} says now; throws when that is not usable. */
  public ConfigWatcher(SettingsReader reader) throws UsageException {
    this.reader = reader;
    this.file = reader.config();
    // Before reading: a change between the two is then seen by the next look.
    this.applied = see();
    this.last = applied;
    this.content = reader.file();
    this.running = reader.resolve(content, Optional.empty());
    this.settings = reader.settings(running);
    this.current = settings.pool();
  }

  /** What the options said at the start. */
  public RunSettings settings() {
    return settings;
  }

  /**
   * Looks at the file. Never throws, never waits. A file is read when two looks in a row saw the
   * same new state.
   */
  public Change look() {
    if (file.isEmpty()) {
      return new Change.None();
    }
    var now = see();
    boolean settled = now.equals(last);
    last = now;
    // A file that is being written is left alone until it rests for one turn.
    if (!settled || now.equals(applied) || now instanceof Seen.NoFile) {
      return new Change.None();
    }
    applied = now;
    return read();
  }

  /**
   * The operator's word: its settings hold until it says others, or the file has a higher revision.
   *
   * @param generation of the pool they are of
   * @param settings by option name without dashes; those it does not name stay as flags, variables
   *     and file say
   * @return {@code None} or {@code Settings}
   * @throws UsageException a setting that cannot be used; then nothing has changed
   */
  public Change want(long generation, Map<String, String> settings) throws UsageException {
    var next = Optional.of(Wanted.of(generation, settings));
    var change = taken(content, next);
    wanted = next;
    return change;
  }

  private Change read() {
    try {
      var now = reader.file();
      var change = taken(now, wanted);
      content = now;
      return change;
    } catch (UsageException e) {
      return new Change.Broken(e.sentence() + "; the settings stay as they were");
    }
  }

  private Change taken(ConfigFile.Content said, Optional<Wanted> layer) throws UsageException {
    var warnings = new ArrayList<String>();
    var resolved = reader.resolve(said, layer);
    var pool = resolved.settings(file, List.of()).pool();
    for (var name : resolved.fixedDifferences(running)) {
      warnings.add(
          "config file "
              + Escape.plain(file.map(Path::toString).orElse(""), Escape.MAX)
              + ": \""
              + name
              + "\" cannot change while the agent runs; it stays as it is until a restart");
    }
    if (pool.equals(current) && warnings.equals(lastWarnings)) {
      return new Change.None();
    }
    current = pool;
    lastWarnings = List.copyOf(warnings);
    return new Change.Settings(pool, warnings);
  }

  private Seen see() {
    if (file.isEmpty()) {
      return new Seen.Gone();
    }
    try {
      var a = Files.readAttributes(file.get(), BasicFileAttributes.class);
      if (!a.isRegularFile()) {
        return new Seen.NoFile();
      }
      return new Seen.There(
          Objects.toString(a.fileKey(), ""),
          a.lastModifiedTime().to(java.util.concurrent.TimeUnit.NANOSECONDS),
          a.size());
    } catch (IOException e) {
      return new Seen.Gone();
    }
  }
}
