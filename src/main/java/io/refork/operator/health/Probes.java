package io.refork.operator.health;

import io.refork.operator.startup.Progress;
import io.refork.operator.startup.Stage;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Liveness;
import org.eclipse.microprofile.health.Readiness;
import org.eclipse.microprofile.health.Startup;

/** Answers of {@code /startupz}, {@code /readyz} and {@code /livez}. None of them waits. */
@Singleton
class Probes {
  /** The checks of the start are over. */
  @Produces
  @Singleton
  @Startup
  HealthCheck started(Progress progress) {
    return () -> answer("checked", progress.stage() != Stage.Checking, progress.stage().name());
  }

  /** It reconciles, or would if the leader failed. */
  @Produces
  @Singleton
  @Readiness
  HealthCheck ready(Progress progress) {
    return () -> {
      var stage = progress.stage();
      var ready =
          switch (stage) {
            case Waiting, Leading -> true;
            case Checking, Syncing, Stopping -> false;
          };
      return answer("leading or waiting", ready, stage.name());
    };
  }

  /** No loop of its own is stuck. */
  @Produces
  @Singleton
  @Liveness
  HealthCheck alive(Pulse pulse) {
    return () -> {
      var stuck = pulse.stuck();
      return answer("loops", stuck.isEmpty(), stuck.isEmpty() ? "" : "stuck: " + stuck);
    };
  }

  private static HealthCheckResponse answer(String name, boolean up, String detail) {
    return HealthCheckResponse.named(name).status(up).withData("detail", detail).build();
  }
}
