package io.refork.agent.cli;

import io.refork.agent.cli.HttpCaller.Target;
import io.refork.agent.cli.LoadSeen.Kind;
import io.refork.agent.cli.LoadSeen.Part;
import io.refork.agent.cli.TrialSeen.Outcome;
import io.refork.agent.cli.TrialSeen.PoolSeen;
import io.refork.agent.control.Status;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * The order of a trial: load, a look, a refork under load, a look, load again, a look. Decides
 * nothing.
 */
final class Trial {
  /** Load before and behind the refork proper. */
  private static final Duration AROUND = Duration.ofMillis(500);

  /** For servers to notice that the clients have gone. */
  private static final Duration QUIET = Duration.ofMillis(500);

  private final String root;
  private final TrialRun run;
  private final PoolLook look;
  private final TrialLoadPlan plan;

  Trial(String root, TrialRun run, TrialLoadPlan plan) {
    this.root = root;
    this.run = run;
    this.look = new PoolLook(root);
    this.plan = plan;
  }

  /** Does it all; the application is ready. */
  TrialSeen seen() {
    var booted = run.status();
    var moldThreads = booted.map(look::moldThreads).orElse(List.of());
    var load = booted.flatMap(this::load);
    during(load, Part.BEFORE, () -> pause(run.atMost(plan.time())));
    var quiet = run.settled();
    var before = quiet.map(look::at).orElse(new PoolSeen(Optional.empty(), 0, List.of()));
    var connections = quiet.map(look::connections).orElse(List.of());
    var application = application();
    var outcome =
        during(
            load,
            Part.DURING,
            () -> {
              pause(AROUND);
              var ended = run.refork();
              pause(AROUND);
              return ended;
            });
    Optional<PoolSeen> after = Optional.empty();
    Optional<PoolSeen> later = Optional.empty();
    if (outcome instanceof Outcome.Completed) {
      after = run.settled().map(look::at);
      application = application();
      if (run.hasTime()) {
        during(load, Part.AFTER, () -> pause(run.atMost(plan.time())));
        later = run.settled().map(look::at);
      }
    }
    return new TrialSeen(
        load.map(TrialLoad::seen).orElse(LoadSeen.nothing(Kind.NONE)),
        run.warnings(),
        moldThreads,
        before,
        after,
        later,
        connections,
        application,
        outcome);
  }

  private Optional<TrialLoad> load(Status status) {
    return status.listeners().stream()
        .map(l -> l.address())
        .filter(address -> !address.startsWith("unix:") && address.lastIndexOf(':') > 0)
        .findFirst()
        .map(
            address -> {
              int colon = address.lastIndexOf(':');
              int port = Integer.parseInt(address.substring(colon + 1));
              return TrialLoad.on(
                  new Target(address.substring(0, colon), port, false, plan.headers()),
                  plan.paths());
            });
  }

  private <T> T during(Optional<TrialLoad> load, Part part, Supplier<T> what) {
    load.ifPresent(l -> l.begin(part));
    var result = what.get();
    load.ifPresent(TrialLoad::pause);
    pause(QUIET);
    return result;
  }

  private List<Finding> application() {
    return ApplicationCheck.of(root, run.pid())
        .filter(ApplicationCheck::hasProcesses)
        .map(ApplicationCheck::withoutThreads)
        .orElse(List.of());
  }

  private static Optional<Object> pause(Duration time) {
    try {
      Thread.sleep(time);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return Optional.empty();
  }
}
