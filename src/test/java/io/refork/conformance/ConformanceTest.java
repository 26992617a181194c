package io.refork.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.refork.process.Apps;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The conformance suite of docs/protocol.md against the Python shim, as a user would run it. */
@Execution(ExecutionMode.CONCURRENT)
class ConformanceTest {
  /** A run takes 20 seconds. */
  private static final long BOUND_SECONDS = 180;

  @ParameterizedTest(name = "PY-04 the conformance suite holds on CPython {0}")
  @ValueSource(strings = {"3.9", "3.10", "3.11", "3.12", "3.13", "3.14"})
  void interpreters(String version) throws Exception {
    var python = interpreter(version);
    assumeTrue(python.isPresent(), () -> "no CPython " + version + " on this machine");
    conforms(List.of(python.get(), Apps.path("loop_app.py")));
  }

  @ParameterizedTest(name = "PY-04 the conformance suite holds for gunicorn''s {0}")
  @ValueSource(strings = {"gthread", "sync"})
  void gunicorn(String workerClass) throws Exception {
    conforms(
        List.of(
            Apps.PYTHON,
            "-m",
            "refork",
            "gunicorn",
            "-k",
            workerClass,
            "--chdir",
            Apps.directory(),
            "wsgi_app:application"));
  }

  @Test
  @DisplayName("the suite fails a program that does not speak the protocol, and says what it saw")
  void notAShim() throws Exception {
    var run = run(List.of("--only", "boot", "sh", "-c", "echo I am no shim"));
    assertThat(run.exitCode()).as(run.output()).isEqualTo(1);
    assertThat(run.output()).contains("FAILED  boot").contains("| I am no shim");
  }

  private static void conforms(List<String> command) throws Exception {
    var line = new ArrayList<>(List.of("--slow", "/sleep/1000", "--failing", "/status/500"));
    line.addAll(command);
    var run = run(line);
    assertThat(run.exitCode()).as(run.output()).isZero();
    assertThat(run.output()).contains("ok      wire.").doesNotContain("FAILED");
  }

  private record Run(int exitCode, String output) {}

  /** In a JVM of its own: it waits for every child it has, and adopts orphans. */
  private static Run run(List<String> arguments) throws IOException, InterruptedException {
    var output = Files.createTempFile("refork-conformance", ".txt");
    var command = new ArrayList<String>();
    command.add(System.getProperty("java.home") + "/bin/java");
    command.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx64m"));
    command.addAll(
        List.of("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(Conformance.class.getName());
    command.addAll(arguments);
    var builder =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .redirectInput(new File("/dev/null"));
    builder.environment().put("PYTHONPATH", Path.of("src/main/python").toAbsolutePath().toString());
    builder.environment().put("PYTHONDONTWRITEBYTECODE", "1");
    var process = builder.start();
    try {
      var ended = process.waitFor(BOUND_SECONDS, TimeUnit.SECONDS);
      var text = Files.readString(output);
      assertThat(ended).as("ends within " + BOUND_SECONDS + " s; so far:\n" + text).isTrue();
      return new Run(process.exitValue(), text);
    } finally {
      process.destroyForcibly();
      Files.delete(output);
    }
  }

  /** One of pyenv's, else the one on the PATH (pyenv's shims are none: they may lead nowhere). */
  private static Optional<String> interpreter(String version) throws IOException {
    var name = "python" + version;
    var candidates = new ArrayList<Path>();
    var pyenv = Path.of(System.getProperty("user.home"), ".pyenv/versions");
    if (Files.isDirectory(pyenv)) {
      try (Stream<Path> versions = Files.list(pyenv)) {
        versions.map(v -> v.resolve("bin").resolve(name)).sorted().forEach(candidates::add);
      }
    }
    for (var directory : System.getenv("PATH").split(":")) {
      candidates.add(Path.of(directory, name));
    }
    return candidates.stream()
        .filter(p -> !p.toString().contains("shims") && Files.isExecutable(p))
        .map(Path::toString)
        .findFirst();
  }
}
