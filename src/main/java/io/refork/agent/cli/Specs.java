package io.refork.agent.cli;

import io.refork.agent.config.Option;
import io.refork.agent.config.Option.Section;
import io.refork.agent.config.Option.Shape;
import io.refork.agent.config.Options;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Model.ArgGroupSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/**
 * What picocli needs to know. Built by hand: annotations would be read by reflection, which an
 * interpreted JVM pays for at every start, and the options of {@code run} come from {@link Options}
 * anyway.
 */
final class Specs {
  static final List<String> COMMANDS = List.of("run", "status", "refork", "install", "check");

  private static final int WIDTH = 100;

  private Specs() {}

  /** The whole program, for {@code refork --help} and for finding commands. */
  static CommandSpec root() {
    var spec =
        command(
            "refork",
            "Runs preforking application servers at a fraction of their memory, with warm workers.");
    spec.addOption(
        OptionSpec.builder("-V", "--version")
            .versionHelp(true)
            .description("Print the version.")
            .build());
    for (var name : COMMANDS) {
      spec.addSubcommand(name, forHelp(name).name(name));
    }
    spec.usageMessage()
        .customSynopsis("refork COMMAND [OPTIONS]")
        .commandListHeading("%nCommands:%n")
        .footer(
            "",
            "Start a Flask application with 8 workers that share their warm memory:",
            "  refork run --workers 8 -- python -m refork gunicorn shop.wsgi",
            "Look at it from a second terminal, or by kubectl exec:",
            "  refork status --watch",
            "",
            "'refork COMMAND --help' explains each command.%n");
    return spec;
  }

  static CommandSpec forHelp(String name) {
    return name.equals("run") ? run(true) : forParsing(name);
  }

  static CommandSpec forParsing(String name) {
    return switch (name) {
      case "run" -> run(false);
      case "status" -> status();
      case "refork" -> refork();
      case "install" -> install();
      case "check" -> check();
      default -> throw new IllegalArgumentException(name);
    };
  }

  /**
   * Grouped for the help; flat for parsing, where groups would cost time and take an option twice
   * without a word.
   */
  private static CommandSpec run(boolean grouped) {
    var spec =
        command(
            "refork run",
            "Starts the application, forks workers from it, and reforks them when they are warm.");
    for (var section : Section.values()) {
      var args = new ArrayList<OptionSpec>();
      var group =
          ArgGroupSpec.builder()
              .validate(false)
              .heading("%n" + section.title() + ":%n")
              .order(section.ordinal());
      for (var option : Options.ALL) {
        if (option.section() == section) {
          args.add(flag(option));
        }
      }
      if (section == Section.AGENT) {
        args.add(
            text(
                    "--config",
                    "FILE",
                    "More options as JSON, comments allowed: {\"workers\": 8, \"drain-timeout\": \"10s\"}. Read again when it changes."
                        + " [REFORK_CONFIG]")
                .build());
      }
      if (grouped) {
        args.forEach(group::addArg);
        spec.addArgGroup(group.build());
      } else {
        args.forEach(spec::addOption);
      }
    }
    spec.addPositional(
        PositionalParamSpec.builder()
            .paramLabel("COMMAND")
            .type(List.class)
            .auxiliaryTypes(String.class)
            .index("0..*")
            .arity("0..*")
            .hidden(true)
            .build());
    spec.usageMessage()
        .customSynopsis("refork run [OPTIONS] -- COMMAND...")
        .footer(
            "",
            "Each option is also a variable (its name stands in brackets) and a field of the file that --config",
            "names. A flag wins over a variable, that over the file, that over the default.",
            "",
            "Examples:",
            "  refork run -- python -m refork gunicorn -c gunicorn.conf.py shop.wsgi",
            "  refork run --workers 8 --refork-after 500,2000,10000,... -- python -m refork gunicorn shop.wsgi",
            "  refork run --listen unix:/run/shop.sock --config shop.json -- python worker.py",
            "",
            "Signals: TERM and QUIT stop gracefully, INT at once, USR2 reforks, HUP replaces all workers.",
            "Exit code: 0 after a stop; 2 for a mistake in the options; the command's when its first start fails",
            "(127 not found, 126 not executable, 128+N ended by signal N).");
    return spec;
  }

  private static OptionSpec flag(Option<?> option) {
    var fallback = option.fallback().isEmpty() ? "" : " [" + option.fallback() + "]";
    var builder =
        text(
            option.flag(),
            option.placeholder(),
            option.help() + fallback + " [" + option.variable() + "]");
    if (option.shape() == Shape.REPEATED) {
      builder.type(List.class).auxiliaryTypes(String.class).arity("1");
    }
    return builder.build();
  }

  private static CommandSpec status() {
    var spec =
        command(
            "refork status",
            "Shows the molds and workers of a running agent, their memory and the refork under way.");
    stateDir(spec);
    spec.addOption(
        OptionSpec.builder("--watch")
            .description("Draw it again every second until interrupted.")
            .build());
    spec.addOption(
        text(
                "-o",
                "text|json",
                "text: a tree. json: one line with everything; unknown numbers are null with a reason beside them. [text]")
            .names("-o", "--output")
            .build());
    spec.usageMessage()
        .customSynopsis("refork status [--state-dir DIR] [--watch] [-o text|json]")
        .footer(
            "",
            "Examples:",
            "  refork status",
            "  refork status -o json | jq .memory.sharedRatio",
            "  kubectl exec shop-7c9-x2x4k -- refork status --watch");
    return spec;
  }

  private static CommandSpec refork() {
    var spec =
        command(
            "refork refork",
            "Asks a running agent to refork now: its warmest worker becomes the new mold.");
    stateDir(spec);
    spec.usageMessage().customSynopsis("refork refork [--state-dir DIR]");
    return spec;
  }

  private static CommandSpec install() {
    var spec =
        command(
            "refork install",
            "Copies this agent into a directory, and checks that the copy runs. An init container does this.");
    spec.addPositional(
        PositionalParamSpec.builder()
            .paramLabel("DIR")
            .type(List.class)
            .auxiliaryTypes(String.class)
            .index("0..*")
            .arity("0..*")
            .hidden(true)
            .build());
    spec.usageMessage()
        .customSynopsis("refork install DIR")
        .footer(
            "",
            "Example, into a volume that the application's container mounts read-only:",
            "  refork install /refork");
    return spec;
  }

  private static CommandSpec check() {
    var spec =
        command(
            "refork check",
            "Says whether this machine is fit for reforking, and whether a running application, or one to be started, is fork-safe.");
    spec.addOption(
        text(
                "--path",
                "PATH",
                "What to ask the application for, for example /healthz. Repeatable. [/]")
            .type(List.class)
            .auxiliaryTypes(String.class)
            .build());
    spec.addOption(
        text(
                "--header",
                "'NAME: VALUE'",
                "A header of these requests, for example 'Host: shop.example'. Repeatable.")
            .type(List.class)
            .auxiliaryTypes(String.class)
            .build());
    spec.addOption(
        text(
                "--load",
                "TIME",
                "How long to send requests before the refork, and again after it; up to 15s. [4s]")
            .build());
    spec.addPositional(
        PositionalParamSpec.builder()
            .paramLabel("PID")
            .type(List.class)
            .auxiliaryTypes(String.class)
            .index("0..*")
            .arity("0..*")
            .hidden(true)
            .build());
    spec.usageMessage()
        .customSynopsis("refork check [PID | [OPTIONS] -- COMMAND...]")
        .footer(
            "",
            "Without argument only the machine is checked; with the pid of an application also that and its children;",
            "with a command it is started with two workers, gets a little load (at most 80 requests a second), and is",
            "reforked once meanwhile: 20 seconds for most applications, 150 at most. Its output is on standard error.",
            "Exit code 0 when it would refork in production, 1 when something would fail. docs/check.md explains each row.",
            "",
            "Examples:",
            "  refork check",
            "  refork check 1234",
            "  refork check -- python -m refork gunicorn shop.wsgi",
            "  refork check --path /search?q=a --path /cart -- python -m refork uvicorn shop.main:app");
    return spec;
  }

  private static void stateDir(CommandSpec spec) {
    spec.addOption(
        text(
                "--state-dir",
                "DIR",
                "Where the agent keeps its socket; as given to 'refork run'. [$XDG_RUNTIME_DIR/refork, else /tmp/refork-<uid>]"
                    + " [REFORK_STATE_DIR]")
            .build());
  }

  private static CommandSpec command(String name, String description) {
    // Variables in texts are not ours, and looking for them is a fifth of the parsing time.
    var spec = CommandSpec.create().interpolateVariables(false);
    spec.name(name);
    spec.usageMessage()
        .descriptionHeading("%n")
        .description(description)
        .width(WIDTH)
        .autoWidth(false)
        .longOptionsMaxWidth(34)
        .sortOptions(false)
        .optionListHeading("%nOptions:%n");
    spec.addOption(
        OptionSpec.builder("-h", "--help").usageHelp(true).description("Print this help.").build());
    return spec;
  }

  private static OptionSpec.Builder text(String name, String placeholder, String description) {
    return OptionSpec.builder(name)
        .paramLabel(placeholder)
        .hideParamSyntax(true)
        .type(String.class)
        .arity("1")
        .description(description);
  }
}
