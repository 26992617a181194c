package io.refork.agent.cli;

import io.refork.agent.control.Status;
import io.refork.agent.control.Status.Measure;
import io.refork.agent.control.Status.ProcessMemory;
import io.refork.protocol.Escape;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A status as people read it: a summary, then molds and workers as a tree by generation, then what
 * failed. Pure.
 */
final class StatusText {
  private static final String ROW = "%-15s %8s  %-12s %7s %5s %9s %7s %12s %13s";

  private StatusText() {}

  /** The lines, without line ends; everything from outside is escaped. */
  static List<String> lines(Status status) {
    var lines = new ArrayList<String>();
    summary(lines, status);
    lines.add("");
    tree(lines, status);
    if (!status.failures().isEmpty()) {
      lines.add("");
      lines.add("failures, newest first");
      for (var failure : status.failures()) {
        lines.add("  " + failure(failure));
      }
    }
    return lines;
  }

  private static void summary(List<String> lines, Status s) {
    long ready = s.workers().stream().filter(w -> w.state().equals("ready")).count();
    long busy = s.workers().stream().filter(w -> w.busy() > 0).count();
    lines.add(
        "refork %s  %s, %s  generation %d, %s"
            .formatted(
                safe(s.version()),
                s.phase().name().toLowerCase(Locale.ROOT),
                s.ready() ? "ready" : "not ready",
                s.generation(),
                s.level() == 1 ? "1 refork" : s.level() + " reforks"));
    var backoff = s.counters().backoffSeconds();
    lines.add(
        "workers  %d of %d ready, %d busy  served %d, errors %d%s"
            .formatted(
                ready,
                s.desired(),
                busy,
                s.counters().requests(),
                s.counters().requestErrors(),
                backoff > 0 ? "  next try in " + age(backoff) : ""));
    for (var listener : s.listeners()) {
      lines.add(
          "listen   %s %s  queue %s of %s"
              .formatted(
                  safe(listener.name()),
                  safe(listener.address()),
                  count(listener.queueLength()),
                  count(listener.queueLimit())));
    }
    var memory = s.memory();
    lines.add(
        "memory   proportional %s  saved %s  shared %s  container %s, limit %s"
            .formatted(
                bytes(memory.proportionalBytes()),
                bytes(memory.savedBytes()),
                percent(memory.sharedRatio()),
                bytes(memory.containerBytes()),
                bytes(memory.containerLimitBytes())));
    lines.add("refork   " + s.refork().map(StatusText::refork).orElse("none yet"));
  }

  private static String refork(Status.Refork r) {
    boolean running = r.outcome().equals("running");
    var text = new StringBuilder("to generation ").append(safe(r.id())).append(": ");
    text.append(safe(running ? r.phase() : r.outcome()));
    if (!r.reason().isEmpty()) {
      text.append(", ").append(safe(r.reason()));
    }
    if (running || r.updated() > 0) {
      text.append(", ").append(r.updated()).append(" of ").append(r.total()).append(" workers");
    }
    if (running && r.total() > 0) {
      text.append("  ").append(bar(r.updated(), r.total()));
    }
    if (!r.detail().isEmpty()) {
      text.append(" (").append(safe(r.detail())).append(')');
    }
    return text.toString();
  }

  private static String bar(int done, int total) {
    int width = 20;
    int full = Math.clamp((long) done * width / total, 0, width);
    return "█".repeat(full) + "░".repeat(width - full);
  }

  private static void tree(List<String> lines, Status s) {
    lines.add(
        ROW.formatted(
                "", "PID", "STATE", "AGE", "BUSY", "SERVED", "ERRORS", "PRIVATE", "PROPORTIONAL")
            .stripTrailing());
    var generations = new TreeMap<Integer, List<String>>(Comparator.reverseOrder());
    s.mold()
        .ifPresent(
            m ->
                generations
                    .computeIfAbsent(m.generation(), g -> new ArrayList<>())
                    .add(
                        row(
                            "mold",
                            String.valueOf(m.pid()),
                            m.state(),
                            "",
                            "",
                            "",
                            "",
                            m.memory())));
    s.workers().stream()
        .sorted(Comparator.comparingInt(Status.Worker::slot))
        .forEach(
            w ->
                generations.computeIfAbsent(w.generation(), g -> new ArrayList<>()).add(worker(w)));
    if (generations.isEmpty()) {
      lines.add("no process yet");
    }
    generations.forEach(
        (generation, rows) -> {
          lines.add("generation " + generation);
          for (int i = 0; i < rows.size(); i++) {
            lines.add((i < rows.size() - 1 ? "├─ " : "└─ ") + rows.get(i));
          }
        });
  }

  private static String worker(Status.Worker w) {
    return row(
        "worker " + w.slot(),
        w.pid().map(String::valueOf).orElse("-"),
        w.state(),
        w.pid().isPresent() ? age(w.ageSeconds()) : "-",
        String.valueOf(w.busy()),
        String.valueOf(w.served()),
        String.valueOf(w.errors()),
        w.memory());
  }

  /** One row; the three columns of the tree's branch are taken from the first. */
  private static String row(
      String who,
      String pid,
      String state,
      String age,
      String busy,
      String served,
      String errors,
      ProcessMemory memory) {
    return ROW.formatted(
            who,
            pid,
            safe(state),
            age,
            busy,
            served,
            errors,
            cell(memory.privateBytes()),
            cell(memory.proportionalBytes()))
        .replaceFirst("   ", "")
        .stripTrailing();
  }

  private static String failure(Status.Failure f) {
    return safe(f.at())
        + "  "
        + safe(f.what())
        + f.slot().map(slot -> ", worker " + slot).orElse("")
        + f.pid().map(pid -> ", pid " + pid).orElse("")
        + ", generation "
        + f.generation()
        + ": "
        + safe(f.reason());
  }

  private static String cell(Measure bytes) {
    return known(bytes).map(StatusText::bytes).orElse("?");
  }

  private static String bytes(Measure measure) {
    return switch (measure) {
      case Measure.Known(var value) -> bytes(value);
      case Measure.Unknown(var reason) when reason.equals("no-limit") -> "none";
      case Measure.Unknown(var reason) -> "unknown (" + safe(reason) + ")";
    };
  }

  private static String percent(Measure measure) {
    return switch (measure) {
      case Measure.Known(var value) -> Math.round(value * 100) + " %";
      case Measure.Unknown(var reason) -> "unknown (" + safe(reason) + ")";
    };
  }

  private static String count(Measure measure) {
    return known(measure).map(n -> String.valueOf(Math.round(n))).orElse("?");
  }

  private static Optional<Double> known(Measure measure) {
    return measure instanceof Measure.Known(var value) ? Optional.of(value) : Optional.empty();
  }

  static String bytes(double bytes) {
    double mib = bytes / (1 << 20);
    return mib < 100
        ? String.format(Locale.ROOT, "%.1f MiB", mib)
        : mib < 10_240
            ? String.format(Locale.ROOT, "%.0f MiB", mib)
            : String.format(Locale.ROOT, "%.1f GiB", mib / 1024);
  }

  /** The two largest units: 5s, 1m1s, 3h5m, 12d4h. */
  static String age(double seconds) {
    if (seconds < 1) {
      return Math.round(seconds * 1000) + "ms";
    }
    long s = (long) seconds;
    if (s < 60) {
      return s + "s";
    }
    if (s < 3600) {
      return s / 60 + "m" + s % 60 + "s";
    }
    if (s < 86_400) {
      return s / 3600 + "h" + s / 60 % 60 + "m";
    }
    return s / 86_400 + "d" + s / 3600 % 24 + "h";
  }

  private static String safe(String text) {
    return Escape.plain(text, 80);
  }
}
