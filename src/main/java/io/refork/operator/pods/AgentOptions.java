package io.refork.operator.pods;

import io.refork.api.PoolDuration;
import io.refork.api.WorkerPoolSpec;
import io.refork.api.WorkerPoolSpec.AfterLast;
import io.refork.api.WorkerPoolSpec.Policy;
import io.refork.api.WorkerPoolSpec.Recycle;
import io.refork.api.WorkerPoolSpec.Refork;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * A pool's spec in the agent's words: the options of {@code refork run} that a running agent takes
 * over, so that none of them ever rolls pods. They stand in the ConfigMap and in each desired
 * state. What needs a restart stands in the command; see {@link AgentCommand}.
 */
public final class AgentOptions {
  /** Names of all of them; whatever the spec, each has a value. */
  static final Set<String> NAMES =
      Set.of(
          "workers",
          "max-requests",
          "refork-after",
          "refork-below",
          "refork-min-interval",
          "max-unavailable",
          "max-surge",
          "canary-soak",
          "failure-budget",
          "boot-timeout",
          "spawn-timeout",
          "promote-timeout",
          "request-timeout",
          "drain-timeout",
          "shutdown-delay");

  private AgentOptions() {}

  /** Option's long name without dashes → text, sorted by name. */
  public static Map<String, String> of(WorkerPoolSpec spec) {
    var options = new TreeMap<String, String>();
    options.put("workers", String.valueOf(spec.workers().getValue()));
    options.put("max-requests", recycle(spec.recycle()));
    refork(options, spec.refork(), spec.recycle());
    var workers = spec.rollout().workers();
    options.put("max-unavailable", String.valueOf(workers.maxUnavailable().getValue()));
    options.put("max-surge", String.valueOf(workers.maxSurge()));
    options.put("canary-soak", time(workers.canarySoak()));
    options.put("failure-budget", String.valueOf(workers.failureBudget()));
    var timeouts = spec.timeouts();
    options.put("boot-timeout", time(timeouts.boot()));
    options.put("spawn-timeout", time(timeouts.spawn()));
    options.put("promote-timeout", time(timeouts.promote()));
    options.put("request-timeout", time(timeouts.request()));
    options.put("drain-timeout", time(timeouts.drain()));
    options.put("shutdown-delay", time(timeouts.shutdownDelay()));
    return options;
  }

  /**
   * Thresholds that no worker lives to see are left out: the agent refuses them, since who types
   * them has erred. Here they may be the spec's defaults.
   */
  private static void refork(Map<String, String> options, Refork refork, Recycle recycle) {
    options.put("refork-min-interval", time(refork.minInterval()));
    var below = refork.belowSharedPercent();
    boolean automatic = refork.policy() == Policy.Automatic;
    options.put("refork-below", automatic && below != null ? below.toString() : "off");
    long lifetime =
        recycle.maxRequests() == 0 ? Long.MAX_VALUE : recycle.maxRequests() + recycle.jitter();
    var after =
        refork.afterRequests().stream()
            .filter(n -> n <= lifetime)
            .map(String::valueOf)
            .collect(Collectors.joining(","));
    if (!automatic || after.isEmpty()) {
      options.put("refork-after", "off");
      return;
    }
    options.put("refork-after", refork.afterLast() == AfterLast.Repeat ? after + ",..." : after);
  }

  private static String recycle(Recycle recycle) {
    if (recycle.maxRequests() == 0) {
      return "off";
    }
    var jitter = recycle.jitter() == 0 ? "" : "+-" + recycle.jitter();
    return recycle.maxRequests() + jitter;
  }

  /** In the largest units: the agent takes at most seven digits of one unit. */
  private static String time(PoolDuration duration) {
    return time(duration.value());
  }

  static String time(Duration time) {
    if (time.isZero()) {
      return "0";
    }
    var text = new StringBuilder();
    part(text, time.toDays(), "d");
    part(text, time.toHoursPart(), "h");
    part(text, time.toMinutesPart(), "m");
    part(text, time.toSecondsPart(), "s");
    part(text, time.toMillisPart(), "ms");
    return text.toString();
  }

  private static void part(StringBuilder text, long amount, String unit) {
    if (amount != 0) {
      text.append(amount).append(unit);
    }
  }
}
