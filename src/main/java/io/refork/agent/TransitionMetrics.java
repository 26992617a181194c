package io.refork.agent;

import io.refork.agent.control.Metrics;
import io.refork.agent.pool.Action.Transition;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.function.Consumer;

/**
 * Tells the metrics how long spawns and reforks took, from what the pool says of itself. Called on
 * the event loop's thread.
 */
final class TransitionMetrics implements Consumer<Transition> {
  private final Metrics metrics;
  private OptionalLong reforkBegan = OptionalLong.empty();

  TransitionMetrics(Metrics metrics) {
    this.metrics = metrics;
  }

  @Override
  public void accept(Transition transition) {
    switch (transition.what()) {
      case "worker ready" -> transition.took().ifPresent(metrics::spawnTook);
      case "refork begins with a spare", "promotion begins" -> {
        if (reforkBegan.isEmpty()) {
          reforkBegan = OptionalLong.of(System.nanoTime());
        }
      }
      case "refork completed", "refork aborted", "refork refused" -> {
        reforkBegan.ifPresent(
            began -> metrics.reforkTook(Duration.ofNanos(System.nanoTime() - began)));
        reforkBegan = OptionalLong.empty();
      }
      default -> {}
    }
  }
}
