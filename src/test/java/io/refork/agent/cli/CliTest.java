package io.refork.agent.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.refork.agent.config.Options;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CliTest {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private final Map<String, String> environment = new HashMap<>();
  private String started = "";

  private int refork(String... args) {
    return new Cli(
            environment,
            new PrintStream(out, true, UTF_8),
            new PrintStream(err, true, UTF_8),
            (settings, command, watcher) -> {
              started = settings.pool().workers() + " " + command;
              return 42;
            })
        .run(args);
  }

  @Test
  @DisplayName("the command is everything behind --, untouched; its exit code is refork's")
  void run() {
    assertThat(
            refork(
                "run",
                "--workers=3",
                "--listen",
                "a=[::]:1",
                "--listen",
                "b=h:2",
                "--",
                "sh",
                "-c",
                "x --workers 9",
                "--",
                "@file",
                ""))
        .isEqualTo(42);
    assertThat(started).isEqualTo("3 [sh, -c, x --workers 9, --, @file, ]");
    assertThat(refork("run", "--workers", "3", "python", "-m", "refork", "--help")).isEqualTo(42);
    assertThat(started).isEqualTo("3 [python, -m, refork, --help]");
    assertThat(err.toString(UTF_8)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          run                       | refork run: the command to run is missing; write it behind --, as in: refork run -- python -m refork gunicorn shop.wsgi
          run --worker 3 -- x       | refork run: there is no option "--worker"; did you mean --workers?; 'refork run --help' lists all
          run --frobnicate=3 -- x   | refork run: there is no option "--frobnicate=3"; 'refork run --help' lists all
          run --daemon -- x         | refork run: there is no option "--daemon"; 'refork run --help' lists all
          run --workers             | refork run: --workers: a value is missing; give auto or a whole number from 1 to 512
          run --workers --thp off x | refork run: --workers: a value is missing; give auto or a whole number from 1 to 512
          run --thp off --thp keep x | refork run: --thp is given twice; give it once
          run --config /none x      | refork run: config file /none does not exist
          run --backlog x y         | refork run: --backlog: "x" is not allowed; give a whole number from 1 to 65535
          rnu                       | refork: there is no command "rnu"; commands are run, status, refork, install, check, as in: refork run -- python -m refork gunicorn shop.wsgi
          --workers 3               | refork: there is no option "--workers"; commands are run, status, refork, install, check, as in: refork run -- python -m refork gunicorn shop.wsgi
          status --json             | refork status: there is no option "--json"; 'refork status --help' lists all
          status -o                 | refork status: --output: a value is missing
          install                   | refork install: give one directory, as in: refork install /refork
          check x                   | refork check: "x" is no pid; give a number, or -- and a command, as in: refork check -- python -m refork gunicorn shop.wsgi
          """)
  @DisplayName("a mistake ends with one sentence, exit code 2, and nothing is started")
  void mistakes(String line, String sentence) {
    assertThat(refork(line.split(" +"))).isEqualTo(2);
    assertThat(err.toString(UTF_8)).isEqualTo(sentence + "\n");
    assertThat(out.toString(UTF_8)).isEmpty();
    assertThat(started).isEmpty();
  }

  @Test
  @DisplayName("TOK-15 what the user typed is shown escaped")
  void escaped() {
    assertThat(refork("run", "--\u001b[2J", "x")).isEqualTo(2);
    assertThat(refork("\u001b[2J\n")).isEqualTo(2);
    environment.put("REFORK_THP", "\u001b\r");
    assertThat(refork("run", "x")).isEqualTo(2);
    assertThat(err.toString(UTF_8).lines())
        .hasSize(3)
        .allMatch(line -> line.chars().noneMatch(Character::isISOControl));
  }

  @Test
  @DisplayName(
      "the help of 'run' explains each option with its default and its variable, and shows examples")
  void runHelp() {
    assertThat(refork("run", "--help")).isZero();
    var help = out.toString(UTF_8).replaceAll("\\s+", " ");
    for (var option : Options.ALL) {
      assertThat(help)
          .contains(option.flag() + "=" + option.placeholder(), "[" + option.variable() + "]");
      if (!option.fallback().isEmpty()) {
        assertThat(help).contains("[" + option.fallback() + "] [" + option.variable() + "]");
      }
    }
    assertThat(help)
        .contains("REFORK_CONFIG", "Examples:", "python -m refork gunicorn", "Exit code:");
    assertThat(out.toString(UTF_8).lines()).allMatch(line -> line.length() <= 110);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--help",
        "help",
        "help run",
        "status --help",
        "refork -h",
        "install --help",
        "check --help",
        "run -h"
      })
  @DisplayName("every command has a help")
  void helps(String line) {
    assertThat(refork(line.split(" "))).isZero();
    assertThat(out.toString(UTF_8)).startsWith("Usage: refork ").contains("Options:");
  }

  @Test
  @DisplayName("without a command the help goes to standard error; the version is one line")
  void nothing() {
    assertThat(refork()).isEqualTo(2);
    assertThat(err.toString(UTF_8))
        .contains("Commands:", "run ", "status ", "refork ", "install ", "check ");
    for (var word : List.of("--version", "-V", "version")) {
      out.reset();
      assertThat(refork(word)).isZero();
      assertThat(out.toString(UTF_8)).startsWith("refork ").hasLineCount(1);
    }
  }
}
