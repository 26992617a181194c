package io.refork.operation;

import java.util.Map;

/**
 * Which of the {@link Queries} have no data while a pool that has reforked once is well, and why.
 */
public final class HealthyPool {
  /** By where the query stands. */
  public static final Map<String, String> SILENT =
      Map.ofEntries(
          Map.entry("pool: Trouble", "nothing is wrong"),
          Map.entry("fleet: Trouble", "nothing is wrong"),
          Map.entry("pool: @Aborted", "no refork was aborted"),
          Map.entry("pool: @Generation", "the generation may have changed before the scrapes"),
          Map.entry("fleet: @Generations", "the generation may have changed before the scrapes"),
          Map.entry("operator: @New leader", "it led before it was scraped"),
          Map.entry("pool: Promotions refused", "no promotion was refused"),
          Map.entry("pool: Pods D", "no worker has crashed or was killed"),
          Map.entry("fleet: Errors, the ten worst pools", "pools without errors are left out"),
          Map.entry("operator: Time in garbage collection", "a young JVM has collected nothing"),
          Map.entry("refork_pool_problems", "nothing is wrong"),
          Map.entry("refork_promotion_refusals_total", "no promotion was refused"),
          Map.entry("jvm_gc_pause_seconds_sum", "a young JVM has collected nothing"));

  private HealthyPool() {}
}
