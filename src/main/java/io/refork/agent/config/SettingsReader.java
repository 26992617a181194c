package io.refork.agent.config;

import io.refork.agent.config.Option.Given;
import io.refork.agent.config.Option.Shape;
import io.refork.protocol.Escape;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Makes {@link RunSettings} of flags, environment and file; a flag wins over a variable, that over
 * the file, that over the default. Can be asked again: the flags and variables stay, the file is
 * read anew.
 */
public final class SettingsReader {
  /** The variable and flag that name the file; not an option of the file itself. */
  public static final String CONFIG_VARIABLE = "REFORK_CONFIG";

  /**
   * Variables of the mold protocol and of the launcher, set for others: no typing errors of ours.
   */
  private static final List<String> NOT_OURS =
      List.of(
          "REFORK_SOCKET", "REFORK_SCOREBOARD", "REFORK_PROTOCOL", "REFORK_HOME", CONFIG_VARIABLE);

  private final Map<Option<?>, Given> flags;
  private final Map<String, String> environment;
  private final Optional<Path> config;

  private SettingsReader(
      Map<Option<?>, Given> flags, Map<String, String> environment, Optional<Path> config) {
    this.flags = flags;
    this.environment = environment;
    this.config = config;
  }

  /**
   * @param flags by option name without dashes, the texts in order; only those that were given
   * @param configFlag the value of {@code --config}
   * @param environment the process's, or a test's
   */
  public static SettingsReader of(
      Map<String, List<String>> flags, Optional<String> configFlag, Map<String, String> environment)
      throws UsageException {
    var given = new HashMap<Option<?>, Given>();
    flags.forEach(
        (name, texts) ->
            Options.named(name).ifPresent(o -> given.put(o, new Given(texts, o.flag()))));
    var variable = environment.getOrDefault(CONFIG_VARIABLE, "");
    var file = configFlag.or(() -> Optional.of(variable).filter(text -> !text.isBlank()));
    var where = configFlag.isPresent() ? "--config" : CONFIG_VARIABLE;
    return new SettingsReader(
        given,
        environment,
        file.isPresent() ? Optional.of(path(file.get(), where)) : Optional.empty());
  }

  private static Path path(String text, String where) throws UsageException {
    try {
      if (Parsers.isPrintable(text)) {
        return Path.of(text).toAbsolutePath().normalize();
      }
    } catch (InvalidPathException e) {
      // answered below
    }
    throw new UsageException(
        where + ": " + Escape.quoted(text) + " is not allowed; give the path of a file");
  }

  /** The file to watch, if there is one. */
  Optional<Path> config() {
    return config;
  }

  /** Reads everything now. */
  public RunSettings read() throws UsageException {
    return settings(resolve());
  }

  RunSettings settings(Resolved resolved) throws UsageException {
    return resolved.settings(config, typos());
  }

  /** Every option's values, typed, checked one by one and against each other. */
  Resolved resolve() throws UsageException {
    return resolve(file(), Optional.empty());
  }

  /** What the file says now. */
  ConfigFile.Content file() throws UsageException {
    return config.isPresent() ? new ConfigFile(config.get()).read() : ConfigFile.Content.NONE;
  }

  /**
   * The same with the operator's word, which is the strongest: flags and variables were there when
   * the pod began. But a file of a higher revision comes from the same operator, and is newer.
   */
  Resolved resolve(ConfigFile.Content file, Optional<Wanted> wanted) throws UsageException {
    var newest = wanted.filter(w -> w.generation() >= file.revision());
    var strongest = newest.isPresent() ? newest.get().options() : Map.<Option<?>, Given>of();
    var values = new HashMap<Option<?>, Resolved.Values>();
    for (var option : Options.ALL) {
      values.put(option, values(option, strongest, file.options()));
    }
    return new Resolved(values, environment);
  }

  private Resolved.Values values(
      Option<?> option, Map<Option<?>, Given> wanted, Map<Option<?>, Given> file)
      throws UsageException {
    var sources = new ArrayList<Given>();
    add(sources, wanted.get(option));
    add(sources, flags.get(option));
    add(sources, variable(option).orElse(null));
    add(sources, file.get(option));
    // All are checked, also those that a stronger one hides: a mistake shall not wait for the day
    // the flag is taken away.
    var all = new ArrayList<Resolved.Values>();
    for (var source : sources) {
      all.add(new Resolved.Values(List.copyOf(option.parseAll(source)), source.where(), true));
    }
    if (!all.isEmpty()) {
      return all.getFirst();
    }
    var fallback = option.byDefault();
    return new Resolved.Values(List.copyOf(option.parseAll(fallback)), fallback.where(), false);
  }

  private static void add(List<Given> sources, @org.jspecify.annotations.Nullable Given given) {
    if (given != null) {
      sources.add(given);
    }
  }

  /** An empty variable is one that is not set: that is how containers take a variable away. */
  private Optional<Given> variable(Option<?> option) {
    var text = environment.getOrDefault(option.variable(), "");
    if (text.isBlank()) {
      return Optional.empty();
    }
    var texts = List.of(text);
    if (option.shape() == Shape.REPEATED) {
      texts = new ArrayList<>();
      for (var part : text.split("[,\\s]+")) {
        if (!part.isEmpty()) {
          texts.add(part);
        }
      }
    }
    return Optional.of(new Given(texts, option.variable()));
  }

  /**
   * A mistyped variable would be ignored without a word; a stranger's that merely begins like ours
   * is left alone.
   */
  private List<String> typos() {
    var known = new ArrayList<String>();
    for (var option : Options.ALL) {
      known.add(option.variable());
    }
    var warnings = new ArrayList<String>();
    for (var name : new java.util.TreeSet<>(environment.keySet())) {
      if (name.startsWith("REFORK_") && !known.contains(name) && !NOT_OURS.contains(name)) {
        Near.typo(name, known)
            .ifPresent(
                meant ->
                    warnings.add(
                        "the variable "
                            + Escape.plain(name, Escape.MAX)
                            + " is unknown and ignored; did you mean "
                            + meant
                            + "?"));
      }
    }
    return warnings;
  }
}
