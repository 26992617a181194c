package io.refork.operator.plan;

import static org.assertj.core.api.Assertions.assertThat;

import io.refork.api.WaveLedger.Outcome;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * {@code -Drefork.waves=N} runs more schedules, {@code -Drefork.seed=S} replays one.
 *
 * <p>Two operators at most, which crash at any point of a pass, work on old caches and overlap;
 * requests and replies that are lost, late or doubled; pods that come, go, restart and are
 * replaced; another template; requests, pauses, autoscaling; a status that is lost.
 */
class WaveSimulationTest {
  private static final long SCHEDULES = Long.getLong("refork.waves", 6_000);
  private static final Long SEED = Long.getLong("refork.seed");
  private static final int STEPS = 250;

  @Test
  @DisplayName(
      "OP-09 OP-10 OP-11 no schedule of faults makes a pod refork twice for one request, lets more"
          + " than maxConcurrent refork, gives the canary company or leaves a wave without an end")
  void schedules() {
    var counts = new HashMap<String, Long>();
    if (SEED != null) {
      new Run(SEED, counts).go();
      return;
    }
    for (long seed = 1; seed <= SCHEDULES; seed++) {
      try {
        new Run(seed, counts).go();
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError(
            "seed " + seed + " fails (replay: -Drefork.seed=" + seed + "): " + e.getMessage(), e);
      }
    }
    // A simulation in which nothing happens proves nothing.
    assertThat(counts)
        .containsKeys(
            "reforks",
            "canaries",
            "conflicts",
            "crashes",
            "lost",
            "Settled",
            "ReforkAborted",
            "ProgressDeadlineExceeded");
    System.out.println("waves: " + SCHEDULES + " schedules, " + new TreeMap<>(counts));
  }

  private static final class Run {
    private final Random random;
    private final WaveWorld world;
    private final List<SimulatedOperator> operators = new ArrayList<>();
    private final int faults;

    Run(long seed, Map<String, Long> counts) {
      random = new Random(seed * 31);
      world = new WaveWorld(random, counts);
      operators.add(new SimulatedOperator(world));
      faults = random.nextInt(4);
    }

    void go() {
      for (int step = 0; step < STEPS; step++) {
        time(1 + random.nextInt(10));
        if (random.nextInt(6) == 0) {
          world.kubernetes();
        }
        if (random.nextInt(25) == 0) {
          world.trouble();
        }
        operatorsComeAndGo();
        var operator = operators.get(random.nextInt(operators.size()));
        if (random.nextInt(3) > 0) {
          operator.observe();
        }
        operator.pass(world.now, faults > 0 && random.nextInt(20) == 0);
        poll(operator);
        deliverLate();
      }
      calm();
    }

    private void time(int seconds) {
      world.now = world.now.plusSeconds(seconds);
      List.copyOf(world.pods.values()).forEach(p -> p.turn(world.now));
    }

    private void operatorsComeAndGo() {
      if (faults == 0) {
        return;
      }
      if (random.nextInt(30) == 0) {
        operators.set(0, new SimulatedOperator(world));
        world.count("crashes");
      }
      if (random.nextInt(40) == 0) {
        if (operators.size() == 1) {
          operators.add(new SimulatedOperator(world));
        } else {
          operators.removeLast();
        }
      }
    }

    private void poll(SimulatedOperator operator) {
      for (var pod : List.copyOf(world.pods.values())) {
        if (random.nextInt(2) == 0 || pod.leaving) {
          continue;
        }
        var message = new WaveWorld.Message(pod.uid, operator.desiredOf(pod));
        int fate = faults == 0 ? 9 : random.nextInt(10 + 20 / faults);
        switch (fate) {
          case 0 -> operator.unreachable(pod.uid, world.now);
          case 1 -> pod.receive(message.desired(), world.now); // the reply is lost
          case 2 -> world.late.add(message);
          case 3 -> {
            world.late.add(message);
            operator.told(pod.uid, pod.receive(message.desired(), world.now), world.now);
          }
          default -> operator.told(pod.uid, pod.receive(message.desired(), world.now), world.now);
        }
      }
    }

    private void deliverLate() {
      while (!world.late.isEmpty() && random.nextInt(3) == 0) {
        var message = world.late.remove(random.nextInt(world.late.size()));
        var pod = world.pods.get(message.uid());
        if (pod != null && !pod.leaving) {
          pod.receive(message.desired(), world.now);
        }
      }
    }

    /** The faults end; then every wave does, and nothing is written any more. */
    private void calm() {
      world.calm();
      world.late.clear();
      var operator = operators.getFirst();
      long quietSince = 0;
      for (long second = 0; second < 20_000; second += 10) {
        time(10);
        world.kubernetes();
        world.pods.values().forEach(p -> p.ready = !p.stuck);
        var version = world.stored.version();
        operator.observe();
        operator.pass(world.now, false);
        for (var pod : List.copyOf(world.pods.values())) {
          if (!pod.leaving) {
            operator.told(pod.uid, pod.receive(operator.desiredOf(pod), world.now), world.now);
          }
        }
        quietSince = world.stored.version() == version ? quietSince + 10 : 0;
        if (quietSince > 4_000) {
          atRest();
          return;
        }
      }
      throw new AssertionError("the ledger does not come to rest: " + world.stored);
    }

    private void atRest() {
      var ledger = world.stored.ledger().orElseThrow();
      assertThat(ledger.grants()).isEmpty();
      assertThat(ledger.canary()).isNull();
      var request = ledger.request();
      if (request == null) {
        return;
      }
      assertThat(request.outcome()).isNotEqualTo(Outcome.Running);
      assertThat(world.rules.requestedAt()).contains(request.token());
      if (request.outcome() == Outcome.Completed) {
        assertThat(world.pods.values())
            .filteredOn(p -> p.revision.equals(world.template))
            .filteredOn(p -> p.createdAt.isBefore(java.time.Instant.parse(request.startedAt())))
            .allSatisfy(p -> assertThat(p.lastRequest).contains(request.token()));
      }
    }
  }
}
