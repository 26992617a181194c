package io.refork.operator.status;

import io.refork.api.WorkerPoolStatus;
import io.refork.api.WorkerPoolStatus.Generation;
import io.refork.api.WorkerPoolStatus.Memory;
import io.refork.api.WorkerPoolStatus.Workers;
import io.refork.operator.agents.AgentReport.Reported;
import io.refork.operator.plan.PodSeen;
import io.refork.protocol.control.Report;
import io.refork.protocol.control.Report.Measure;
import io.refork.protocol.control.Report.WorkerState;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The numbers of a pool, summed over the pods whose agents report. What an agent says is bounded
 * here once more, whatever its reader has let through: one liar must not make the sums of the
 * others useless. What is not known is left out of a sum, never counted as 0.
 *
 * @param reporting pods whose report counts
 * @param shortOfWorkers whether some of them has fewer ready workers than its policy allows
 */
record Figures(
    int reporting,
    Workers workers,
    boolean shortOfWorkers,
    List<Generation> generations,
    Memory memory) {
  /** Of one state in one pod: all slots, and as many by surge. */
  private static final int MAX_WORKERS = 1024;

  /** No pod has 16 TiB; and 500,000 such pods still fit a long. */
  private static final double MAX_BYTES = 1L << 44;

  private static final int MAX_GENERATION = 1_000_000_000;

  /** The numbers of these pods. */
  static Figures of(StatusInput input) {
    var sums = new Sums(input);
    for (var pod : input.present()) {
      usable(pod).ifPresent(report -> sums.add(pod, report));
    }
    return sums.figures();
  }

  /** The report of a pod if there is one, and it is that pod's. */
  static Optional<Report> usable(PodSeen pod) {
    return pod.report()
        .filter(r -> r instanceof Reported reported && reported.report().pod().equals(pod.uid()))
        .map(r -> ((Reported) r).report());
  }

  /** The newest generation; empty when no pod reports one. */
  @Nullable Integer newest() {
    return generations.isEmpty() ? null : generations.getFirst().generation();
  }

  /** Ready workers that a pod should have at least: one may always be on its way. */
  static int leastReady(StatusInput input, int desired) {
    var unavailable = input.pool().getSpec().rollout().workers().maxUnavailable();
    int some =
        unavailable.getIntVal() != null
            ? unavailable.getIntVal()
            : percent(unavailable.getStrVal()) * desired / 100;
    return Math.max(1, desired - Math.max(1, some));
  }

  private static int percent(String text) {
    var digits = text.endsWith("%") ? text.substring(0, text.length() - 1) : "";
    return digits.matches("\\d{1,3}") ? Math.min(100, Integer.parseInt(digits)) : 0;
  }

  static OptionalLong bytes(Measure measure) {
    return switch (measure) {
      case Measure.Known(var value) when value >= 0 && value <= MAX_BYTES ->
          OptionalLong.of(Math.round(value));
      case Measure.Known k -> OptionalLong.empty();
      case Measure.Unknown u -> OptionalLong.empty();
    };
  }

  private static int clamp(int value, int max) {
    return Math.clamp(value, 0, max);
  }

  /** Private and resident of the same workers. */
  private static final class Share {
    private long privateBytes;
    private long residentBytes;

    void add(Measure privateOnes, Measure residentOnes) {
      var mine = bytes(privateOnes);
      var all = bytes(residentOnes);
      if (mine.isPresent() && all.isPresent() && mine.getAsLong() <= all.getAsLong()) {
        privateBytes += mine.getAsLong();
        residentBytes += all.getAsLong();
      }
    }

    @Nullable Integer percent() {
      return residentBytes == 0
          ? null
          : (int) Math.round(100.0 * (residentBytes - privateBytes) / residentBytes);
    }
  }

  /** A number of bytes that may be known of some pods only. */
  private static final class Total {
    private long sum;
    private int known;

    void add(Measure measure) {
      bytes(measure)
          .ifPresent(
              value -> {
                sum += value;
                known++;
              });
    }

    @Nullable String quantity() {
      return known == 0 ? null : Quantities.of(sum);
    }
  }

  private static final class GenerationSum {
    private int pods;
    private int workers;
    private final Share share = new Share();
  }

  private static final class Sums {
    private final StatusInput input;
    private int reporting;
    private int desired;
    private int ready;
    private int busy;
    private int starting;
    private int draining;
    private int backingOff;
    private boolean shortOfWorkers;
    private final TreeMap<Integer, GenerationSum> generations =
        new TreeMap<>(Comparator.reverseOrder());
    private final Total proportional = new Total();
    private final Total saved = new Total();
    private final Total limit = new Total();
    private final Share share = new Share();

    Sums(StatusInput input) {
      this.input = input;
    }

    void add(PodSeen pod, Report report) {
      reporting++;
      int wanted = input.workersPerPod().orElse(Math.clamp(report.desired(), 1, 512));
      // The kubelet's word: no traffic comes to a pod that is not ready, whatever its agent says.
      int here = pod.ready() ? clamp(count(report, WorkerState.READY), wanted) : 0;
      desired += wanted;
      ready += here;
      shortOfWorkers |= pod.ready() && here < leastReady(input, wanted);
      busy += clamp(report.busy(), MAX_WORKERS);
      starting += count(report, WorkerState.STARTING);
      draining += count(report, WorkerState.DRAINING) + count(report, WorkerState.PROMOTING);
      backingOff += count(report, WorkerState.BACKING_OFF);
      generations(report);
      var memory = report.memory();
      proportional.add(memory.proportional());
      saved.add(memory.saved());
      limit.add(memory.limit());
      share.add(memory.privateBytes(), memory.resident());
    }

    private void generations(Report report) {
      Optional<GenerationSum> newest = Optional.empty();
      int highest = -1;
      for (var told : report.generations()) {
        int number = clamp(told.generation(), MAX_GENERATION);
        var sum = generations.computeIfAbsent(number, n -> new GenerationSum());
        sum.workers += clamp(told.workers(), MAX_WORKERS);
        sum.share.add(told.privateBytes(), told.residentBytes());
        if (number > highest) {
          highest = number;
          newest = Optional.of(sum);
        }
      }
      newest.ifPresent(sum -> sum.pods++);
    }

    private static int count(Report report, WorkerState state) {
      return clamp(report.workers().getOrDefault(state, 0), MAX_WORKERS);
    }

    Figures figures() {
      var workers = new Workers(desired, ready, busy, starting, draining, backingOff);
      var memory =
          new Memory(
              proportional.known,
              proportional.quantity(),
              saved.quantity(),
              share.percent(),
              limit.quantity());
      return new Figures(reporting, workers, shortOfWorkers, newestFirst(), memory);
    }

    private List<Generation> newestFirst() {
      var list = new ArrayList<Generation>();
      var rest = new GenerationSum();
      int last = 0;
      for (var entry : generations.entrySet()) {
        if (list.size() < WorkerPoolStatus.MAX_GENERATIONS - 1) {
          list.add(generation(entry.getKey(), entry.getValue()));
          continue;
        }
        last = Math.max(last, entry.getKey());
        rest.pods += entry.getValue().pods;
        rest.workers += entry.getValue().workers;
        rest.share.privateBytes += entry.getValue().share.privateBytes;
        rest.share.residentBytes += entry.getValue().share.residentBytes;
      }
      if (generations.size() >= WorkerPoolStatus.MAX_GENERATIONS) {
        list.add(generation(last, rest));
      }
      return list;
    }

    private static Generation generation(int number, GenerationSum sum) {
      return new Generation(number, sum.pods, sum.workers, sum.share.percent());
    }
  }
}
