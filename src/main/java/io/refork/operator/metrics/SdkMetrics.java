package io.refork.operator.metrics;

import io.javaoperatorsdk.operator.api.monitoring.AggregatedMetrics;
import io.javaoperatorsdk.operator.api.monitoring.Metrics;
import io.javaoperatorsdk.operator.monitoring.micrometer.MicrometerMetrics;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** What the SDK tells about itself: its own metrics, and those of ours that it is asked for. */
@Singleton
class SdkMetrics {
  /** Without names of resources: a thousand pools would be ten thousand series. */
  @Produces
  @Singleton
  Metrics metrics(MeterRegistry registry, OperatorMetrics own) {
    var sdk = MicrometerMetrics.withoutPerResourceMetrics(registry);
    // The aggregate lets only the first of them time a pass.
    return new AggregatedMetrics(
        List.of(new Own(timer(registry), failures(registry), own, sdk), sdk));
  }

  /** Buckets around the bar: 99 of 100 passes within 250 ms. */
  private static Timer timer(MeterRegistry registry) {
    return Timer.builder("refork.reconcile.duration")
        .description("One pass over a pool; agents are asked elsewhere")
        .serviceLevelObjectives(
            Duration.ofMillis(5),
            Duration.ofMillis(10),
            Duration.ofMillis(25),
            Duration.ofMillis(50),
            Duration.ofMillis(100),
            Duration.ofMillis(250),
            Duration.ofMillis(500),
            Duration.ofSeconds(1),
            Duration.ofMillis(2500))
        .register(registry);
  }

  private static Counter failures(MeterRegistry registry) {
    return Counter.builder("refork.reconcile.failures")
        .description("Passes that ended by an error; each is tried again")
        .register(registry);
  }

  private record Own(Timer timer, Counter failures, OperatorMetrics pools, Metrics sdk)
      implements Metrics {
    @Override
    public <T> T timeControllerExecution(ControllerExecution<T> execution) throws Exception {
      try {
        return timer.recordCallable(() -> sdk.timeControllerExecution(execution));
      } catch (Exception e) {
        failures.increment();
        throw e;
      }
    }

    @Override
    public void cleanupDoneFor(ResourceID resource, Map<String, Object> metadata) {
      pools.gone(resource);
    }
  }
}
