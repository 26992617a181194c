package io.refork.agent.steer;

import io.refork.agent.control.Status;
import io.refork.protocol.Escape;
import io.refork.protocol.control.Report;
import io.refork.protocol.control.Report.Measure;
import io.refork.protocol.control.Report.WorkerState;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;

/**
 * {@link Status} and {@link Steered} as the report. Pure. Whatever it is given, the report keeps
 * the codec's bounds: a pod with a strange reading is better than one that its operator cannot see.
 */
public final class ReportMaker {
  private static final double MOST = 1L << 53;
  private static final double LONGEST_SECONDS = 1_000_000;

  private ReportMaker() {}

  /**
   * What only the pool's rules know, at the instant of the status.
   *
   * @param status what everybody sees
   * @param eligible why it would refork, if it had leave
   * @param permit of the running refork
   */
  public record Seen(Status status, Optional<String> eligible, Optional<String> permit) {}

  /** The report of this moment. */
  public static Report make(Seen seen, Steered steered) {
    var status = seen.status();
    var processes = status.workers().stream().filter(w -> w.pid().isPresent()).toList();
    return new Report(
        status.session(),
        steered.pod(),
        status.version(),
        steered.observed(),
        switch (status.phase()) {
          case BOOTING -> Report.Phase.BOOTING;
          case SERVING -> Report.Phase.SERVING;
          case STOPPING -> Report.Phase.STOPPING;
        },
        status.ready(),
        status.level(),
        status.mold().map(m -> new Report.Mold(m.generation(), word(m.state()))),
        status.desired(),
        counts(status.workers()),
        (int) processes.stream().filter(w -> w.busy() > 0).count(),
        generations(processes),
        seen.eligible().map(cause -> new Report.Eligible(status.level() + 1, word(cause))),
        status
            .refork()
            .filter(r -> r.outcome().equals("running"))
            .map(r -> new Report.Running(seen.permit(), word(r.phase()), r.updated(), r.total())),
        steered.last(),
        steered.lastRequest(),
        memory(status.memory(), processes),
        within(status.counters().backoffSeconds(), LONGEST_SECONDS),
        status.failures().stream()
            .limit(Report.MAX_FAILURES)
            .map(f -> new Report.Failure(f.at(), line(f.what()), word(f.reason())))
            .toList());
  }

  private static Map<WorkerState, Integer> counts(List<Status.Worker> slots) {
    var counts = new EnumMap<WorkerState, Integer>(WorkerState.class);
    for (var slot : slots) {
      counts.merge(state(slot.state()), 1, Integer::sum);
    }
    return counts;
  }

  private static WorkerState state(String word) {
    return switch (word) {
      case "ready" -> WorkerState.READY;
      case "promoting" -> WorkerState.PROMOTING;
      case "draining", "stopping" -> WorkerState.DRAINING;
      case "backing-off" -> WorkerState.BACKING_OFF;
      // spawning, starting, and a slot whose turn comes
      default -> WorkerState.STARTING;
    };
  }

  /** The newest; of an endless number, the older ones are on their way out. */
  private static List<Report.Generation> generations(List<Status.Worker> processes) {
    var byNumber = new TreeMap<Integer, List<Status.Worker>>(Collections.reverseOrder());
    for (var worker : processes) {
      byNumber.computeIfAbsent(worker.generation(), g -> new ArrayList<>()).add(worker);
    }
    return byNumber.entrySet().stream()
        .limit(Report.MAX_GENERATIONS)
        .map(
            g ->
                new Report.Generation(
                    g.getKey(),
                    g.getValue().size(),
                    (int) g.getValue().stream().filter(w -> w.state().equals("ready")).count(),
                    sum(g.getValue(), Status.ProcessMemory::privateBytes),
                    sum(g.getValue(), Status.ProcessMemory::residentBytes)))
        .toList();
  }

  // --- memory --------------------------------------------------------------------------------

  private static Report.Memory memory(Status.Memory memory, List<Status.Worker> processes) {
    return new Report.Memory(
        sum(processes, Status.ProcessMemory::residentBytes),
        measure(memory.proportionalBytes(), MOST),
        sum(processes, Status.ProcessMemory::privateBytes),
        measure(memory.savedBytes(), MOST),
        measure(memory.sharedRatio(), 1),
        measure(memory.containerBytes(), MOST),
        measure(memory.containerLimitBytes(), MOST));
  }

  /** Over the processes that were measured, as the status sums up; unknown when none was. */
  private static Measure sum(
      List<Status.Worker> workers, Function<Status.ProcessMemory, Status.Measure> field) {
    double total = 0;
    boolean known = false;
    var why = "no-process";
    for (var worker : workers) {
      switch (field.apply(worker.memory())) {
        case Status.Measure.Known(var value) -> {
          total += value;
          known = true;
        }
        case Status.Measure.Unknown(var reason) -> why = reason;
      }
    }
    return known ? new Measure.Known(within(total, MOST)) : new Measure.Unknown(word(why));
  }

  private static Measure measure(Status.Measure measure, double most) {
    return switch (measure) {
      case Status.Measure.Known(var value) -> new Measure.Known(within(value, most));
      case Status.Measure.Unknown(var reason) -> new Measure.Unknown(word(reason));
    };
  }

  private static double within(double value, double most) {
    return value >= 0 ? Math.min(value, most) : 0;
  }

  // --- texts ---------------------------------------------------------------------------------

  /** One line that harms no terminal, at most {@link Report#MAX_TEXT} characters. */
  static String line(String text) {
    var harmless = Escape.plain(text, Report.MAX_TEXT - 1);
    if (harmless.length() <= Report.MAX_TEXT) {
      return harmless;
    }
    int end = Report.MAX_TEXT - 1;
    if (Character.isHighSurrogate(harmless.charAt(end - 1))) {
      end--;
    }
    return harmless.substring(0, end) + "…";
  }

  /** The agent's own words already are; this keeps it so. */
  private static String word(String text) {
    var word = new StringBuilder();
    for (int i = 0; i < text.length() && word.length() < 64; i++) {
      char c = text.charAt(i);
      word.append(c < 128 && Character.isLetterOrDigit(c) || c == '-' ? c : '-');
    }
    return word.toString();
  }
}
