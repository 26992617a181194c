package io.refork.agent.control;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.Tags;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.prometheus.metrics.core.metrics.Info;
import io.refork.agent.control.Status.Measure;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/**
 * The registry of {@link Metrics} with its meters; they read the status of the scrape. Used under
 * its lock.
 */
final class MetricBoard {
  /**
   * Words of closed enums that get a series of their own when they first occur; later ones share
   * {@code other}.
   */
  private static final int WORDS = 7;

  /** Sockets that get series of their own; more would be paid by every pod of the pool. */
  private static final int LISTENERS = 2;

  private static final List<String> ROLES = List.of("mold", "current", "old");
  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final Map<String, Rows> rows = new HashMap<>();
  private final Map<String, List<String>> words = new HashMap<>();
  private int wordsLeft = WORDS;
  private final Durations reforks;
  private Status seen;

  /** How the last refork ended; a running one does not take its place. */
  private List<Series> lastRefork = List.of();

  MetricBoard(Status first, Durations spawns, Durations reforks, ControlOutcomes control) {
    seen = first;
    this.reforks = reforks;
    gauge("refork.workers.desired", "Workers wanted", s -> s.desired());
    gauge(
        "refork.generation",
        "The generation that new workers are forked from",
        s -> s.generation());
    gauge("refork.level", "Reforks completed", s -> s.level());
    gauge(
        "refork.busy.workers",
        "Workers with a request running",
        s -> s.workers().stream().filter(w -> w.busy() > 0).count());
    seconds(
        "refork.oldest.request",
        "Age of the oldest running request",
        s -> s.workers().stream().mapToDouble(w -> w.oldestRequestSeconds()).max().orElse(0));
    seconds(
        "refork.backoff",
        "How long the next spawn waits after failures",
        s -> s.counters().backoffSeconds());
    counter("refork.requests", "Requests that workers have finished", s -> s.counters().requests());
    counter(
        "refork.request.errors",
        "Requests that ended by an error or a 5xx",
        s -> s.counters().requestErrors());
    counter(
        "refork.orphans.reaped",
        "Ended processes that were no workers",
        s -> s.counters().orphansReaped());
    counter(
        "refork.log.lines.dropped",
        "Lines of the agent that nobody read in time",
        s -> s.counters().logLinesDropped());
    counter(
        "refork.connections.turned.away",
        "Connections to the mold socket from strangers, or that broke the protocol",
        s -> s.counters().connectionsTurnedAway());
    for (var state : List.of("starting", "ready", "promoting", "draining", "backing-off")) {
      gauge(
          "refork.workers",
          "Workers by state",
          Tags.of("state", state),
          s ->
              s.workers().stream()
                  .filter(w -> state.equals(Readings.workerState(w.state())))
                  .count());
    }
    for (var state : List.of("starting", "ready")) {
      gauge(
          "refork.mold.state",
          "1 for the state that the mold is in; while there is none, no state has 1",
          Tags.of("state", state),
          s -> state.equals(Readings.moldState(s)) ? 1 : 0);
    }
    for (var outcome : ControlOutcomes.Outcome.values()) {
      FunctionCounter.builder("refork.control.requests", control, c -> c.get(outcome))
          .tags(Tags.of("outcome", outcome.name().toLowerCase(Locale.ROOT)))
          .description("Requests to steer this pod")
          .register(registry);
    }
    registry.getPrometheusRegistry().register(spawns);
    registry.getPrometheusRegistry().register(reforks);
    Info.builder()
        .name("refork_agent_info")
        .help("The agent's version")
        .labelNames("version")
        .register(registry.getPrometheusRegistry())
        .addLabelValues(first.version());
  }

  String scrape(Status now) {
    seen = now;
    memory();
    listeners();
    lastRefork();
    var counters = now.counters();
    words(
        "refork.worker.exits",
        "Workers that are gone",
        "reason",
        counters.workerExits(),
        s -> s.counters().workerExits());
    words(
        "refork.spawns",
        "Forks of workers",
        "outcome",
        counters.spawns(),
        s -> s.counters().spawns());
    words(
        "refork.promotion.refusals",
        "Workers that could not become the mold",
        "reason",
        counters.refusals(),
        s -> s.counters().refusals());
    words(
        "refork.reforks",
        "Reforks that have ended",
        "outcome",
        flatReforks(now),
        MetricBoard::flatReforks);
    return registry.scrape(Metrics.CONTENT_TYPE);
  }

  private void memory() {
    for (var kind : List.of("private", "proportional", "resident")) {
      var known = new ArrayList<Series>();
      for (var role : ROLES) {
        if (Readings.bytes(seen, role, kind).isPresent()) {
          known.add(new Series(Tags.of("role", role), s -> Readings.bytes(s, role, kind)));
        }
      }
      rows(
          "refork.memory." + kind,
          "Anonymous memory by role: mold, workers of the current and of older generations",
          "bytes",
          known);
    }
    single("refork.memory.saved", "Against unshared copies", "bytes", s -> s.memory().savedBytes());
    single(
        "refork.memory.shared.ratio",
        "Part of the workers' memory that they share",
        "",
        s -> s.memory().sharedRatio());
    single(
        "refork.container.memory",
        "What the cgroup counts",
        "bytes",
        s -> s.memory().containerBytes());
    single(
        "refork.container.memory.limit",
        "The cgroup's limit",
        "bytes",
        s -> s.memory().containerLimitBytes());
    var unknown = new ArrayList<Series>();
    if (seen.memory().sharedRatio() instanceof Measure.Unknown(var reason)) {
      unknown.add(new Series(Tags.of("reason", Readings.word(reason)), s -> Optional.of(1.0)));
    }
    rows("refork.memory.unknown", "1 while the sharing cannot be measured", "", unknown);
  }

  private void listeners() {
    var lengths = new ArrayList<Series>();
    var limits = new ArrayList<Series>();
    for (int i = 0; i < Math.min(LISTENERS, seen.listeners().size()); i++) {
      int at = i;
      var listener = seen.listeners().get(i);
      var tags = Tags.of("listener", Readings.word(listener.name()));
      if (Readings.known(listener.queueLength()).isPresent()) {
        lengths.add(new Series(tags, s -> Readings.known(s.listeners().get(at).queueLength())));
      }
      if (Readings.known(listener.queueLimit()).isPresent()) {
        limits.add(new Series(tags, s -> Readings.known(s.listeners().get(at).queueLimit())));
      }
    }
    rows("refork.accept.queue.length", "Connections that wait for a worker", "", lengths);
    rows("refork.accept.queue.limit", "How many may wait", "", limits);
  }

  private void lastRefork() {
    seen.refork()
        .filter(refork -> !refork.outcome().equals("running"))
        .ifPresent(
            refork ->
                lastRefork =
                    List.of(
                        new Series(
                            tags("outcome", refork.outcome() + " " + refork.reason()),
                            s -> reforks.lastEnd())));
    rows(
        "refork.last.refork.timestamp",
        "When the last refork ended, and how; in seconds since 1970",
        "seconds",
        lastRefork);
  }

  private static Map<String, Long> flatReforks(Status s) {
    var flat = new LinkedHashMap<String, Long>();
    s.counters()
        .reforks()
        .forEach(
            (outcome, reasons) ->
                reasons.forEach((reason, n) -> flat.put(outcome + " " + reason, n)));
    return flat;
  }

  /**
   * Gives words that are new a series; when {@link #WORDS} are given out, the new ones are summed
   * in {@code other}.
   */
  private void words(
      String name,
      String help,
      String label,
      Map<String, Long> now,
      Function<Status, Map<String, Long>> counts) {
    var own = words.computeIfAbsent(name, n -> new ArrayList<>());
    for (var count : now.entrySet()) {
      var word = count.getKey();
      if (count.getValue() == 0 || own.contains(word)) {
        continue; // what never happened takes no series from what does
      }
      if (wordsLeft > 0) {
        wordsLeft--;
        own.add(word);
        FunctionCounter.builder(
                name, this, b -> counts.apply(b.seen).getOrDefault(word, 0L).doubleValue())
            .tags(tags(label, word))
            .description(help)
            .register(registry);
      } else if (!own.contains("")) {
        own.add("");
        FunctionCounter.builder(
                name,
                this,
                b ->
                    counts.apply(b.seen).entrySet().stream()
                        .filter(e -> !own.contains(e.getKey()))
                        .mapToLong(Map.Entry::getValue)
                        .sum())
            .tags(tags(label, name.equals("refork.reforks") ? "other other" : "other"))
            .description(help)
            .register(registry);
      }
    }
  }

  /** A refork's word is its outcome and, behind a blank, its reason. */
  private static Tags tags(String label, String word) {
    int blank = word.indexOf(' ');
    return blank < 0
        ? Tags.of(label, Readings.word(word))
        : Tags.of(
            label,
            Readings.word(word.substring(0, blank)),
            "reason",
            Readings.word(word.substring(blank + 1)));
  }

  private void gauge(String name, String help, ToDoubleFunction<Status> value) {
    gauge(name, help, Tags.empty(), value);
  }

  private void gauge(String name, String help, Tags tags, ToDoubleFunction<Status> value) {
    Gauge.builder(name, this, b -> value.applyAsDouble(b.seen))
        .tags(tags)
        .description(help)
        .register(registry);
  }

  private void seconds(String name, String help, ToDoubleFunction<Status> value) {
    Gauge.builder(name, this, b -> value.applyAsDouble(b.seen))
        .baseUnit("seconds")
        .description(help)
        .register(registry);
  }

  private void counter(String name, String help, ToDoubleFunction<Status> value) {
    FunctionCounter.builder(name, this, b -> value.applyAsDouble(b.seen))
        .description(help)
        .register(registry);
  }

  private void single(String name, String help, String unit, Function<Status, Measure> value) {
    rows(
        name,
        help,
        unit,
        Readings.known(value.apply(seen)).isPresent()
            ? List.of(new Series(Tags.empty(), s -> Readings.known(value.apply(s))))
            : List.of());
  }

  /** Registers the series that are known now; does nothing when they are the same as before. */
  private void rows(String name, String help, String unit, List<Series> known) {
    var keys = known.stream().map(Series::tags).toList();
    var before = rows.computeIfAbsent(name, n -> new Rows(multiGauge(name, help, unit), List.of()));
    if (!before.keys().equals(keys)) {
      before.gauge().register(known.stream().<MultiGauge.Row<?>>map(this::row).toList(), false);
      rows.put(name, new Rows(before.gauge(), keys));
    }
  }

  private MultiGauge multiGauge(String name, String help, String unit) {
    var gauge = MultiGauge.builder(name).description(help);
    return (unit.isEmpty() ? gauge : gauge.baseUnit(unit)).register(registry);
  }

  private MultiGauge.Row<?> row(Series series) {
    return MultiGauge.Row.of(
        series.tags(), this, b -> series.value().apply(b.seen).orElse(Double.NaN));
  }

  /** One line of a metric whose lines come and go. */
  private record Series(Tags tags, Function<Status, Optional<Double>> value) {}

  private record Rows(MultiGauge gauge, List<Tags> keys) {}
}
