package io.refork.agent.cli;

import io.refork.agent.AgentFolder;
import io.refork.agent.Version;
import io.refork.agent.cli.AgentClient.NoAnswer;
import io.refork.agent.config.ConfigWatcher;
import io.refork.agent.config.Near;
import io.refork.agent.config.Option;
import io.refork.agent.config.Options;
import io.refork.agent.config.SettingsReader;
import io.refork.agent.config.StateDir;
import io.refork.agent.config.UsageException;
import io.refork.protocol.Escape;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.OverwrittenOptionException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The command line: words in, exit code out. Mistakes end with one sentence on standard error and
 * code 2.
 */
public final class Cli {
  /** Understood, but it did not work. */
  static final int FAILED = 1;

  /** The user's mistake. */
  static final int USAGE = 2;

  private final Map<String, String> environment;
  private final PrintStream out;
  private final PrintStream err;
  private final Starter starter;

  /** All that a command touches is given, so that tests need no process. */
  public Cli(Map<String, String> environment, PrintStream out, PrintStream err, Starter starter) {
    this.environment = environment;
    this.out = out;
    this.err = err;
    this.starter = starter;
  }

  /** Runs the command that {@code args} name; returns the exit code of the process. */
  public int run(String[] args) {
    var first = args.length == 0 ? "" : args[0];
    try {
      if (!Specs.COMMANDS.contains(first)) {
        return withoutCommand(args);
      }
      var parsed = parse(Specs.forParsing(first), args, 1);
      if (parsed.isUsageHelpRequested()) {
        usage(Specs.forHelp(first), out);
        return 0;
      }
      return switch (first) {
        case "run" -> start(parsed);
        case "status" -> status(parsed);
        case "refork" -> statusCommand(parsed).refork();
        case "install" -> install(words(parsed));
        default -> check(parsed, List.of(args).contains("--"));
      };
    } catch (UsageException e) {
      err.println(
          (Specs.COMMANDS.contains(first) ? "refork " + first + ": " : "refork: ") + e.sentence());
      err.flush();
      return USAGE;
    } catch (NoAnswer | InstallCommand.Failure e) {
      out.flush();
      err.println("refork " + first + ": " + e.getMessage());
      err.flush();
      return FAILED;
    }
  }

  private int withoutCommand(String[] args) throws UsageException {
    if (args.length == 0) {
      usage(Specs.root(), err);
      return USAGE;
    }
    switch (args[0]) {
      case "-h", "--help", "help" ->
          usage(
              args.length > 1 && Specs.COMMANDS.contains(args[1])
                  ? Specs.forHelp(args[1])
                  : Specs.root(),
              out);
      case "-V", "--version", "version" -> out.println("refork " + Version.text());
      default -> {
        var what = args[0].startsWith("-") ? "there is no option " : "there is no command ";
        throw new UsageException(
            what
                + Escape.quoted(args[0])
                + Near.hint(args[0], Specs.COMMANDS)
                + "; commands are "
                + String.join(", ", Specs.COMMANDS)
                + ", as in: refork run -- python -m refork gunicorn shop.wsgi");
      }
    }
    return 0;
  }

  private int start(ParseResult parsed) throws UsageException {
    var flags = new LinkedHashMap<String, List<String>>();
    for (var option : Options.ALL) {
      var given = texts(parsed, option.flag());
      if (!given.isEmpty()) {
        flags.put(option.name(), given);
      }
    }
    var command = words(parsed);
    if (command.isEmpty()) {
      throw new UsageException(
          "the command to run is missing; write it behind --, as in: refork run -- python -m refork gunicorn shop.wsgi");
    }
    var reader =
        SettingsReader.of(flags, texts(parsed, "--config").stream().findFirst(), environment);
    var watcher = new ConfigWatcher(reader);
    return starter.run(watcher.settings(), command, watcher);
  }

  private int status(ParseResult parsed) throws UsageException, NoAnswer {
    var format = text(parsed, "--output").orElse("text");
    if (!format.equals("text") && !format.equals("json")) {
      throw new UsageException(
          "--output: " + Escape.quoted(format) + " is not allowed; give text or json");
    }
    var command = statusCommand(parsed);
    boolean json = format.equals("json");
    return parsed.hasMatchedOption("--watch") ? command.watch(json) : command.show(json);
  }

  private int install(List<String> words) throws UsageException, InstallCommand.Failure {
    if (words.size() != 1) {
      throw new UsageException("give one directory, as in: refork install /refork");
    }
    var home = AgentFolder.ofThisProcess();
    if (home.isEmpty()) {
      throw new InstallCommand.Failure(
          "the agent's folder is not known, because this JVM was not started by its bin/refork; run that one");
    }
    return new InstallCommand(home.get(), out).install(Path.of(words.getFirst()));
  }

  private int check(ParseResult parsed, boolean command)
      throws UsageException, InstallCommand.Failure {
    var words = words(parsed);
    var check = new CheckCommand(out, err);
    var plan =
        TrialLoadPlan.of(
            texts(parsed, "--path"), texts(parsed, "--header"), texts(parsed, "--load"));
    if (command && !words.isEmpty()) {
      return check.command(words, plan);
    }
    if (!parsed.matchedOptions().isEmpty()) {
      throw new UsageException(
          "options are for a command, as in: refork check --path /healthz -- python -m refork gunicorn shop.wsgi");
    }
    if (words.isEmpty()) {
      return check.machine();
    }
    try {
      if (words.size() == 1) {
        return check.process(Integer.parseInt(words.getFirst()));
      }
    } catch (NumberFormatException e) {
      // answered below
    }
    throw new UsageException(
        Escape.quoted(words.getFirst())
            + " is no pid; give a number, or -- and a command, as in: refork check -- python -m refork gunicorn shop.wsgi");
  }

  private StatusCommand statusCommand(ParseResult parsed) throws UsageException {
    return new StatusCommand(
        StateDir.find(text(parsed, "--state-dir"), environment), out, isTerminal());
  }

  /** Whether escape sequences are understood; a pipe or {@code TERM=dumb} gets plain lines. */
  private boolean isTerminal() {
    var console = System.console();
    var kind = environment.getOrDefault("TERM", "dumb");
    return console != null && console.isTerminal() && !kind.equals("dumb") && !kind.isEmpty();
  }

  private static Optional<String> text(ParseResult parsed, String name) {
    return texts(parsed, name).stream().findFirst();
  }

  private static List<String> texts(ParseResult parsed, String name) {
    var option = parsed.matchedOption(name);
    return option == null ? List.of() : List.copyOf(option.originalStringValues());
  }

  private static List<String> words(ParseResult parsed) {
    var words = new ArrayList<String>();
    for (var positional : parsed.matchedPositionals()) {
      words.addAll(positional.originalStringValues());
    }
    return words;
  }

  private static ParseResult parse(CommandSpec spec, String[] args, int from)
      throws UsageException {
    var line = new CommandLine(spec);
    line.setStopAtPositional(true); // what follows the command's first word is the command's own
    line.setExpandAtFiles(false); // the command's own @words are not ours to read
    var rest = java.util.Arrays.copyOfRange(args, from, args.length);
    try {
      return line.parseArgs(rest);
    } catch (UnmatchedArgumentException e) {
      var wrong = e.getUnmatched().isEmpty() ? "" : e.getUnmatched().getFirst();
      throw new UsageException(
          "there is no option "
              + Escape.quoted(wrong)
              + Near.hint(nameOf(wrong), names(spec))
              + "; '"
              + spec.name()
              + " --help' lists all");
    } catch (MissingParameterException e) {
      var option =
          e.getMissing().isEmpty()
              ? ""
              : e.getMissing().getFirst() instanceof CommandLine.Model.OptionSpec o
                  ? o.longestName()
                  : "";
      throw new UsageException(option + ": a value is missing" + allowed(option));
    } catch (OverwrittenOptionException e) {
      var option =
          e.getOverwritten() instanceof CommandLine.Model.OptionSpec o
              ? o.longestName()
              : "an option";
      throw new UsageException(option + " is given twice; give it once");
    } catch (ParameterException e) {
      throw new UsageException(
          Escape.plain(String.valueOf(e.getMessage()).lines().findFirst().orElse(""), Escape.MAX));
    }
  }

  private static String nameOf(String wrong) {
    int equals = wrong.indexOf('=');
    return equals < 0 ? wrong : wrong.substring(0, equals);
  }

  private static String allowed(String flag) {
    for (Option<?> option : Options.ALL) {
      if (option.flag().equals(flag)) {
        return "; give " + option.allowed();
      }
    }
    return "";
  }

  private static List<String> names(CommandSpec spec) {
    return spec.options().stream().map(CommandLine.Model.OptionSpec::longestName).toList();
  }

  private static void usage(CommandSpec spec, PrintStream to) {
    new CommandLine(spec).usage(to, CommandLine.Help.Ansi.OFF);
    to.flush();
  }
}
