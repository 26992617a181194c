package io.refork.process;

import static org.awaitility.Awaitility.await;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * The real agent, {@code target/agent/bin/refork run}, as a child of the test, with a port and a
 * state directory of its own. Closing it ends it and whatever it has left, by pid.
 */
public final class AgentProcess implements AutoCloseable {
  /** More than any single step takes on a loaded machine; a test that needs it all has failed. */
  public static final Duration LONG = Duration.ofSeconds(60);

  static final Path HOME = Path.of("target/agent").toAbsolutePath();

  private final Process process;
  private final boolean asInit;
  private final Path stateDir;
  private final int port;
  private final int control;
  private final Collection<String> lines = new ConcurrentLinkedQueue<>();
  private final Thread reader;

  private AgentProcess(Builder b, Process process) {
    this.process = process;
    this.asInit = b.asInit;
    this.stateDir = b.stateDir;
    this.port = b.port;
    this.control = b.control;
    Runnable read = b.unread ? () -> {} : this::readLines;
    reader = Thread.ofPlatform().daemon().start(read);
  }

  /** An agent to be; every option has a default that suits a short test. */
  public static final class Builder {
    private final List<String> options = new ArrayList<>();
    private final Map<String, String> environment = new HashMap<>();
    private final List<String> prefix = new ArrayList<>();
    private final List<String> command = new ArrayList<>();
    private final int port = Ports.free();
    private final int control = Ports.free();
    private Path home = HOME;
    private Path stateDir;
    private boolean asInit;
    private boolean unread;
    private final List<String> inside = new ArrayList<>();

    Builder() {
      try {
        stateDir = Files.createTempDirectory("refork-test");
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    /**
     * Options of {@code refork run}; a later {@code --workers} does not replace an earlier one, so
     * give each once.
     */
    public Builder options(String... more) {
      options.addAll(List.of(more));
      return this;
    }

    public Builder env(String name, String value) {
      environment.put(name, value);
      return this;
    }

    public Builder stateDir(Path path) {
      stateDir = path;
      return this;
    }

    /** Another copy of target/agent. */
    public Builder home(Path path) {
      home = path;
      return this;
    }

    /** As PID 1 of a pid namespace of its own, as in a container. */
    public Builder asInit(boolean yes) {
      asInit = yes;
      return this;
    }

    /** Goes in front of the whole command line, for example {@code prlimit --nproc=…}. */
    public Builder prefix(String... words) {
      prefix.addAll(List.of(words));
      return this;
    }

    /**
     * Goes in front of the agent itself, within its pid namespace if it has one; must end in an
     * exec.
     */
    public Builder inside(String... words) {
      inside.addAll(List.of(words));
      return this;
    }

    /** Nobody reads what it and its application write. */
    public Builder unread() {
      unread = true;
      return this;
    }

    public Builder command(String... words) {
      command.addAll(List.of(words));
      return this;
    }

    public int port() {
      return port;
    }

    /** Starts it; returns at once. */
    public AgentProcess start() {
      var line = new ArrayList<>(prefix);
      if (asInit) {
        line.addAll(List.of("unshare", "--pid", "--fork", "--mount-proc", "--kill-child"));
      }
      line.addAll(inside);
      line.add(home.resolve("bin/refork").toString());
      line.add("run");
      add(line, "--listen", "127.0.0.1:" + port);
      add(line, "--control", "127.0.0.1:" + control);
      add(line, "--state-dir", stateDir.toString());
      line.addAll(options);
      line.add("--");
      line.addAll(command);
      var builder = new ProcessBuilder(line).redirectErrorStream(true);
      builder.environment().putAll(environment);
      try {
        return new AgentProcess(this, builder.start());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    private void add(List<String> line, String name, String value) {
      if (!options.contains(name)) {
        line.add(name);
        line.add(value);
      }
    }
  }

  /** The command is the test application on {@code refork.run}; see src/test/apps/loop_app.py. */
  public static Builder loopApp() {
    return new Builder().command(Apps.PYTHON, Apps.path("loop_app.py"));
  }

  /** The same application under gunicorn; {@code workerClass} is gthread or sync. */
  public static Builder gunicornApp(String workerClass, String... more) {
    return gunicorn("wsgi_app:application", workerClass, more);
  }

  /** The same application with Flask, under gunicorn. */
  public static Builder flaskApp(String workerClass, String... more) {
    return gunicorn("flask_app:application", workerClass, more);
  }

  private static Builder gunicorn(String application, String workerClass, String... more) {
    var builder =
        new Builder()
            .command(
                Apps.PYTHON,
                "-m",
                "refork",
                "gunicorn",
                "-k",
                workerClass,
                "--chdir",
                Apps.directory());
    return builder.command(more).command(application);
  }

  /** The test application, served by uvicorn on this pool. */
  public static Builder uvicornApp() {
    return new Builder()
        .command(
            Apps.PYTHON,
            "-m",
            "refork",
            "uvicorn",
            "--no-access-log",
            "--app-dir",
            Apps.directory(),
            "asgi_app:application");
  }

  /** Any command. */
  public static Builder of(String... command) {
    return new Builder().command(command);
  }

  // --- the process ---------------------------------------------------------------------------

  private void readLines() {
    try (var in =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (var line = in.readLine(); line != null; line = in.readLine()) {
        lines.add(line);
        if (Boolean.getBoolean("refork.echo")) {
          System.err.println(line);
        }
      }
    } catch (IOException e) {
      // closed: the agent is gone
    }
  }

  /** The agent's pid as the test sees it. */
  public int pid() {
    if (!asInit) {
      return (int) process.pid();
    }
    return await()
        .atMost(LONG)
        .until(() -> Proc.children((int) process.pid()), c -> !c.isEmpty())
        .getFirst();
  }

  /** The pid, as the test sees it, of a process that the agent calls {@code pid}. */
  public int outer(int pid) {
    return asInit ? Proc.outer(pid(), pid) : pid;
  }

  public int port() {
    return port;
  }

  public int controlPort() {
    return control;
  }

  public Path stateDir() {
    return stateDir;
  }

  public void signal(String name) {
    Proc.kill(pid(), name);
  }

  public boolean isAlive() {
    return process.isAlive();
  }

  /** The exit code, awaited for at most {@code bound}. */
  public int exitCode(Duration bound) {
    try {
      if (!process.waitFor(bound.toMillis(), TimeUnit.MILLISECONDS)) {
        throw new AssertionError("the agent did not end within " + bound + "\n" + log());
      }
      reader.join(Duration.ofSeconds(5));
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
    return process.exitValue();
  }

  /** Sends TERM and returns the exit code. */
  public int stop() {
    signal("TERM");
    return exitCode(LONG);
  }

  // --- what it says --------------------------------------------------------------------------

  /** Everything it and its application have written. */
  public String log() {
    return String.join("\n", lines);
  }

  /** Lines that match; the whole log is searched. */
  public List<String> lines(String regex) {
    var pattern = Pattern.compile(regex);
    return lines.stream().filter(l -> pattern.matcher(l).find()).toList();
  }

  /** Waits for a line. */
  public String awaitLine(String regex) {
    try {
      return await().atMost(LONG).until(() -> lines(regex), l -> !l.isEmpty()).getFirst();
    } catch (org.awaitility.core.ConditionTimeoutException e) {
      throw new AssertionError("no line matches " + regex + "\n" + log(), e);
    }
  }

  /** What {@code refork status -o json} says, by the agent's own socket. */
  public Json status() {
    if (!process.isAlive()) {
      throw new AssertionError("the agent has ended with " + process.exitValue() + "\n" + log());
    }
    return LocalStatus.of(stateDir);
  }

  /** The value of a metric without labels, from the control port. */
  public double metric(String name) throws IOException {
    return Load.get(control, "/metrics")
        .lines()
        .filter(l -> l.startsWith(name + " "))
        .mapToDouble(l -> Double.parseDouble(l.substring(name.length() + 1)))
        .findFirst()
        .orElseThrow(() -> new AssertionError("there is no metric " + name));
  }

  /** Waits until the status is as wanted; an agent that does not answer yet is asked again. */
  public Json awaitStatus(String what, Predicate<Json> wanted) {
    try {
      return await(what)
          .atMost(LONG)
          .pollInterval(Duration.ofMillis(50))
          .ignoreExceptionsInstanceOf(UncheckedIOException.class)
          .until(this::status, wanted);
    } catch (org.awaitility.core.ConditionTimeoutException e) {
      throw new AssertionError(what + ": not seen\n" + log(), e);
    }
  }

  /** Waits until {@code n} workers are ready and nothing else is going on. */
  public Json awaitReady(int n) {
    return awaitStatus(
        n + " workers ready",
        s ->
            s.list("workers").size() == n
                && s.list("workers").stream().allMatch(w -> w.text("state").equals("ready")));
  }

  /** Waits until {@code n} workers are ready, none of them with this pid (as the agent sees it). */
  public Json awaitReadyWithout(int n, int pid) {
    return awaitStatus(
        n + " workers ready, without " + pid,
        s ->
            s.list("workers").size() == n
                && s.list("workers").stream()
                    .allMatch(w -> w.text("state").equals("ready") && w.integer("pid") != pid));
  }

  /**
   * Waits until every one of {@code n} workers is ready and of this generation, and the rollout is
   * over.
   */
  public Json awaitGeneration(int n, int generation) {
    return awaitStatus(
        "all of generation " + generation,
        s ->
            s.list("workers").size() == n
                && s.list("workers").stream()
                    .allMatch(
                        w ->
                            w.text("state").equals("ready")
                                && w.integer("generation") == generation)
                && (s.isNull("refork") || !s.object("refork").text("outcome").equals("running")));
  }

  /** The workers' pids as the agent sees them, by slot; a slot without a process is left out. */
  public List<Integer> workerPids() {
    return status().list("workers").stream()
        .filter(w -> !w.isNull("pid"))
        .map(w -> w.integer("pid"))
        .toList();
  }

  @Override
  public void close() {
    if (process.isAlive()) {
      var all = Proc.tree((int) process.pid());
      process.destroyForcibly();
      try {
        process.waitFor(10, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      all.forEach(Proc::killIfSame);
    }
  }
}
