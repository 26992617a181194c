package io.refork.agent.pool;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import io.refork.agent.linux.ExitStatus;
import io.refork.agent.pool.PoolSettings.Recycle;
import io.refork.agent.pool.PoolSettings.ReforkPolicy;
import io.refork.agent.pool.PoolSettings.Rollout;
import io.refork.agent.pool.PoolSettings.Timeouts;
import io.refork.agent.pool.PoolSettings.Unavailable;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * GEN-15. {@code -Drefork.schedules=N} runs more of them, {@code -Drefork.seed=S} replays one
 * ({@code make soak}).
 */
class PoolSimulationTest {
  private static final long SCHEDULES = Long.getLong("refork.schedules", 10_000);
  private static final Long SEED = Long.getLong("refork.seed");

  /** Long enough for the longest chain of bounds: boot backoff, boot, promotion, their KILLs. */
  private static final long QUIET = SECONDS.toNanos(600);

  /** Longer than a refork that comes to nothing, or the leaving of its spare. */
  private static final long REFORK = SECONDS.toNanos(60);

  @Test
  @DisplayName(
      "GEN-15 random schedules of faults keep the invariants after each step, recover and stop in time")
  void schedules() {
    var outcomes = new HashMap<String, Long>();
    if (SEED != null) {
      new Run(SEED).go(outcomes);
      return;
    }
    long first = Long.getLong("refork.firstSeed", 1);
    for (long seed = first; seed < first + SCHEDULES; seed++) {
      try {
        new Run(seed).go(outcomes);
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError(
            "seed " + seed + " fails (replay: -Drefork.seed=" + seed + "): " + e.getMessage(), e);
      }
    }
    // A simulation in which nothing happens proves nothing.
    assertThat(outcomes).containsKeys("completed", "aborted", "refused", "recovered", "stopped");
    assertThat(outcomes)
        .containsKeys("permit completed", "permit aborted", "permit refused", "permit lapsed");
    System.out.println("GEN-15: " + SCHEDULES + " schedules, " + new java.util.TreeMap<>(outcomes));
  }

  private static final class Run {
    private final World world;
    private final Random random;
    private final Pool pool;
    private final PoolInvariants invariants;
    private long nextReading;
    private boolean stopping;
    private boolean ended;
    private final Map<String, Integer> permits = new HashMap<>();
    private final Map<String, Long> permitted = new HashMap<>();
    private String lastPermit = "";
    private final StringBuilder trace = new StringBuilder();

    Run(long seed) {
      random = new Random(seed * 31);
      world = new World(seed, random.nextInt(4) * 0.08);
      if (random.nextInt(4) == 0) {
        world.badGeneration = 1 + random.nextInt(3);
      }
      var settings = settings(1 + random.nextInt(6));
      pool = seed % 2 == 0 ? Pool.steered(settings, random) : new Pool(settings, random);
      invariants = new PoolInvariants(pool, world, this::tail);
    }

    private PoolSettings settings(int workers) {
      return new PoolSettings(
          workers,
          new ReforkPolicy(
              List.of(50L, 200L),
              random.nextBoolean(),
              OptionalInt.empty(),
              Duration.ofSeconds(20)),
          new Rollout(
              random.nextBoolean()
                  ? new Unavailable.Percent(10)
                  : new Unavailable.Count(random.nextInt(3)),
              random.nextInt(3),
              Duration.ofSeconds(2),
              1 + random.nextInt(3)),
          new Timeouts(
              Duration.ofSeconds(20),
              Duration.ofSeconds(5),
              Duration.ofSeconds(10),
              Duration.ofSeconds(30),
              Duration.ofSeconds(15),
              Duration.ofSeconds(10),
              Duration.ofSeconds(random.nextInt(3)),
              Duration.ofSeconds(2)),
          new Recycle(random.nextInt(3) == 0 ? 400 : 0, 20));
    }

    void go(Map<String, Long> outcomes) {
      step(new Event.Tick());
      var end = SECONDS.toNanos(60 + random.nextInt(120));
      while (world.now < end && !ended) {
        turn(true);
        if (world.chance(0.02)) {
          disturb();
        }
        if (pool.ledger().steering == Ledger.Steering.OPERATOR && world.chance(0.01)) {
          steer();
        }
      }
      world.faults = 0;
      world.badGeneration = Integer.MAX_VALUE;
      var quietEnd = world.now + QUIET;
      while (world.now < quietEnd && !ended) {
        turn(false);
      }
      // A worker that does not answer is asked again from time to time: no fault, but no rest.
      while (pool.ledger().refork.isPresent() && world.now < quietEnd + REFORK && !ended) {
        turn(false);
      }
      while (!pool.ledger().settled() && world.now < quietEnd + 2 * REFORK && !ended) {
        turn(false);
      }
      if (!ended) {
        assertThat(pool.ledger().settled())
            .withFailMessage(
                () -> "not at full strength after a quiet time: " + pool.view() + "\n" + tail())
            .isTrue();
        assertThat(pool.ledger().usable(pool.ledger().current))
            .withFailMessage(() -> "no mold after a quiet time: " + pool.view() + "\n" + tail())
            .isTrue();
        invariants.nobodyElse();
        invariants.permitsEnded(permits.keySet());
        stop();
        assertThat(world.alive)
            .withFailMessage(() -> "left behind: " + world.alive.keySet() + tail())
            .isEmpty();
      }
      for (var outcome : pool.tally().reforks().entrySet()) {
        outcomes.merge(
            outcome.getKey(),
            outcome.getValue().values().stream().mapToLong(Long::longValue).sum(),
            Long::sum);
      }
      permitted.forEach((outcome, count) -> outcomes.merge(outcome, count, Long::sum));
      outcomes.merge("stopped", 1L, Long::sum);
      if (trace.indexOf("mold-died, detail=to generation") >= 0) {
        outcomes.merge("recovered", 1L, Long::sum);
      }
    }

    private void stop() {
      world.faults = 0.2; // whoever is forked or asked now may misbehave again
      stopping = true;
      var timeouts = pool.settings().timeouts();
      var bound = timeouts.shutdownDelay().plus(timeouts.drain()).plusSeconds(5).toNanos();
      var begun = world.now;
      step(new Event.StopAsked(random.nextInt(4) == 0));
      while (!ended) {
        assertThat(world.now - begun)
            .withFailMessage(() -> "the stop takes too long\n" + tail())
            .isLessThanOrEqualTo(bound);
        turn(false);
        if (world.chance(0.1)) {
          step(new Event.StopAsked(false));
        }
      }
    }

    /** Leave to refork: new, repeated, late, for a wrong level, taken back. */
    private void steer() {
      if (random.nextInt(3) > 0) {
        lastPermit = "p-" + permits.size();
        var wrong = random.nextInt(5) == 0 ? random.nextInt(3) : 1;
        permits.put(lastPermit, pool.ledger().level + wrong);
      }
      var within = Duration.ofMillis(random.nextInt(20_000));
      if (!lastPermit.isEmpty()) {
        step(new Event.Permitted(lastPermit, permits.get(lastPermit), within));
      }
      if (random.nextInt(6) == 0) {
        step(new Event.PermitWithdrawn());
      }
    }

    private void disturb() {
      var pids = List.copyOf(world.alive.keySet());
      var victim = pids.isEmpty() ? 0 : pids.get(random.nextInt(pids.size()));
      switch (random.nextInt(9)) {
        case 0, 1 -> world.kill(victim, new ExitStatus.Killed(9), 1);
        case 2 -> {
          for (int i = 0; i < 20; i++) {
            step(new Event.ReforkAsked("signal"));
          }
        }
        case 3 -> step(new Event.ReplaceAsked());
        case 4 -> step(new Event.Halted(victim));
        case 5 -> {
          if (victim != 0 && world.alive.get(victim).welcomed) {
            step(new Event.Disconnected(victim, "end of file"));
          }
        }
        case 6 -> {
          if (random.nextBoolean()) {
            var next = settings(1 + random.nextInt(6));
            invariants.allow(next);
            step(new Event.Desired(next));
          }
        }
        case 7 -> step(new Event.Exited(50 + random.nextInt(40), new ExitStatus.Code(4)));
        default -> {
          if (pool.ledger().current != 0) {
            world.kill(pool.ledger().current, new ExitStatus.Killed(9), 1);
          }
        }
      }
    }

    /** The next event of the world, a deadline of the pool, or a look at the scoreboard. */
    private void turn(boolean traffic) {
      var event = world.nextEventAt();
      var deadline = Math.max(world.now, pool.nextDeadline());
      var reading = Math.max(world.now, nextReading);
      if (event <= deadline && event <= reading) {
        var next = world.next();
        if (world.possible(next)) {
          step(next);
        }
      } else if (deadline <= reading) {
        world.now = deadline;
        step(new Event.Tick());
        assertThat(ended || pool.nextDeadline() > world.now)
            .withFailMessage(() -> "a deadline stays due, the loop would spin" + tail())
            .isTrue();
      } else {
        world.now = reading;
        if (pool.nextDeadline() > world.now) {
          var unasked = step(new Event.Tick());
          assertThat(unasked)
              .withFailMessage(
                  () -> "something was due, and no deadline said so: " + unasked + tail())
              .isEmpty();
        }
        nextReading = world.now + SECONDS.toNanos(1);
        step(world.readings(traffic));
      }
      if (pool.sweeping() && !ended) {
        step(new Event.Strays(world.alive.size()));
        world.now += SECONDS.toNanos(1) / 20;
      }
    }

    private List<Action> step(Event event) {
      invariants.before();
      var actions = pool.on(event, world.now);
      trace
          .append(world.now / 1_000_000)
          .append(" ")
          .append(event)
          .append(" -> ")
          .append(actions)
          .append('\n');
      for (var action : actions) {
        if (action instanceof Action.ReforkEnded e && e.permit().isPresent()) {
          permitted.merge("permit " + e.outcome(), 1L, Long::sum);
        }
      }
      for (var action : actions) {
        invariants.check(action, actions);
        world.execute(action);
        ended |= action instanceof Action.Exit;
      }
      invariants.permits(actions, permits);
      invariants.after(!ended && !stopping && pool.ledger().mode != Ledger.Mode.STOPPING);
      return actions;
    }

    private String tail() {
      return "\n" + trace.substring(Math.max(0, trace.length() - (SEED != null ? 40_000 : 3_000)));
    }
  }
}
