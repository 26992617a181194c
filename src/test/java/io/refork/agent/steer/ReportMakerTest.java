package io.refork.agent.steer;

import static org.assertj.core.api.Assertions.assertThat;

import io.refork.agent.control.Status;
import io.refork.agent.control.Statuses;
import io.refork.agent.steer.ReportMaker.Seen;
import io.refork.protocol.control.Permit;
import io.refork.protocol.control.Report;
import io.refork.protocol.control.Report.Measure.Known;
import io.refork.protocol.control.Report.Measure.Unknown;
import io.refork.protocol.control.Report.WorkerState;
import io.refork.protocol.control.ReportCodec;
import io.refork.protocol.control.Revision;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** The report as the operator gets it: what it says, and that it always keeps its bounds. */
class ReportMakerTest {
  private static final double MIB = 1 << 20;
  private static final Steered STEERED = Steered.by("uid").heeding(new Revision(7, 42), Map.of());

  private static Report report(Seen seen, Steered steered) throws Exception {
    var report = ReportMaker.make(seen, steered);
    var bytes = ReportCodec.encode(report);
    assertThat(bytes).hasSizeLessThanOrEqualTo(Report.MAX_BYTES);
    assertThat(ReportCodec.decode(bytes)).isEqualTo(report);
    return report;
  }

  @Test
  @DisplayName("OP-05 generations, workers and memory are those of the status")
  void serving() throws Exception {
    var report =
        report(new Seen(Statuses.serving(4), Optional.empty(), Optional.of("p-1")), STEERED);
    assertThat(report.pod()).isEqualTo("uid");
    assertThat(report.observed()).hasValue(new Revision(7, 42));
    assertThat(report.level()).isEqualTo(2);
    assertThat(report.workers())
        .containsOnly(Map.entry(WorkerState.READY, 3), Map.entry(WorkerState.PROMOTING, 1));
    assertThat(report.busy()).isEqualTo(2);
    assertThat(report.generations())
        .containsExactly(
            new Report.Generation(3, 2, 1, new Known(40 * MIB), new Known(300 * MIB)),
            new Report.Generation(2, 2, 2, new Known(40 * MIB), new Known(300 * MIB)));
    assertThat(report.running()).hasValue(new Report.Running(Optional.of("p-1"), "rolling", 3, 4));
    assertThat(report.eligible()).isEmpty();
    assertThat(report.memory())
        .isEqualTo(
            new Report.Memory(
                new Known(600 * MIB),
                new Known(400 * MIB),
                new Known(80 * MIB),
                new Known(800.5 * MIB),
                new Known(0.8125),
                new Known(500 * MIB),
                new Unknown("no-limit")));
    assertThat(report.failures())
        .containsExactly(new Report.Failure("2026-11-21T13:20:00Z", "worker died", "crashed"));
  }

  @Test
  @DisplayName("OP-05 what is not known is unknown with its reason; eligible names level and cause")
  void booting() throws Exception {
    var report =
        report(
            new Seen(Statuses.booting(), Optional.of("requests"), Optional.empty()),
            Steered.by("uid"));
    assertThat(report.observed()).isEmpty();
    assertThat(report.phase()).isEqualTo(Report.Phase.BOOTING);
    assertThat(report.workers()).containsOnly(Map.entry(WorkerState.BACKING_OFF, 1));
    assertThat(report.generations()).isEmpty();
    assertThat(report.memory().resident()).isEqualTo(new Unknown("no-process"));
    assertThat(report.memory().sharedRatio()).isEqualTo(new Unknown("not-sampled-yet"));
    assertThat(report.eligible()).hasValue(new Report.Eligible(1, "requests"));
    assertThat(report.running()).isEmpty();
  }

  @Test
  @DisplayName("OP-12 at every extreme the report stays within 16 KiB and what its reader accepts")
  void extremes() throws Exception {
    var base = Statuses.serving(1);
    var strange = "\ud83d\ude00\u001b[2J\"\\\u202e".repeat(500);
    var huge = new Status.Measure.Known(1e300);
    var nan = new Status.Measure.Known(Double.NaN);
    var negative = new Status.Measure.Known(-1);
    var memory = new Status.ProcessMemory(huge, nan, negative);
    var workers = new ArrayList<Status.Worker>();
    for (int slot = 0; slot < 1024; slot++) {
      workers.add(
          new Status.Worker(
              slot,
              Optional.of(slot + 1),
              1_000_000_000 - slot,
              slot % 2 == 0 ? "ready" : strange,
              Long.MAX_VALUE,
              Long.MAX_VALUE,
              Long.MAX_VALUE,
              1e300,
              1e300,
              memory));
    }
    var failure =
        new Status.Failure(
            "2026-11-21T13:20:00.123456789Z",
            strange,
            Optional.empty(),
            Optional.empty(),
            1,
            strange);
    var c = base.counters();
    var status =
        new Status(
            base.version(),
            base.session(),
            Status.Phase.STOPPING,
            true,
            512,
            1_000_000_000,
            999_999_999,
            Optional.of(new Status.Mold(1, 1_000_000_000, strange, memory)),
            workers,
            new Status.Memory(
                huge, negative, nan, huge, new Status.Measure.Unknown(strange), Map.of()),
            Optional.of(new Status.Refork("1", strange, 1024, 1024, "running", strange, strange)),
            Collections.nCopies(10, failure),
            List.of(),
            new Status.Counters(
                0,
                0,
                c.workerExits(),
                c.spawns(),
                c.reforks(),
                c.refusals(),
                0,
                0,
                0,
                Double.POSITIVE_INFINITY));
    var permit = new Permit("p".repeat(64), 1, Optional.of("\u00fc".repeat(128)), Instant.EPOCH);
    var steered =
        Steered.by("u".repeat(64))
            .heeding(new Revision(1L << 53, 1L << 53), Map.of())
            .taking(permit)
            .ended(Optional.of(permit.id()), "aborted", "failure-budget", strange);
    var report = report(new Seen(status, Optional.of(strange), Optional.of(permit.id())), steered);
    assertThat(report.generations()).hasSize(Report.MAX_GENERATIONS);
    assertThat(report.failures()).hasSize(Report.MAX_FAILURES);
    assertThat(report.failures().getFirst().what()).doesNotContain("\u001b").endsWith("…");
    assertThat(report.memory().sharedRatio()).isEqualTo(new Known(0));
    assertThat(report.lastRequest()).hasValue("\u00fc".repeat(128));
    assertThat(report.last().orElseThrow().detail().length()).isLessThanOrEqualTo(200);
  }
}
