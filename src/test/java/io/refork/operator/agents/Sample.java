package io.refork.operator.agents;

import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.refork.protocol.control.Desired;
import io.refork.protocol.control.Permit;
import io.refork.protocol.control.Report;
import io.refork.protocol.control.Report.Measure;
import io.refork.protocol.control.Revision;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Plain pods and reports, to be varied. */
final class Sample {
  static final ResourceID POOL = new ResourceID("shop", "web");

  private Sample() {}

  static Desired desired(String uid) {
    return new Desired(
        "web/shop",
        uid,
        Optional.empty(),
        new Revision(1, 0),
        Map.of("workers", "8"),
        Optional.empty(),
        false);
  }

  static Desired permitted(String uid, int level) {
    var plain = desired(uid);
    return new Desired(
        plain.pool(),
        uid,
        Optional.of("session1"),
        new Revision(1, level),
        plain.settings(),
        Optional.of(
            new Permit(
                "permit-" + level, level, Optional.empty(), Instant.ofEpochSecond(2_000_000_000))),
        false);
  }

  static Target target(String uid, String ip) {
    return target(POOL, uid, ip, desired(uid));
  }

  static Target target(ResourceID pool, String uid, String ip, Desired desired) {
    return new Target(pool, uid, "shop-" + uid, ip, true, desired);
  }

  static Report report(String uid) {
    return new Report(
        "session1",
        uid,
        "0.1.0",
        Optional.of(new Revision(1, 0)),
        Report.Phase.SERVING,
        true,
        0,
        Optional.of(new Report.Mold(0, "ready")),
        8,
        Map.of(Report.WorkerState.READY, 8),
        3,
        List.of(new Report.Generation(0, 8, 8, bytes(40), bytes(400))),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        new Report.Memory(
            bytes(400),
            bytes(100),
            bytes(40),
            bytes(300),
            new Measure.Known(0.9),
            bytes(200),
            bytes(1024)),
        0,
        List.of());
  }

  /** MiB. */
  static Measure bytes(double mebibytes) {
    return new Measure.Known(mebibytes * (1 << 20));
  }
}
