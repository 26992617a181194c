package io.refork.agent.cli;

import io.refork.agent.AgentFolder;
import io.refork.agent.Main;
import io.refork.agent.cli.AgentClient.NoAnswer;
import io.refork.agent.cli.InstallCommand.Failure;
import io.refork.agent.cli.TrialSeen.Outcome;
import io.refork.agent.cli.TrialSeen.Warning;
import io.refork.agent.control.Status;
import io.refork.agent.control.StatusReader;
import io.refork.agent.control.StatusReader.Answer;
import io.refork.protocol.Escape;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/**
 * A command under an agent of its own for the length of a check: two workers, sockets on free
 * ports, a state directory that is removed afterwards. What the agent and the application write
 * goes to standard error; the agent's warnings are kept.
 */
final class TrialRun implements AutoCloseable {
  /** More than the default of --boot-timeout, which then tells the better story. */
  private static final Duration BOOT = Duration.ofSeconds(65);

  /** Promotion, canary and one more worker: 30 s and 10 s at most by default, without soaking. */
  private static final Duration REFORK = Duration.ofSeconds(50);

  /**
   * No step of a trial ends later after its start. On top come a last question to the agent (5 s),
   * the clients' last requests (10.5 s) and the stop (13 s): 150 s are promised.
   */
  private static final Duration ALL = Duration.ofSeconds(120);

  /**
   * For the agent to end all it has started: 5 s for draining, twice 2 s and 1 s for what does not
   * end by itself, and as much as two cores may need for it.
   */
  private static final Duration STOP = Duration.ofSeconds(12);

  /** For the kernel to end what was killed. */
  private static final Duration KILLED = Duration.ofSeconds(1);

  private static final long POLL_MILLIS = 100;

  /**
   * What a pool may have in its environment and a trial must not: nobody steers it. Its other
   * settings count, but for those that {@link #OPTIONS} says otherwise.
   */
  private static final List<String> NOT_OF_A_TRIAL =
      List.of("REFORK_CONFIG", "REFORK_CONTROL_KEYS", "REFORK_POD_UID");

  /**
   * Given as flags, which win over variables: exactly one refork, no worker that goes for another
   * reason, an end within {@link #STOP}, and a log that can be read here.
   */
  private static final List<String> OPTIONS =
      List.of(
          "--workers", "2",
          "--listen", "127.0.0.1:0",
          "--control", "127.0.0.1:0",
          "--refork-after", "off",
          "--refork-below", "off",
          "--max-requests", "off",
          "--canary-soak", "0s",
          "--shutdown-delay", "0s",
          "--drain-timeout", "5s",
          "--kill-after", "2s",
          "--log-format", "text");

  private final Process agent;
  private final Path directory;
  private final AgentClient client;
  private final long end = System.nanoTime() + ALL.toNanos();
  private final TrialOutput output;

  private TrialRun(Process agent, Path directory, PrintStream err) {
    this.agent = agent;
    this.directory = directory;
    this.client = new AgentClient(directory);
    this.output = new TrialOutput(err);
    Thread.ofPlatform().daemon().name("output").start(() -> output.copy(agent.getInputStream()));
  }

  /** {@code err} takes what the agent and the application write. */
  static TrialRun start(List<String> command, PrintStream err) throws Failure {
    try {
      var directory = TrialDirectory.create(Path.of(System.getProperty("java.io.tmpdir", "/tmp")));
      var line = new ArrayList<>(program());
      line.addAll(arguments(directory, command));
      var builder = new ProcessBuilder(line);
      restoreUsers(builder.environment());
      builder.environment().keySet().removeAll(NOT_OF_A_TRIAL);
      builder.redirectInput(new File("/dev/null"));
      builder.environment().put("REFORK_ENDS_WITH_PARENT", "1"); // when this check is killed
      builder.redirectErrorStream(true);
      return new TrialRun(builder.start(), directory, err);
    } catch (IOException e) {
      throw new Failure(
          "cannot start an agent for the check: "
              + Escape.plain(String.valueOf(e.getMessage()), Escape.MAX));
    }
  }

  private static List<String> arguments(Path directory, List<String> command) {
    var all = new ArrayList<>(List.of("run", "--state-dir", directory.toString()));
    all.addAll(OPTIONS);
    all.add("--");
    all.addAll(command);
    return all;
  }

  /**
   * What the launcher hid from this JVM is the application's again, so that the next launcher hides
   * it in turn.
   */
  private static void restoreUsers(Map<String, String> environment) {
    var prefix = "REFORK_APP_ENV_";
    for (var name : List.copyOf(environment.keySet())) {
      if (name.startsWith(prefix)) {
        environment.put(name.substring(prefix.length()), String.valueOf(environment.remove(name)));
      }
    }
  }

  /** The launcher that started us; a plain JVM where there is none. */
  private static List<String> program() {
    return AgentFolder.ofThisProcess()
        .map(home -> List.of(home.path().resolve("bin/refork").toString()))
        .orElseGet(
            () ->
                List.of(
                    System.getProperty("java.home") + "/bin/java",
                    "--enable-native-access=ALL-UNNAMED",
                    "-cp",
                    System.getProperty("java.class.path"),
                    Main.class.getName()));
  }

  /** The agent's process: parent of molds and workers. */
  int pid() {
    return Math.toIntExact(agent.pid());
  }

  /** What processes of the pool have warned of so far. */
  List<Warning> warnings() {
    return output.warnings();
  }

  /** Whether there is time for one more step. */
  boolean hasTime() {
    return agent.isAlive() && System.nanoTime() < end - HttpCaller.PATIENCE_MILLIS * 1_000_000L;
  }

  /** The time, or what is left for the steps of this trial when that is less. */
  Duration atMost(Duration time) {
    var left = Duration.ofNanos(Math.max(0, end - System.nanoTime()));
    return time.compareTo(left) < 0 ? time : left;
  }

  /** The pool as it is, or empty when the agent does not answer. */
  Optional<Status> status() {
    return await(Duration.ofSeconds(5), s -> true);
  }

  /** The pool once it has a mold and all its workers again. */
  Optional<Status> settled() {
    return await(
        Duration.ofSeconds(5),
        s ->
            s.ready()
                && s.mold().isPresent()
                && s.workers().stream().allMatch(w -> w.state().equals("ready")));
  }

  /** Waits until both workers serve. */
  Finding awaitReady() {
    var status = await(BOOT, Status::ready);
    if (status.isPresent()) {
      return Finding.ok(
          "start", "loaded and forked; " + status.get().workers().size() + " workers are ready");
    }
    return agent.isAlive()
        ? Finding.fail(
            "start",
            "not ready within " + BOOT.toSeconds() + " s",
            "is a shim in the command? For Python: -- python -m refork gunicorn ...")
        : Finding.fail("start", "ended with code " + agent.exitValue(), "see its output above");
  }

  /** Asks for one refork and waits for its end. */
  Outcome refork() {
    long begun = System.nanoTime();
    try {
      if (StatusReader.answer(client.ask("refork"))
              instanceof Answer.Verdict(var accepted, var message)
          && !accepted) {
        return new Outcome.Unknown(message);
      }
    } catch (NoAnswer | IOException e) {
      return new Outcome.Unknown("the agent does not answer");
    }
    var status =
        await(REFORK, s -> s.refork().filter(r -> !r.outcome().equals("running")).isPresent());
    var refork = status.flatMap(Status::refork);
    if (refork.isEmpty()) {
      return new Outcome.Unknown(
          "not finished within " + (System.nanoTime() - begun) / 1_000_000_000 + " s");
    }
    var r = refork.get();
    return r.outcome().startsWith("completed")
        ? new Outcome.Completed((System.nanoTime() - begun) / 1e9)
        : new Outcome.Failed(r.outcome(), r.reason(), r.detail());
  }

  private Optional<Status> await(Duration limit, Predicate<Status> wanted) {
    long deadline = Math.min(System.nanoTime() + limit.toNanos(), end);
    while (agent.isAlive() && System.nanoTime() < deadline) {
      try {
        if (StatusReader.answer(client.ask("status")) instanceof Answer.State(var status)
            && wanted.test(status)) {
          return Optional.of(status);
        }
      } catch (NoAnswer | IOException e) {
        // not listening yet
      }
      try {
        if (agent.waitFor(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
          break;
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        break;
      }
    }
    return Optional.empty();
  }

  /** Stops the agent, and with it all it has started; removes the directory. */
  @Override
  public void close() {
    agent.destroy();
    try {
      if (!agent.waitFor(STOP.toSeconds(), TimeUnit.SECONDS)) {
        agent.destroyForcibly().waitFor(KILLED.toSeconds(), TimeUnit.SECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      agent.destroyForcibly();
    }
    TrialDirectory.remove(directory);
  }
}
