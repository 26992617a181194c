package io.refork.agent.config;

import static io.refork.agent.config.Option.Section.AGENT;
import static io.refork.agent.config.Option.Section.POOL;
import static io.refork.agent.config.Option.Section.REFORK;
import static io.refork.agent.config.Option.Section.ROLLOUT;
import static io.refork.agent.config.Option.Section.TIME;
import static io.refork.agent.config.Option.Shape.LIST;
import static io.refork.agent.config.Option.Shape.ONE;
import static io.refork.agent.config.Option.Shape.REPEATED;

import io.refork.agent.config.Option.Shape;
import io.refork.agent.config.Parsers.Thresholds;
import io.refork.agent.config.RunSettings.HugePages;
import io.refork.agent.linux.ListenAddress;
import io.refork.agent.log.Log;
import io.refork.agent.memory.Cgroup;
import io.refork.agent.pool.PoolSettings.Recycle;
import io.refork.agent.pool.PoolSettings.Unavailable;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;

/**
 * The one table of {@code refork run}'s options. Flags, variables, file, help and documentation are
 * made from it.
 */
public final class Options {
  private static final Duration DAY = Duration.ofDays(1);
  private static final Duration HOUR = Duration.ofHours(1);

  /** More would outgrow the scoreboard, and no machine that fits one pool. */
  public static final int MAX_WORKERS = 512;

  // --- workers and sockets
  static final Option<Integer> WORKERS =
      live(
          "workers",
          POOL,
          "N|auto",
          "auto",
          "auto or a whole number from 1 to 512",
          "How many workers serve. auto: the container's CPU limit, else the usable CPUs; at least 2.",
          text ->
              text.equals("auto")
                  ? Optional.of(autoWorkers())
                  : Parsers.whole(1, MAX_WORKERS).apply(text));
  static final Option<ListenAddress> LISTEN =
      fixed(
          "listen",
          POOL,
          "[NAME=]HOST:PORT|unix:PATH",
          "0.0.0.0:8000",
          "HOST:PORT or unix:/absolute/path (at most 107 bytes), with a NAME= of lower-case letters, digits and dashes"
              + " before it if you like; an IPv6 address stands in brackets: [::]:8000",
          "A socket that the agent opens and the workers inherit. Repeatable.",
          REPEATED,
          Parsers::listen);
  static final Option<Integer> BACKLOG =
      fixed(
          "backlog",
          POOL,
          "N",
          "2048",
          "a whole number from 1 to 65535",
          "How many connections may wait in the queue of each socket.",
          ONE,
          Parsers.whole(1, 65_535));
  static final Option<Recycle> MAX_REQUESTS =
      live(
          "max-requests",
          POOL,
          "N[+-M]",
          "off",
          "off, a whole number such as 10000, or one with a smaller jitter such as 10000+-500",
          "Replace a worker after it has served this many requests, spread by the jitter M.",
          Parsers::recycle);

  // --- when to refork
  static final Option<Thresholds> REFORK_AFTER =
      new Option<>(
          "refork-after",
          REFORK,
          "N,N[,...]",
          "500,2000",
          "off, or whole numbers above 0 separated by commas, at most 64, and a final ... to repeat the last one",
          "Refork when one worker of the newest generation has served this many requests: the first number for the first"
              + " refork, and so on. The list's end stops; a final ... repeats the last number. off: only on request.",
          LIST,
          true,
          Parsers::thresholds);
  static final Option<OptionalInt> REFORK_BELOW =
      live(
          "refork-below",
          REFORK,
          "PERCENT",
          "off",
          "off or a whole number from 1 to 99",
          "Refork when the workers share less than this part of their memory.",
          text ->
              text.equals("off")
                  ? Optional.of(OptionalInt.empty())
                  : Parsers.whole(1, 99)
                      .apply(text.endsWith("%") ? text.substring(0, text.length() - 1) : text)
                      .map(OptionalInt::of));
  static final Option<Duration> REFORK_MIN_INTERVAL =
      time(
          "refork-min-interval",
          REFORK,
          "10m",
          Duration.ZERO,
          DAY.multipliedBy(30),
          "The least time between two automatic reforks.");

  // --- how carefully workers are replaced
  static final Option<Unavailable> MAX_UNAVAILABLE =
      live(
          "max-unavailable",
          ROLLOUT,
          "N|N%",
          "10%",
          "a whole number from 0 to 512 or a percentage from 0% to 100%",
          "How many workers may be not ready on purpose. A percentage is rounded down, but to 1 at least; with one worker"
              + " it is 0. With 0 and no surge a spare worker is started first.",
          Parsers::unavailable);
  static final Option<Integer> MAX_SURGE =
      live(
          "max-surge",
          ROLLOUT,
          "N",
          "0",
          "a whole number from 0 to 512",
          "How many workers more than --workers may exist during a rollout.",
          Parsers.whole(0, MAX_WORKERS));
  static final Option<Duration> CANARY_SOAK =
      time(
          "canary-soak",
          ROLLOUT,
          "10s",
          Duration.ZERO,
          HOUR,
          "How long the first worker of a new generation is watched before the others follow.");
  static final Option<Integer> FAILURE_BUDGET =
      live(
          "failure-budget",
          ROLLOUT,
          "N",
          "2",
          "a whole number from 1 to 512",
          "The failure of a new worker that aborts the rollout, counted from 1.",
          Parsers.whole(1, 512));

  // --- time limits
  static final Option<Duration> BOOT_TIMEOUT =
      time(
          "boot-timeout",
          TIME,
          "60s",
          Duration.ofMillis(100),
          DAY,
          "From the start of the application, or a new worker's hello, until it is ready.");
  static final Option<Duration> SPAWN_TIMEOUT =
      time(
          "spawn-timeout",
          TIME,
          "10s",
          Duration.ofMillis(100),
          HOUR,
          "From the command to fork until the new process says hello.");
  static final Option<Duration> PROMOTE_TIMEOUT =
      time(
          "promote-timeout",
          TIME,
          "30s",
          Duration.ofMillis(100),
          HOUR,
          "For a worker to drain and fork the next mold.");
  static final Option<Duration> REQUEST_TIMEOUT =
      timeOrOff(
          "request-timeout",
          "60s",
          Duration.ofMillis(100),
          DAY,
          "A worker with an older request writes a traceback and is replaced. 0: off.");
  static final Option<Duration> DRAIN_TIMEOUT =
      time(
          "drain-timeout",
          TIME,
          "30s",
          Duration.ZERO,
          DAY,
          "How long a leaving worker may finish what it has begun.");
  static final Option<Duration> SHUTDOWN_DELAY =
      time(
          "shutdown-delay",
          TIME,
          "0s",
          Duration.ZERO,
          HOUR,
          "How long to serve on after TERM, not ready, until load balancers have noticed.");
  static final Option<Duration> HEARTBEAT_TIMEOUT =
      timeOrOff(
          "heartbeat-timeout",
          "30s",
          Duration.ofSeconds(1),
          DAY,
          "How long an idle worker may show no sign of life. 0: off.");
  static final Option<Duration> KILL_AFTER =
      time(
          "kill-after", TIME, "2s", Duration.ofMillis(10), HOUR, "The time between TERM and KILL.");

  // --- the agent itself
  static final Option<HostPort> CONTROL =
      fixed(
          "control",
          AGENT,
          "HOST:PORT",
          "127.0.0.1:7300",
          "HOST:PORT; an IPv6 address stands in brackets: [::1]:7300",
          "Where /startupz, /readyz, /livez and /metrics are answered. Port 0 takes a free one.",
          ONE,
          Parsers::hostPort);
  static final Option<Path> CONTROL_KEYS =
      fixed(
          "control-keys",
          AGENT,
          "FILE",
          "",
          "the path of a file",
          "The public keys of the operator that may steer this pod, with --pod-uid; read again when it changes. Without"
              + " it nobody can.",
          ONE,
          Parsers::path);
  static final Option<String> POD_UID =
      fixed(
          "pod-uid",
          AGENT,
          "UID",
          "",
          "metadata.uid of the pod: 1 to 64 letters, digits and dashes",
          "The pod that this agent runs in, as the operator names it.",
          ONE,
          Parsers::uid);
  static final Option<Path> STATE_DIR =
      fixed(
          "state-dir",
          AGENT,
          "DIR",
          "",
          "the path of a directory, at most 80 bytes",
          "Sockets and the lock of this agent, one directory for each. Default: $XDG_RUNTIME_DIR/refork, else"
              + " /tmp/refork-<uid>.",
          ONE,
          text -> StateDir.parse(text));
  static final Option<Log.Format> LOG_FORMAT =
      fixed(
          "log-format",
          AGENT,
          "text|json",
          "text",
          "text or json",
          "How the agent's own lines on standard error look.",
          ONE,
          Parsers.word(Log.Format.class));
  static final Option<HugePages> THP =
      fixed(
          "thp",
          AGENT,
          "keep|off",
          "off",
          "keep or off",
          "Transparent huge pages of the application. They undo sharing: a write copies up to 2 MiB.",
          ONE,
          Parsers.word(HugePages.class));
  static final Option<String> ALLOW_THREAD =
      fixed(
          "allow-thread",
          AGENT,
          "NAME",
          "",
          "the name of a thread as in /proc/PID/task/*/comm, 1 to 15 bytes",
          "A native thread that may live in a worker when it becomes the mold. Repeatable.",
          REPEATED,
          Parsers::threadName);

  /** All of them, in the order of the help. */
  public static final List<Option<?>> ALL =
      List.of(
          WORKERS,
          LISTEN,
          BACKLOG,
          MAX_REQUESTS,
          REFORK_AFTER,
          REFORK_BELOW,
          REFORK_MIN_INTERVAL,
          MAX_UNAVAILABLE,
          MAX_SURGE,
          CANARY_SOAK,
          FAILURE_BUDGET,
          BOOT_TIMEOUT,
          SPAWN_TIMEOUT,
          PROMOTE_TIMEOUT,
          REQUEST_TIMEOUT,
          DRAIN_TIMEOUT,
          SHUTDOWN_DELAY,
          HEARTBEAT_TIMEOUT,
          KILL_AFTER,
          CONTROL,
          CONTROL_KEYS,
          POD_UID,
          STATE_DIR,
          LOG_FORMAT,
          THP,
          ALLOW_THREAD);

  private Options() {}

  /** The option of that name, as in a file's field. */
  static Optional<Option<?>> named(String name) {
    for (var option : ALL) {
      if (option.name().equals(name)) {
        return Optional.of(option);
      }
    }
    return Optional.empty();
  }

  /** {@code --workers auto}: the control groups' CPU limit, else the usable CPUs; at least 2. */
  private static int autoWorkers() {
    return Math.min(MAX_WORKERS, Cgroup.of("").workers(Runtime.getRuntime().availableProcessors()));
  }

  private static <T> Option<T> live(
      String name,
      Option.Section section,
      String placeholder,
      String fallback,
      String allowed,
      String help,
      Function<String, Optional<T>> parser) {
    return new Option<>(name, section, placeholder, fallback, allowed, help, ONE, true, parser);
  }

  private static <T> Option<T> fixed(
      String name,
      Option.Section section,
      String placeholder,
      String fallback,
      String allowed,
      String help,
      Shape shape,
      Function<String, Optional<T>> parser) {
    return new Option<>(name, section, placeholder, fallback, allowed, help, shape, false, parser);
  }

  private static Option<Duration> time(
      String name,
      Option.Section section,
      String fallback,
      Duration least,
      Duration most,
      String help) {
    return live(
        name,
        section,
        "TIME",
        fallback,
        "a time from "
            + Times.text(least)
            + " to "
            + Times.text(most)
            + " with its unit, such as 500ms, 10s or 1m30s",
        help,
        Parsers.duration(least, most, false));
  }

  private static Option<Duration> timeOrOff(
      String name, String fallback, Duration least, Duration most, String help) {
    return live(
        name,
        TIME,
        "TIME",
        fallback,
        "0 (off) or a time from "
            + Times.text(least)
            + " to "
            + Times.text(most)
            + " with its unit, such as 500ms, 10s or 1m30s",
        help,
        Parsers.duration(least, most, true));
  }
}
