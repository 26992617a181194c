package io.refork.operator.agents;

import static java.time.Duration.ofMillis;
import static java.time.Duration.ofMinutes;
import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** The poller under seeded random schedules; PlayedLoop fails when one agent is asked twice. */
class AnyScheduleTest {
  private static final Duration INTERVAL = ofSeconds(10);

  private static List<Target> everyone() {
    return IntStream.range(0, 12).mapToObj(i -> Sample.target("u" + i, "10.0.0." + i)).toList();
  }

  @Test
  @DisplayName(
      "OP-11 whatever pods come, go, answer, hang and get news: never two requests to one, never"
          + " more than allowed, and who answers is asked once per interval")
  void anySchedule() {
    for (int seed = 0; seed < 25; seed++) {
      anySchedule(seed);
    }
  }

  private void anySchedule(int seed) {
    var random = new Random(seed);
    var world = new PlayedLoop();
    int places = 1 + random.nextInt(8);
    var poller =
        new Agents(
            new PollSettings(INTERVAL, ofSeconds(2), places, 7300, false),
            (uid, method, path, body) -> "token",
            world,
            world,
            () -> {},
            new SimpleMeterRegistry(),
            pool -> {});
    poller.start();
    var level = 0;
    for (int step = 0; step < 60; step++) {
      var some = new ArrayList<Target>();
      for (int i = 0; i < 12; i++) {
        var uid = "u" + i;
        switch (random.nextInt(8)) {
          case 0 -> world.hangs(uid);
          case 1, 2 -> world.reports(uid, Sample.report(uid));
          default -> {}
        }
        if (random.nextInt(10) < 7) {
          var desired =
              random.nextInt(4) == 0 ? Sample.permitted(uid, ++level) : Sample.desired(uid);
          some.add(Sample.target(Sample.POOL, uid, "10.0." + random.nextInt(2) + "." + i, desired));
        }
      }
      poller.steer(Sample.POOL, some);
      world.pass(ofMillis(random.nextInt(5000)));
    }
    poller.steer(Sample.POOL, everyone());
    IntStream.range(0, 12).forEach(i -> world.reports("u" + i, Sample.report("u" + i)));
    world.pass(ofMinutes(2));
    world.sent.clear();
    world.pass(INTERVAL.multipliedBy(10));
    assertThat(world.mostInFlight()).as("seed " + seed).isLessThanOrEqualTo(places);
    for (int i = 0; i < 12; i++) {
      assertThat(world.sentTo("u" + i)).as("seed " + seed).hasSizeBetween(10, 11);
    }
    poller.forget(Sample.POOL);
    assertThat(poller.held()).as("seed " + seed).isZero();
  }
}
