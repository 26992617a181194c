package io.refork.bench;

import io.refork.process.Load;
import io.refork.process.Proc;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * A server under measurement: some command that listens on a port, and everything that it starts.
 */
final class Server implements AutoCloseable {
  /** The test application imports the shim, also when no agent runs it. */
  static final Map<String, String> SHIM =
      Map.of("PYTHONPATH", Path.of("target/agent/python").toAbsolutePath().toString());

  private static final Duration START = Duration.ofSeconds(60);

  private final Process process;
  private final int port;

  private Server(Process process, int port) {
    this.process = process;
    this.port = port;
  }

  /** Starts it and waits until it answers {@code path}; its output goes to {@code log}. */
  static Server start(
      List<String> command,
      Map<String, String> environment,
      Path directory,
      int port,
      String path,
      Path log) {
    try {
      Files.createDirectories(log.getParent());
      var builder =
          new ProcessBuilder(command)
              .directory(directory.toFile())
              .redirectErrorStream(true)
              .redirectOutput(log.toFile());
      builder.environment().putAll(environment);
      var server = new Server(builder.start(), port);
      long end = System.nanoTime() + START.toNanos();
      while (!server.answers(path)) {
        if (System.nanoTime() > end || !server.process.isAlive()) {
          server.close();
          throw new IllegalStateException("no answer from " + command + ", see " + log);
        }
        Thread.sleep(50);
      }
      return server;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private boolean answers(String path) {
    try {
      Load.get(port, path);
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  int pid() {
    return (int) process.pid();
  }

  int port() {
    return port;
  }

  /** Its processes but the first: workers, molds; for gunicorn its workers. */
  List<Integer> processes() {
    return Proc.tree(pid()).stream().map(Proc.Id::pid).toList();
  }

  /**
   * Σ of a field of smaps_rollup over all its processes, in bytes; the agent or arbiter included.
   */
  long sum(String field) {
    return processes().stream().mapToLong(p -> Proc.smaps(p, field)).sum();
  }

  @Override
  public void close() {
    var all = Proc.tree(pid());
    if (process.isAlive()) {
      Proc.kill(pid(), "TERM");
      try {
        if (!process.waitFor(45, java.util.concurrent.TimeUnit.SECONDS)) {
          process.destroyForcibly();
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    all.forEach(Proc::killIfSame);
  }
}
