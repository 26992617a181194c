package io.refork.demo;

/**
 * What a pod's agent measures, in bytes; NaN for what it does not know yet.
 *
 * @param level reforks completed
 * @param proportional of workers and molds, anonymous memory
 * @param resident of the workers, as if nothing were shared
 * @param container what the container's control group is charged with, page cache included
 * @param shared part of the workers' memory that they share, 0 to 1
 */
record PodReading(
    double level, double proportional, double resident, double container, double shared) {

  /** From the agent's {@code /metrics}. */
  static PodReading of(String metrics) {
    return new PodReading(
        sum(metrics, "refork_level"),
        sum(metrics, "refork_memory_proportional_bytes"),
        sum(metrics, "refork_memory_resident_bytes{role=\"current\"")
            + sum(metrics, "refork_memory_resident_bytes{role=\"old\""),
        sum(metrics, "refork_container_memory_bytes"),
        sum(metrics, "refork_memory_shared_ratio"));
  }

  /** Σ over the series that begin so; NaN when there is none. */
  private static double sum(String metrics, String series) {
    var values =
        metrics
            .lines()
            .filter(l -> l.startsWith(series) && !Character.isLetter(l.charAt(series.length())))
            .mapToDouble(l -> Double.parseDouble(l.substring(l.lastIndexOf(' ') + 1)))
            .toArray();
    return values.length == 0 ? Double.NaN : java.util.Arrays.stream(values).sum();
  }
}
