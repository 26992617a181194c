package io.refork.operator.agents;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;

/**
 * Requests to agents, by outcome. No series per pod: there are ten thousand, and they come and go.
 */
final class AgentMetrics {
  private final Map<Judgement.Outcome, Counter> requests = new EnumMap<>(Judgement.Outcome.class);
  private final Timer duration;

  AgentMetrics(MeterRegistry registry) {
    for (var outcome : Judgement.Outcome.values()) {
      requests.put(
          outcome,
          Counter.builder("refork.agent.requests")
              .description("Requests to agents, by what came of them")
              .tag("outcome", outcome.word())
              .register(registry));
    }
    duration =
        Timer.builder("refork.agent.request.duration")
            .description("From sending a request to an agent to its answer or its timeout")
            .serviceLevelObjectives(
                Duration.ofMillis(10),
                Duration.ofMillis(50),
                Duration.ofMillis(200),
                Duration.ofSeconds(1),
                Duration.ofSeconds(2))
            .register(registry);
  }

  void count(Judgement.Outcome outcome, Duration took) {
    java.util.Objects.requireNonNull(requests.get(outcome)).increment();
    duration.record(took);
  }
}
