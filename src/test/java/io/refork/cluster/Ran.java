package io.refork.cluster;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** How a short command ended. */
public record Ran(List<String> command, int exit, String out, String err) {
  /** Longer than any command of a test takes on a busy machine; {@code kubectl wait} included. */
  private static final Duration BOUND = Duration.ofSeconds(90);

  /** Runs it to its end with {@code input} on stdin. */
  public static Ran run(Map<String, String> environment, String input, List<String> command) {
    return run(BOUND, environment, input, command);
  }

  /** The same within another bound. */
  public static Ran run(
      Duration bound, Map<String, String> environment, String input, List<String> command) {
    try {
      var in = Files.createTempFile("refork-in", "");
      var out = Files.createTempFile("refork-out", "");
      var err = Files.createTempFile("refork-err", "");
      try {
        Files.writeString(in, input);
        var builder =
            new ProcessBuilder(command)
                .redirectInput(in.toFile())
                .redirectOutput(out.toFile())
                .redirectError(err.toFile());
        builder.environment().putAll(environment);
        var process = builder.start();
        if (!process.waitFor(bound.toSeconds(), TimeUnit.SECONDS)) {
          process.destroyForcibly();
          throw new AssertionError(command + " still runs after " + bound);
        }
        return new Ran(
            command,
            process.exitValue(),
            Files.readString(out, StandardCharsets.UTF_8),
            Files.readString(err, StandardCharsets.UTF_8));
      } finally {
        Files.delete(in);
        Files.delete(out);
        Files.delete(err);
      }
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException("cannot run " + command, e);
    }
  }

  /** This, when it ended with 0; fails with what it said otherwise. */
  public Ran succeeded() {
    if (exit != 0) {
      throw new AssertionError(command + " ended with " + exit + "\n" + out + err);
    }
    return this;
  }
}
