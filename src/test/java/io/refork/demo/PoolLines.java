package io.refork.demo;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/**
 * {@code kubectl get wp -w}, line by line as it comes. The kernel ends it with us, however we end.
 */
final class PoolLines implements AutoCloseable {
  private final Process process;

  /** Call it on a thread that lives as long as the program: kubectl dies with that thread. */
  PoolLines(String namespace, String pool, Consumer<String> line) throws IOException {
    process =
        new ProcessBuilder(
                "setpriv",
                "--pdeathsig",
                "KILL",
                "--",
                "kubectl",
                "-n",
                namespace,
                "get",
                "wp",
                pool,
                "-w")
            .redirectErrorStream(true)
            .start();
    Thread.ofPlatform().daemon().name("pool-lines").start(() -> follow(line));
  }

  private void follow(Consumer<String> line) {
    try (var lines =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      lines.lines().forEach(line);
    } catch (IOException | java.io.UncheckedIOException closed) {
      return;
    }
  }

  @Override
  public void close() {
    process.destroy();
  }
}
