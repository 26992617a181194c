package io.refork.agent.pool;

import java.util.EnumMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * Totals since the agent's start; keys are closed words. Read by the metrics, written by the rules.
 */
public final class Tally {
  private final Map<ExitReason, Long> exits = new EnumMap<>(ExitReason.class);
  private final Map<String, Long> spawns = new TreeMap<>();
  private final Map<String, Map<String, Long>> reforks = new TreeMap<>();
  private final Map<ReforkReason, Long> refusals = new EnumMap<>(ReforkReason.class);
  private long requests;
  private long errors;

  Tally() {}

  void exit(ExitReason reason) {
    exits.merge(reason, 1L, Long::sum);
  }

  void spawn(String outcome) {
    spawns.merge(outcome, 1L, Long::sum);
  }

  void refork(String outcome, String reason) {
    reforks.computeIfAbsent(outcome, o -> new TreeMap<>()).merge(reason, 1L, Long::sum);
  }

  void refusal(ReforkReason reason) {
    refusals.merge(reason, 1L, Long::sum);
  }

  void gone(long served, long failed) {
    requests += served;
    errors += failed;
  }

  /** Worker exits by reason. */
  public Map<ExitReason, Long> exits() {
    return Map.copyOf(exits);
  }

  /** Spawns by outcome: ready, failed, timeout, died. */
  public Map<String, Long> spawns() {
    return Map.copyOf(spawns);
  }

  /** Reforks by outcome (completed, refused, aborted) and reason. */
  public Map<String, Map<String, Long>> reforks() {
    return Map.copyOf(reforks);
  }

  /** Refusals by reason. */
  public Map<ReforkReason, Long> refusals() {
    return Map.copyOf(refusals);
  }

  /** Requests served by workers that are gone. */
  public long requestsOfGone() {
    return requests;
  }

  /** Errors answered by workers that are gone. */
  public long errorsOfGone() {
    return errors;
  }
}
