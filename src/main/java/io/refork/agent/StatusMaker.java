package io.refork.agent;

import io.refork.agent.control.Status;
import io.refork.agent.control.Status.Measure;
import io.refork.agent.linux.Listeners;
import io.refork.agent.memory.Cgroup;
import io.refork.agent.memory.Figure;
import io.refork.agent.memory.MemoryReading;
import io.refork.agent.memory.PoolMemory;
import io.refork.agent.memory.PoolMemory.Role;
import io.refork.agent.memory.Sampler.Sample;
import io.refork.agent.pool.Action.Transition;
import io.refork.agent.pool.ExitReason;
import io.refork.agent.pool.Pool;
import io.refork.agent.pool.PoolView;
import io.refork.agent.pool.PoolView.SlotView;
import io.refork.agent.pool.ReforkReason;
import io.refork.agent.steer.ReportMaker;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Makes the status that everybody else reads out of what the loop and the sampler know. */
final class StatusMaker {
  private static final MemoryReading NOT_YET =
      new MemoryReading.Unknown(MemoryReading.Reason.NOT_SAMPLED_YET);

  private final String session;
  private final Pool pool;
  private final Members members;
  private final Listeners listeners;
  private final Cgroup cgroup;

  StatusMaker(String session, Pool pool, Members members, Listeners listeners, Cgroup cgroup) {
    this.session = session;
    this.pool = pool;
    this.members = members;
    this.listeners = listeners;
    this.cgroup = cgroup;
  }

  /** A failure and when it was seen. */
  record Seen(Instant at, Transition transition) {}

  /** Totals that only the edge knows. */
  record Counts(long orphans, long linesDropped, long turnedAway) {}

  /**
   * The status of this moment.
   *
   * @param now pool time
   * @param monotonic the clock of the scoreboard
   */
  Status make(
      long now, long monotonic, Map<Integer, Sample> samples, List<Seen> failures, Counts counts) {
    return make(pool.view(), now, monotonic, samples, failures, counts);
  }

  /** The same, with what only an operator is told. */
  ReportMaker.Seen seen(
      long now, long monotonic, Map<Integer, Sample> samples, List<Seen> failures, Counts counts) {
    var view = pool.view();
    return new ReportMaker.Seen(
        make(view, now, monotonic, samples, failures, counts),
        view.eligible(),
        view.refork().flatMap(PoolView.ReforkView::permit));
  }

  private Status make(
      PoolView view,
      long now,
      long monotonic,
      Map<Integer, Sample> samples,
      List<Seen> failures,
      Counts counts) {
    var memory = memory(view, samples);
    return new Status(
        Version.text(),
        session,
        view.stopping()
            ? Status.Phase.STOPPING
            : view.booting() ? Status.Phase.BOOTING : Status.Phase.SERVING,
        !view.stopping() && view.slots().stream().anyMatch(SlotView::ready),
        pool.settings().workers(),
        view.generation(),
        view.level(),
        view.molds().stream()
            .findFirst()
            .map(
                m ->
                    new Status.Mold(m.pid(), m.generation(), m.state(), process(m.pid(), samples))),
        view.slots().stream().map(s -> worker(s, now, monotonic, samples)).toList(),
        memory,
        view.refork()
            .map(
                r ->
                    new Status.Refork(
                        Integer.toString(r.generation()),
                        r.phase(),
                        r.updated(),
                        r.total(),
                        r.outcome(),
                        r.reason(),
                        r.detail())),
        failures.stream().map(StatusMaker::failure).toList(),
        listeners.all().stream().map(this::listener).toList(),
        counters(view, counts));
  }

  private Status.Worker worker(SlotView s, long now, long monotonic, Map<Integer, Sample> samples) {
    var r = s.reading();
    return new Status.Worker(
        s.slot(),
        s.pid(),
        s.generation(),
        s.state(),
        r.busy(),
        r.served(),
        r.errors(),
        r.busy() > 0 && r.oldest() > 0 ? Math.max(0, (monotonic - r.oldest()) / 1e9) : 0,
        Math.max(0, (now - s.bornNanos()) / 1e9),
        s.pid().map(pid -> process(pid, samples)).orElseGet(() -> unknown("no-process")));
  }

  // --- memory --------------------------------------------------------------------------------

  /** A sample counts for the process that it was taken of, not for a later one with its pid. */
  private MemoryReading reading(int pid, Map<Integer, Sample> samples) {
    var sample = samples.get(pid);
    var member = members.byPid(pid);
    return sample != null && member.isPresent() && member.get().startTime() == sample.startTime()
        ? sample.reading()
        : NOT_YET;
  }

  private Status.ProcessMemory process(int pid, Map<Integer, Sample> samples) {
    return switch (reading(pid, samples)) {
      case MemoryReading.Measured m ->
          new Status.ProcessMemory(
              new Measure.Known(m.memory().privateBytes()),
              new Measure.Known(m.memory().proportionalBytes()),
              new Measure.Known(m.memory().residentBytes()));
      case MemoryReading.Unknown u -> unknown(u.reason().word());
    };
  }

  private static Status.ProcessMemory unknown(String reason) {
    var unknown = new Measure.Unknown(reason);
    return new Status.ProcessMemory(unknown, unknown, unknown);
  }

  /** What {@link PoolMemory} sums up: every mold and every worker that exists. */
  PoolMemory sum(PoolView view, Map<Integer, Sample> samples) {
    var all = new ArrayList<PoolMemory.Member>();
    int newest = view.slots().stream().mapToInt(SlotView::generation).max().orElse(0);
    for (var mold : view.molds()) {
      all.add(new PoolMemory.Member(Role.MOLD, reading(mold.pid(), samples)));
    }
    for (var slot : view.slots()) {
      slot.pid()
          .ifPresent(
              pid ->
                  all.add(
                      new PoolMemory.Member(
                          slot.generation() == newest ? Role.CURRENT : Role.OLD,
                          reading(pid, samples))));
    }
    return PoolMemory.of(all);
  }

  private Status.Memory memory(PoolView view, Map<Integer, Sample> samples) {
    var sum = sum(view, samples);
    var byRole = new TreeMap<String, Status.ProcessMemory>();
    sum.byRole()
        .forEach(
            (role, s) ->
                byRole.put(
                    switch (role) {
                      case MOLD -> "mold";
                      case CURRENT -> "current";
                      case OLD -> "old";
                    },
                    new Status.ProcessMemory(
                        measure(s.privateOnly()),
                        measure(s.proportional()),
                        measure(s.resident()))));
    return new Status.Memory(
        measure(sum.proportional()),
        measure(sum.saved()),
        measure(sum.sharedRatio()),
        bytes(cgroup.memoryUsage(), "no-cgroup"),
        bytes(cgroup.memoryLimit(), "no-limit"),
        byRole);
  }

  private static Measure bytes(java.util.OptionalLong value, String why) {
    return value.isPresent() ? new Measure.Known(value.getAsLong()) : new Measure.Unknown(why);
  }

  private static Measure measure(Figure figure) {
    return switch (figure) {
      case Figure.Known k -> new Measure.Known(k.value());
      case Figure.Unknown u -> new Measure.Unknown(u.reason());
    };
  }

  // --- the rest ------------------------------------------------------------------------------

  private Status.Listener listener(Listeners.Listener l) {
    var queue = listeners.queue(l);
    return new Status.Listener(
        l.name(),
        l.address().toString(),
        queue
            .<Measure>map(q -> new Measure.Known(q.length()))
            .orElse(new Measure.Unknown("not-tcp")),
        queue
            .<Measure>map(q -> new Measure.Known(q.limit()))
            .orElse(new Measure.Unknown("not-tcp")));
  }

  private static Status.Failure failure(Seen seen) {
    var t = seen.transition();
    var what = t.detail().isEmpty() ? t.what() : t.what() + ": " + t.detail();
    return new Status.Failure(
        seen.at().toString(), what, t.slot(), t.pid(), t.generation(), t.reason());
  }

  private Status.Counters counters(PoolView view, Counts counts) {
    var tally = pool.tally();
    long requests = tally.requestsOfGone();
    long errors = tally.errorsOfGone();
    for (var slot : view.slots()) {
      requests += slot.reading().served();
      errors += slot.reading().errors();
    }
    var exits = new TreeMap<String, Long>();
    for (var reason : ExitReason.values()) {
      exits.put(reason.word(), tally.exits().getOrDefault(reason, 0L));
    }
    var refusals = new TreeMap<String, Long>();
    for (Map.Entry<ReforkReason, Long> entry : tally.refusals().entrySet()) {
      refusals.put(entry.getKey().word(), entry.getValue());
    }
    return new Status.Counters(
        requests,
        errors,
        exits,
        new TreeMap<>(tally.spawns()),
        new TreeMap<>(tally.reforks()),
        refusals,
        counts.orphans(),
        counts.linesDropped(),
        counts.turnedAway(),
        view.backoffNanos() / 1e9);
  }

  /** The workers' shared ratio, when every worker has been measured. */
  Optional<Double> sharedRatio(Map<Integer, Sample> samples) {
    var sum = sum(pool.view(), samples);
    return sum.unknown().isEmpty() && sum.sharedRatio() instanceof Figure.Known k
        ? Optional.of(k.value())
        : Optional.empty();
  }
}
