package io.refork.operator.metrics;

import io.fabric8.kubernetes.api.model.Quantity;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.refork.api.WorkerPoolStatus;
import io.refork.api.WorkerPoolStatus.State;
import io.refork.operator.status.Reason;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The gauges of one pool: the numbers of its status, so that both always say the same. A number
 * that is not known has no line, because one {@code NaN} would make every sum one.
 */
final class PoolGauges {
  private static final List<Line> LINES = lines();

  private final MeterRegistry registry;
  private final Tags pool;
  private final Map<Line, Meter> shown = new HashMap<>();
  private volatile Told told;

  /** What the gauges say: the status, and what it does not say itself. */
  private record Told(int podsWanted, WorkerPoolStatus status) {}

  /** One line of the exposition. */
  private record Line(
      String name, String unit, String help, Tags tags, Function<Told, Optional<Double>> value) {}

  PoolGauges(MeterRegistry registry, ResourceID pool, int podsWanted, WorkerPoolStatus status) {
    this.registry = registry;
    this.pool = Tags.of("namespace", pool.getNamespace().orElse(""), "pool", pool.getName());
    this.told = new Told(podsWanted, status);
  }

  /** From now on the gauges say this. */
  void show(int podsWanted, WorkerPoolStatus status) {
    var now = new Told(podsWanted, status);
    told = now;
    for (var line : LINES) {
      if (line.value().apply(now).isPresent()) {
        shown.computeIfAbsent(line, this::register);
      } else {
        Optional.ofNullable(shown.remove(line)).ifPresent(registry::remove);
      }
    }
  }

  void remove() {
    shown.values().forEach(registry::remove);
    shown.clear();
  }

  private Meter register(Line line) {
    var gauge =
        Gauge.builder("refork.pool." + line.name(), () -> line.value().apply(told).orElse(0.0))
            .tags(pool.and(line.tags()))
            .description(line.help());
    return (line.unit().isEmpty() ? gauge : gauge.baseUnit(line.unit())).register(registry);
  }

  private static List<Line> lines() {
    var lines = new ArrayList<Line>();
    line(
        lines,
        "ready",
        "1 while the pool's condition Ready is true",
        Tags.empty(),
        s -> isTrue(s, "Ready"));
    lines.add(
        new Line(
            "pods.desired",
            "",
            "Pods wanted",
            Tags.empty(),
            t -> Optional.of((double) t.podsWanted())));
    known(lines, "pods.ready", "Pods that are Ready", s -> s.readyReplicas());
    known(
        lines,
        "pods.problem",
        "Pods that somebody should look at, ten at most",
        s -> s.problemPods().size());
    for (var reason : Reason.values()) {
      if (reason.degrades()) {
        line(
            lines,
            "problems",
            "Pods with that trouble; 1 when it is the pool's own",
            Tags.of("reason", reason.name()),
            s -> troubled(s, reason.name()));
      }
    }
    known(lines, "workers.desired", "Workers wanted", s -> s.workers().desired());
    workers(lines, "ready", s -> s.workers().ready());
    workers(lines, "starting", s -> s.workers().starting());
    workers(lines, "draining", s -> s.workers().draining());
    workers(lines, "backing-off", s -> s.workers().backingOff());
    known(lines, "workers.busy", "Workers with a request running", s -> s.workers().busy());
    line(
        lines,
        "generation",
        "The newest generation of any pod",
        Tags.empty(),
        s -> Optional.ofNullable(s.generation()).map(Integer::doubleValue));
    known(lines, "level", "Reforks that a canary has proven", s -> s.rollout().level());
    known(lines, "pods.reforking", "Pods that refork", s -> s.rollout().pods().reforking());
    known(
        lines,
        "pods.updated",
        "Pods that have reached the level of the wave",
        s -> s.rollout().pods().updated());
    for (var state : State.values()) {
      line(
          lines,
          "wave.state",
          "1 for the state that the wave is in",
          Tags.of("state", state.name()),
          s -> Optional.of(s.rollout().state() == state ? 1.0 : 0.0));
    }
    bytes(
        lines,
        "memory.proportional",
        "Anonymous memory of all pods that are measured",
        s -> s.memory().proportional());
    bytes(lines, "memory.saved", "Memory saved against unshared copies", s -> s.memory().saved());
    bytes(
        lines,
        "memory.limit",
        "Memory limits of the pods that are measured",
        s -> s.memory().limit());
    line(
        lines,
        "memory.shared.ratio",
        "Part of the workers' memory that they share",
        Tags.empty(),
        s -> Optional.ofNullable(s.memory().sharedPercent()).map(p -> p / 100.0));
    known(lines, "memory.pods", "Pods that are measured", s -> s.memory().pods());
    return List.copyOf(lines);
  }

  private static void known(
      List<Line> lines, String name, String help, Function<WorkerPoolStatus, Integer> value) {
    line(lines, name, help, Tags.empty(), s -> Optional.of(value.apply(s).doubleValue()));
  }

  private static void line(
      List<Line> lines,
      String name,
      String help,
      Tags tags,
      Function<WorkerPoolStatus, Optional<Double>> value) {
    lines.add(new Line(name, "", help, tags, t -> value.apply(t.status())));
  }

  /** No line before there is the condition. */
  private static Optional<Double> isTrue(WorkerPoolStatus status, String condition) {
    return status.conditions().stream()
        .filter(c -> c.type().equals(condition))
        .findFirst()
        .map(c -> c.status().equals("True") ? 1.0 : 0.0);
  }

  /**
   * The pods with that reason; a trouble of the pool itself is told by Degraded alone. No line when
   * there is none, so that a pool that is well costs nothing.
   */
  private static Optional<Double> troubled(WorkerPoolStatus status, String reason) {
    long pods = status.problemPods().stream().filter(p -> p.reason().equals(reason)).count();
    boolean worst =
        status.conditions().stream()
            .anyMatch(
                c ->
                    c.type().equals("Degraded")
                        && c.status().equals("True")
                        && c.reason().equals(reason));
    return pods > 0 || worst ? Optional.of((double) Math.max(1, pods)) : Optional.empty();
  }

  private static void workers(
      List<Line> lines, String state, Function<WorkerPoolStatus, Integer> value) {
    line(
        lines,
        "workers",
        "Workers by state",
        Tags.of("state", state),
        s -> Optional.of(value.apply(s).doubleValue()));
  }

  private static void bytes(
      List<Line> lines,
      String name,
      String help,
      Function<WorkerPoolStatus, @Nullable String> quantity) {
    lines.add(
        new Line(
            name,
            "bytes",
            help,
            Tags.empty(),
            t ->
                Optional.ofNullable(quantity.apply(t.status()))
                    .map(text -> Quantity.getAmountInBytes(new Quantity(text)).doubleValue())));
  }
}
