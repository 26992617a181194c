package io.refork.agent.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.refork.agent.linux.Signal;
import io.refork.agent.pool.PoolSettings.Recycle;
import io.refork.agent.pool.PoolSettings.ReforkPolicy;
import io.refork.agent.pool.PoolSettings.Rollout;
import io.refork.agent.pool.PoolSettings.Timeouts;
import io.refork.agent.pool.PoolSettings.Unavailable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A stop with a mold and a worker that not even KILL ends, as in a hanging file system. */
class StopBoundTest {
  private static final Duration DELAY = Duration.ofSeconds(3);
  private static final Duration DRAIN = Duration.ofSeconds(7);
  private static final int MOLD = 10;
  private static final int WORKER = 11;

  private final Pool pool = new Pool(settings(), new Random(1));
  private final List<Action> done = new ArrayList<>();
  private long now;

  private static PoolSettings settings() {
    var second = Duration.ofSeconds(1);
    return new PoolSettings(
        1,
        new ReforkPolicy(List.of(), false, OptionalInt.empty(), second),
        new Rollout(new Unavailable.Count(0), 0, second, 1),
        new Timeouts(
            second.multipliedBy(60),
            second.multipliedBy(10),
            second.multipliedBy(30),
            Duration.ZERO,
            Duration.ZERO,
            DRAIN,
            DELAY,
            second.multipliedBy(2)),
        new Recycle(0, 0));
  }

  private List<Action> on(Event event) {
    var actions = pool.on(event, now);
    done.addAll(actions);
    return actions;
  }

  private void serve() {
    on(new Event.Tick());
    on(new Event.BootStarted(MOLD));
    on(new Event.Hello(5, MOLD, new Event.Claim.BootMold(true)));
    on(new Event.Ready(MOLD));
    var id =
        done.stream()
            .filter(Action.Spawn.class::isInstance)
            .map(a -> ((Action.Spawn) a).spawn())
            .findFirst()
            .orElseThrow();
    on(new Event.Spawned(MOLD, id, WORKER));
    on(new Event.Hello(6, WORKER, new Event.Claim.Newborn(false, id, true, true)));
    on(new Event.Ready(WORKER));
  }

  @ParameterizedTest(
      name = "PID-09 a stop (fast: {0}) ends in time although processes survive KILL")
  @ValueSource(booleans = {false, true})
  void unkillable(boolean fast) {
    serve();
    on(new Event.StopAsked(fast));
    var bound = (fast ? Duration.ZERO : DELAY.plus(DRAIN)).plusSeconds(5).toNanos();
    var turn = Duration.ofMillis(100).toNanos();
    for (; now <= bound && done.stream().noneMatch(Action.Exit.class::isInstance); now += turn) {
      if (pool.nextDeadline() <= now) {
        on(new Event.Tick());
        assertThat(pool.nextDeadline()).isGreaterThan(now);
      }
      if (pool.sweeping()) {
        on(new Event.Strays(2));
      }
    }
    assertThat(done).anyMatch(Action.Exit.class::isInstance);
    assertThat(done)
        .contains(new Action.Kill(MOLD, Signal.KILL), new Action.Kill(WORKER, Signal.KILL));
  }
}
