package io.refork.agent.control;

import io.refork.agent.control.Status.Counters;
import io.refork.agent.control.Status.Listener;
import io.refork.agent.control.Status.Measure;
import io.refork.agent.control.Status.Memory;
import io.refork.agent.control.Status.Mold;
import io.refork.agent.control.Status.Phase;
import io.refork.agent.control.Status.ProcessMemory;
import io.refork.agent.control.Status.Worker;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Statuses for tests: a pool that serves, and one about which nothing is known yet. */
public final class Statuses {
  private static final double MIB = 1 << 20;

  private Statuses() {}

  static Measure known(double value) {
    return new Measure.Known(value);
  }

  static Measure unknown(String reason) {
    return new Measure.Unknown(reason);
  }

  static ProcessMemory mib(double own, double proportional, double resident) {
    return new ProcessMemory(known(own * MIB), known(proportional * MIB), known(resident * MIB));
  }

  static ProcessMemory unmeasured() {
    var reason = unknown("not-sampled-yet");
    return new ProcessMemory(reason, reason, reason);
  }

  /** Workers of two generations, a refork under way, every counter moved. */
  public static Status serving(int workers) {
    var list = new ArrayList<Worker>();
    for (int slot = 0; slot < workers; slot++) {
      list.add(
          new Worker(
              slot,
              Optional.of(100 + slot),
              slot % 2 + 2,
              slot == 1 ? "promoting" : "ready",
              slot % 3,
              1000 + slot,
              slot,
              slot % 3 == 0 ? 0 : 0.25,
              61.5,
              mib(20, 40.5, 150)));
    }
    return new Status(
        "0.1.0",
        "k3x9",
        Phase.SERVING,
        true,
        workers,
        3,
        2,
        Optional.of(new Mold(99, 3, "ready", mib(1, 30, 150))),
        list,
        new Memory(
            known(400 * MIB),
            known(800.5 * MIB),
            known(0.8125),
            known(500 * MIB),
            unknown("no-limit"),
            Map.of(
                "mold", mib(1, 30, 150), "current", mib(80, 160, 600), "old", mib(90, 200, 600))),
        Optional.of(new Status.Refork("3", "rolling", 3, workers, "running", "", "")),
        List.of(
            new Status.Failure(
                "2026-11-21T13:20:00Z",
                "worker died",
                Optional.of(4),
                Optional.empty(),
                2,
                "crashed")),
        List.of(new Listener("http", "0.0.0.0:8000", known(3), known(2048))),
        new Counters(
            10_000,
            12,
            Map.of("crashed", 3L, "superseded", 8L),
            Map.of("ok", 30L, "failed", 1L),
            Map.of("completed", Map.of("", 2L), "aborted", Map.of("canary-died", 1L)),
            Map.of("threads", 1L),
            5,
            0,
            2,
            0.5));
  }

  /** Before the first hello. */
  public static Status booting() {
    var none = unknown("not-sampled-yet");
    return new Status(
        "0.1.0",
        "k3x9",
        Phase.BOOTING,
        false,
        2,
        0,
        0,
        Optional.empty(),
        List.of(new Worker(0, Optional.empty(), 0, "backing-off", 0, 0, 0, 0, 0, unmeasured())),
        new Memory(none, none, none, none, none, Map.of()),
        Optional.empty(),
        List.of(),
        List.of(new Listener("http", "unix:/run/shop.sock", none, none)),
        new Counters(0, 0, Map.of(), Map.of(), Map.of(), Map.of(), 0, 0, 0, 0));
  }

  static Status with(Status s, boolean ready, Phase phase) {
    return new Status(
        s.version(),
        s.session(),
        phase,
        ready,
        s.desired(),
        s.generation(),
        s.level(),
        s.mold(),
        s.workers(),
        s.memory(),
        s.refork(),
        s.failures(),
        s.listeners(),
        s.counters());
  }

  static Status with(Status s, Counters counters, List<Listener> listeners) {
    return new Status(
        s.version(),
        s.session(),
        s.phase(),
        s.ready(),
        s.desired(),
        s.generation(),
        s.level(),
        s.mold(),
        s.workers(),
        s.memory(),
        s.refork(),
        s.failures(),
        listeners,
        counters);
  }

  /** Its last refork, or the running one, has this outcome. */
  static Status reforked(Status s, String outcome, String reason) {
    return new Status(
        s.version(),
        s.session(),
        s.phase(),
        s.ready(),
        s.desired(),
        s.generation(),
        s.level(),
        s.mold(),
        s.workers(),
        s.memory(),
        Optional.of(new Status.Refork("3", "done", 0, 8, outcome, reason, "")),
        s.failures(),
        s.listeners(),
        s.counters());
  }

  /** In a container with a limit: every measure is known. */
  static Status limited(Status s) {
    var m = s.memory();
    var memory =
        new Memory(
            m.proportionalBytes(),
            m.savedBytes(),
            m.sharedRatio(),
            m.containerBytes(),
            known(1 << 30),
            m.byRole());
    return new Status(
        s.version(),
        s.session(),
        s.phase(),
        s.ready(),
        s.desired(),
        s.generation(),
        s.level(),
        s.mold(),
        s.workers(),
        memory,
        s.refork(),
        s.failures(),
        s.listeners(),
        s.counters());
  }
}
