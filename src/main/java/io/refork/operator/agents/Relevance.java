package io.refork.operator.agents;

import io.refork.operator.agents.AgentReport.Invalid;
import io.refork.operator.agents.AgentReport.Reported;
import io.refork.operator.agents.AgentReport.Unreachable;
import io.refork.protocol.control.Report;
import io.refork.protocol.control.Report.Measure;
import io.refork.protocol.control.Revision;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Whether news of an agent could change a decision or a rounded number of the status. What changes
 * at each request (busy workers, bytes, the pause until the next try) does not: in steady state
 * nothing is reconciled and nothing written.
 */
final class Relevance {
  /** The status shows three digits; a pool at work breathes by some percent. */
  private static final double SHARE = 0.05;

  /** Below it a share means nothing: a page more or less of a small worker. */
  private static final double BYTES = 4 << 20;

  /** The status shows whole percents; half of the pods' noise stays below two. */
  private static final double RATIO = 0.02;

  private Relevance() {}

  /**
   * @param old what the listener was last told of, so that small steps add up
   * @param permitted whether the pod holds a permit: then it matters which grants its agent has
   *     heard of. That all the others have heard of one, too, is no news
   */
  static boolean changed(Optional<AgentReport> old, AgentReport now, boolean permitted) {
    return switch (now) {
      case Reported(var report, _) ->
          !(old.orElse(null) instanceof Reported(var before, _))
              || changed(before, report)
              || (permitted && !before.observed().equals(report.observed()));
      case Unreachable _ -> !(old.orElse(null) instanceof Unreachable);
      case Invalid _ -> !(old.orElse(null) instanceof Invalid);
    };
  }

  private static boolean changed(Report old, Report now) {
    return !old.session().equals(now.session())
        || !old.version().equals(now.version())
        || !generation(old).equals(generation(now))
        || old.phase() != now.phase()
        || old.ready() != now.ready()
        || old.level() != now.level()
        || !old.mold().equals(now.mold())
        || old.desired() != now.desired()
        || !workers(old).equals(workers(now))
        || !generations(old).equals(generations(now))
        || !old.eligible().equals(now.eligible())
        || !old.running().equals(now.running())
        || !old.last().equals(now.last())
        || !old.lastRequest().equals(now.lastRequest())
        || old.backoffSeconds() > 0 != now.backoffSeconds() > 0
        || !newestFailure(old).equals(newestFailure(now))
        || changed(old.memory(), now.memory());
  }

  private static Optional<Long> generation(Report report) {
    return report.observed().map(Revision::generation);
  }

  /** A state that is left out is one that nobody is in. */
  private static List<Integer> workers(Report report) {
    return Arrays.stream(Report.WorkerState.values())
        .map(state -> report.workers().getOrDefault(state, 0))
        .toList();
  }

  private static List<List<Integer>> generations(Report report) {
    return report.generations().stream()
        .map(g -> List.of(g.generation(), g.workers(), g.ready()))
        .toList();
  }

  /** Without its time: a crash loop is one piece of news, not one per crash. */
  private static Optional<String> newestFailure(Report report) {
    return report.failures().stream().findFirst().map(Report.Failure::reason);
  }

  /** The container's own usage has no part in any number: page cache makes it wander. */
  private static boolean changed(Report.Memory old, Report.Memory now) {
    return moved(old.resident(), now.resident())
        || moved(old.proportional(), now.proportional())
        || moved(old.privateBytes(), now.privateBytes())
        || moved(old.saved(), now.saved())
        || !old.limit().equals(now.limit())
        || differs(old.sharedRatio(), now.sharedRatio(), RATIO);
  }

  private static boolean moved(Measure old, Measure now) {
    double allowed = old instanceof Measure.Known(double value) ? value * SHARE : 0;
    return differs(old, now, Math.max(allowed, BYTES));
  }

  private static boolean differs(Measure old, Measure now, double allowed) {
    if (old instanceof Measure.Known(double before) && now instanceof Measure.Known(double after)) {
      return Math.abs(after - before) > allowed;
    }
    return !old.equals(now);
  }
}
