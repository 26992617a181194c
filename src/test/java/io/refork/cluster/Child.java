package io.refork.cluster;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * A program beside the tests, its output in a file. It dies with this JVM, however that ends: the
 * kernel kills it when the thread that started it is gone, so one that never ends starts them all.
 */
public final class Child implements AutoCloseable {
  private static final ExecutorService STARTER =
      Executors.newSingleThreadExecutor(
          Thread.ofPlatform().daemon().name("starts-children").factory());

  private final String name;
  private final Process process;
  private final Path log;

  private Child(String name, Process process, Path log) {
    this.name = name;
    this.process = process;
    this.log = log;
  }

  /**
   * Starts {@code command} with {@code environment} added to ours; output is appended to {@code
   * log}.
   */
  public static Child start(
      String name, Path log, Map<String, String> environment, List<String> command) {
    var whole = new ArrayList<>(List.of("setpriv", "--pdeathsig", "KILL", "--"));
    whole.addAll(command);
    var builder =
        new ProcessBuilder(whole)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
    builder.environment().putAll(environment);
    try {
      return new Child(name, STARTER.submit(builder::start).get(), log);
    } catch (Exception e) {
      throw new IllegalStateException("cannot start " + name + ": " + whole, e);
    }
  }

  /** Of the program itself: setpriv replaces itself by it. */
  public long pid() {
    return process.pid();
  }

  /** Whether it still runs. */
  public boolean alive() {
    return process.isAlive();
  }

  /** The last lines it wrote, for the message of a failure. */
  public String tail() {
    try {
      var text = Files.exists(log) ? Files.readString(log, StandardCharsets.ISO_8859_1) : "";
      return text.substring(Math.max(0, text.length() - 3_000));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Everything it wrote so far. */
  public Path log() {
    return log;
  }

  /** A signal by name: TERM, STOP, CONT, KILL, … */
  public void signal(String signal) {
    try {
      var sent = new ProcessBuilder("kill", "-" + signal, Long.toString(pid())).start().waitFor();
      if (sent != 0 && alive()) {
        throw new IllegalStateException("cannot send " + signal + " to " + name);
      }
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Waits until it has ended by itself and returns its exit code, 128 + n for signal n. */
  public int awaitExit(Duration bound) {
    try {
      if (!process.waitFor(bound.toMillis(), TimeUnit.MILLISECONDS)) {
        throw new AssertionError(name + " still runs after " + bound + "\n" + tail());
      }
      return process.exitValue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** SIGKILL, and waits until it is gone. */
  @Override
  public void close() {
    process.destroyForcibly();
    awaitExit(Duration.ofSeconds(10));
  }
}
