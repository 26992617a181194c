package io.refork.agent.cli;

import io.refork.agent.cli.LoadSeen.Part;
import io.refork.agent.cli.LoadSeen.Tally;
import io.refork.agent.cli.TrialSeen.MemorySeen;
import io.refork.agent.cli.TrialSeen.Outcome;
import io.refork.agent.cli.TrialSeen.PoolSeen;
import io.refork.agent.cli.TrialSeen.Warning;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** Judges what a trial has shown: rows with what to do. Pure. */
final class TrialFindings {
  private static final double MIB = 1 << 20;

  /** As the agent judges a canary: so many points more than before are the refork's fault. */
  private static final double ERROR_POINTS = 0.05;

  /** A request this slow is felt; twice as slow as before alone may be chance. */
  private static final long SLOW_MILLIS = 1000;

  private static final int TIMES_SLOWER = 5;

  /**
   * A third of the default of --promote-timeout: production's requests may well be thrice as slow.
   */
  private static final double LONG_REFORK = 10;

  /** Below this gain per worker, memory alone is no reason to refork. */
  private static final double LITTLE = 8 * MIB;

  private static final double POOR_RATIO = 0.5;

  /** Part of the shared memory that a second of requests may un-share before it is worth a look. */
  private static final double MUCH_LOST = 0.25;

  /** A first refork hands on log files and the like; more than these may come with each. */
  private static final int LEAK = 5;

  private static final int SHOWN = 4;

  /** The trial's own choice of workers and sockets is no news. */
  private static final List<String> TRIALS_OWN = List.of("--listen", "--workers");

  private TrialFindings() {}

  static List<Finding> of(TrialSeen seen) {
    var findings = new ArrayList<Finding>();
    findings.add(requests(seen.load()));
    findings.addAll(warnings(seen));
    findings.addAll(threads(seen));
    findings.addAll(seen.application());
    findings.add(refork(seen.outcome()));
    findings.addAll(connections(seen));
    seen.after().ifPresent(after -> findings.add(descriptors(seen.before(), after, seen)));
    findings.add(memory(seen));
    return findings;
  }

  // --- requests ------------------------------------------------------------------------------

  private static Finding requests(LoadSeen load) {
    return switch (load.kind()) {
      case HTTP, HTTPS -> http(load);
      case NOT_HTTP ->
          Finding.warn(
              "requests",
              "none: what listens does not speak HTTP",
              "the refork below was tried without load: send some of your own to a pool started by 'refork run'");
      case SILENT ->
          Finding.warn(
              "requests",
              "none: what listens does not answer a GET",
              "give a path that answers by --path; a consumer of a queue is reforked below without load");
      case NONE -> Finding.warn("requests", "none: nothing listens", "");
    };
  }

  private static Finding http(LoadSeen load) {
    var all = load.all();
    if (all.sent() == 0) {
      return Finding.warn(
          "requests",
          "none was sent, though it answered a first one",
          "the refork below was tried without load: give a --path that answers within seconds");
    }
    var during = load.of(Part.DURING);
    var found = new StringBuilder();
    found.append(all.sent()).append(" sent, ").append(during.sent()).append(" in the refork; ");
    found.append(all.lost()).append(" failed");
    if (all.lost() > 0) {
      found.append(" (").append(during.lost()).append(" in the refork), as ").append(all.lostHow());
    }
    found.append("; slowest ").append(slowest(load));
    if (!all.statuses().isEmpty()) {
      found.append("; ").append(statuses(all.statuses()));
    }
    if (all.cut() > 0) {
      found.append("; ").append(all.cut()).append(" replies had no end");
    }
    return judged(load, all, found.toString());
  }

  private static Finding judged(LoadSeen load, Tally all, String found) {
    var before = load.of(Part.BEFORE);
    var during = load.of(Part.DURING);
    var then = during.plus(load.of(Part.AFTER));
    if (during.lost() > 0 && before.lost() == 0) {
      return Finding.fail(
          "requests",
          found,
          "a refork must lose none: see the output above for a worker that ended");
    }
    if (all.lost() > 0) {
      return Finding.fail(
          "requests",
          found,
          "it loses requests without a refork, too: see the output above, or leave the path out");
    }
    if (then.errorRate() > before.errorRate() + ERROR_POINTS) {
      return Finding.fail(
          "requests",
          found,
          "errors since the refork: something that the workers need was not there after the fork; see the output above");
    }
    if (!all.statuses().isEmpty() && statuses(all) == all.sent()) {
      return Finding.warn(
          "requests",
          found,
          all.errors() == all.sent()
              ? "every request fails: see the output above"
              : "no request got through: --path /healthz for others, --header 'Host: shop.example' where hosts are checked");
    }
    if (all.errors() > 0) {
      return Finding.warn("requests", found, "mend what answers 5xx, or leave it out: --path");
    }
    if (during.slowestMillis() > SLOW_MILLIS
        && during.slowestMillis() > TIMES_SLOWER * before.slowestMillis()) {
      return Finding.warn(
          "requests",
          found,
          "slow in the refork: with more workers than the trial's two it is less");
    }
    return Finding.ok("requests", found);
  }

  private static long statuses(Tally tally) {
    return tally.statuses().values().stream().mapToLong(n -> n).sum();
  }

  private static String statuses(Map<String, Long> statuses) {
    return shown(
        statuses.entrySet().stream()
            .sorted(Map.Entry.comparingByKey())
            .map(e -> e.getValue() + "× " + e.getKey())
            .toList());
  }

  private static String slowest(LoadSeen load) {
    return load.of(Part.BEFORE).slowestMillis()
        + " ms before, "
        + load.of(Part.DURING).slowestMillis()
        + " during, "
        + load.of(Part.AFTER).slowestMillis()
        + " after";
  }

  // --- what loading left ---------------------------------------------------------------------

  private static List<Finding> warnings(TrialSeen seen) {
    var rows = new ArrayList<Finding>();
    boolean named = seen.application().stream().anyMatch(f -> f.what().equals("shared socket"));
    for (var warning : seen.warnings()) {
      boolean said = warning.code().equals("shared-socket") && named;
      boolean ours =
          warning.code().equals("setting")
              && TRIALS_OWN.stream().anyMatch(warning.message()::contains);
      if (!said && !ours) {
        rows.add(
            Finding.warn(
                warning.code(),
                warning.message(),
                KnownNames.adviceOn(warning.message()).orElse("")));
      }
    }
    return rows;
  }

  private static List<Finding> threads(TrialSeen seen) {
    boolean warned = seen.warnings().stream().anyMatch(TrialFindings::isOfThreads);
    boolean refused =
        seen.outcome() instanceof Outcome.Failed(var how, var reason, var detail)
            && reason.equals("threads");
    if (warned || refused) {
      return List.of(); // told by its name in the row of the warning, or of the refork
    }
    return List.of(
        Finding.ok(
            "threads",
            seen.moldThreads().isEmpty()
                ? "none in the mold, none in the way of the refork"
                : seen.moldThreads().size()
                    + " in the mold, of kinds that are known to survive a fork"));
  }

  private static boolean isOfThreads(Warning warning) {
    return warning.code().equals("load-threads") || warning.code().equals("load-loop");
  }

  // --- the refork ----------------------------------------------------------------------------

  private static Finding refork(Outcome outcome) {
    return switch (outcome) {
      case Outcome.Completed(var seconds) -> completed(seconds);
      case Outcome.Failed(var how, var reason, var detail) ->
          Finding.fail(
              "refork",
              how + ": " + reason + (detail.isEmpty() ? "" : " (" + once(detail) + ")"),
              advice(reason, detail));
      case Outcome.Unknown(var sentence) ->
          Finding.fail("refork", sentence, "see the output above");
    };
  }

  private static Finding completed(double seconds) {
    var found =
        String.format(
            Locale.ROOT, "a worker became the mold, and its forks serve; it took %.1f s", seconds);
    return seconds > LONG_REFORK
        ? Finding.warn(
            "refork",
            found,
            "a slow request, hook or start of a worker; past --promote-timeout (30s) it is refused, past --boot-timeout aborted")
        : Finding.ok("refork", found);
  }

  /** Forty threads of one name are told by one of them. */
  private static String once(String detail) {
    int advice = detail.indexOf(": stop them in "); // the shim's own, which is ours as well
    var named = advice < 0 ? detail : detail.substring(0, advice);
    return String.join(", ", counted(List.of(named.split(", "))));
  }

  private static List<String> counted(List<String> names) {
    return names.stream()
        .collect(Collectors.groupingBy(n -> n, LinkedHashMap::new, Collectors.counting()))
        .entrySet()
        .stream()
        .map(e -> e.getValue() == 1 ? e.getKey() : e.getValue() + "× " + e.getKey())
        .toList();
  }

  private static String advice(String reason, String detail) {
    var known = KnownNames.adviceOn(detail).map(a -> "; " + a).orElse("");
    return switch (reason) {
      case "threads" ->
          detail.startsWith("native")
              ? "close what started them in a before_promote hook, open it in after_fork" + known
              : "stop them in a before_promote hook and start them in after_fork" + known;
      case "children" -> "end them in a before_promote hook, or run them beside the pool";
      case "descriptors" -> "close it in a before_promote hook and open it in after_fork" + known;
      case "not-fork-safe" -> "the application says so itself, by refork.not_fork_safe()";
      case "hook-failed" -> "mend the hook: its traceback is in the output above";
      case "fork-failed" -> "allow more processes and memory";
      case "timeout" ->
          "a request outlasted REFORK_PROMOTE_TIMEOUT (30s): give 'refork run' a longer --promote-timeout";
      case "canary-died", "canary-not-ready" ->
          "a fork of the warm worker did not start: see the output above, mostly an after_fork hook";
      case "canary-errors" -> "a fork of the warm worker answers with errors: see the output above";
      default -> "see the output above";
    };
  }

  /** Only the first reason of a refusal is told: what would be the next one. */
  private static List<Finding> connections(TrialSeen seen) {
    if (seen.connections().isEmpty()
        || !(seen.outcome() instanceof Outcome.Failed(var how, var reason, var detail))
        || reason.equals("descriptors")) {
      return List.of();
    }
    return List.of(
        Finding.warn(
            "connections",
            "workers hold " + shown(seen.connections()),
            "the next refusal (descriptors): close in a before_promote hook"
                + KnownNames.advice(seen.connections()).map(a -> "; " + a).orElse("")));
  }

  // --- what it cost and brought --------------------------------------------------------------

  private static Finding descriptors(PoolSeen before, PoolSeen after, TrialSeen seen) {
    int then = seen.later().orElse(after).workerDescriptors();
    var handedOn = handedOn(before.moldDescriptors(), after.moldDescriptors());
    var found =
        before.workerDescriptors()
            + " in a worker before, "
            + then
            + " after; handed on: "
            + (handedOn.isEmpty() ? "none" : shown(counted(handedOn)));
    // A leak comes with the mold: what a worker opens for itself ends with it.
    return handedOn.size() > LEAK
        ? Finding.warn(
            "descriptors",
            found,
            "each refork may hand on as many more: close them in a before_promote hook")
        : Finding.ok("descriptors", found);
  }

  /**
   * What the next mold has open that the boot mold had not, but for its connection to the agent.
   */
  private static List<String> handedOn(List<String> boot, List<String> next) {
    var left = new HashMap<String, Integer>();
    boot.forEach(target -> left.merge(kind(target), 1, Integer::sum));
    var more = new ArrayList<String>();
    for (var target : next) {
      if (left.merge(kind(target), -1, Integer::sum) < 0) {
        more.add(kind(target));
      }
    }
    return more;
  }

  /** {@code socket:[123]} is another socket in each process, and yet the same thing. */
  private static String kind(String target) {
    int number = target.indexOf(":[");
    return number < 0 || target.startsWith("/") ? target : target.substring(0, number);
  }

  private static Finding memory(TrialSeen seen) {
    if (seen.before().memory().isEmpty()) {
      return Finding.warn(
          "memory", "cannot be read", "/proc/PID/smaps_rollup is missing or not ours to read");
    }
    var before = seen.before().memory().get();
    var after = seen.after().flatMap(PoolSeen::memory);
    if (after.isEmpty()) {
      return Finding.ok(
          "memory",
          size(before.privateEach())
              + " of a worker's "
              + size(before.residentEach())
              + " are its own: so much a refork could share at most");
    }
    return memory(before, after.get(), seen.later().flatMap(PoolSeen::memory).orElse(after.get()));
  }

  private static Finding memory(MemorySeen before, MemorySeen after, MemorySeen later) {
    var found =
        String.format(
            Locale.ROOT,
            "a worker's own: %s before, %s after, %s after as many requests again; shared %d → %d → %d %%; together %s → %s → %s",
            size(before.privateEach()),
            size(after.privateEach()),
            size(later.privateEach()),
            percent(before),
            percent(after),
            percent(later),
            size(before.proportional()),
            size(after.proportional()),
            size(later.proportional()));
    double shared = after.residentEach() - after.privateEach();
    double lost = later.privateEach() - after.privateEach();
    if (shared > 0 && lost > MUCH_LOST * shared) {
      return Finding.warn(
          "memory",
          found,
          "requests write to much of what is shared: docs/sharing.md says what does, and what helps");
    }
    if (later.sharedRatio() < POOR_RATIO && before.privateEach() >= LITTLE) {
      return Finding.warn(
          "memory", found, "little stays shared: docs/sharing.md says what un-shares memory");
    }
    double gain = before.privateEach() - later.privateEach();
    if (gain < LITTLE) {
      return new Finding(
          Finding.Verdict.OK,
          "memory",
          found,
          "little to gain after this load, "
              + size(Math.max(0, gain))
              + " a worker; more --path and a longer --load warm more");
    }
    return Finding.ok("memory", found);
  }

  private static long percent(MemorySeen memory) {
    return Math.round(memory.sharedRatio() * 100);
  }

  private static String size(double bytes) {
    return StatusText.bytes(bytes);
  }

  private static String shown(List<String> rows) {
    var text = rows.stream().limit(SHOWN).collect(Collectors.joining(", "));
    return rows.size() <= SHOWN ? text : text + " and " + (rows.size() - SHOWN) + " more";
  }
}
