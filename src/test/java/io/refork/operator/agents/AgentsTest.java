package io.refork.operator.agents;

import static java.time.Duration.ofMillis;
import static java.time.Duration.ofMinutes;
import static java.time.Duration.ofSeconds;
import static org.assertj.core.api.Assertions.assertThat;

import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.refork.operator.agents.AgentReport.Invalid;
import io.refork.operator.agents.AgentReport.Reported;
import io.refork.operator.agents.AgentReport.Unreachable;
import io.refork.operator.agents.PlayedLoop.Sent;
import io.refork.protocol.control.Desired;
import io.refork.protocol.control.DesiredCodec;
import io.refork.protocol.control.Revision;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** The poller against played agents on a played clock. */
class AgentsTest {
  private static final Duration INTERVAL = ofSeconds(10);

  private final PlayedLoop played = new PlayedLoop();
  private final List<ResourceID> news = new ArrayList<>();
  private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
  private final Agents agents =
      new Agents(
          new PollSettings(INTERVAL, ofSeconds(2), 64, 7300, false),
          (uid, method, path, body) -> "token",
          played,
          played,
          () -> {},
          registry,
          news::add);

  private static ResourceID pool(int number) {
    return new ResourceID("pool-" + number, "web");
  }

  private static String ip(int number) {
    return "10." + (number >> 16) + "." + (number >> 8 & 255) + "." + (number & 255);
  }

  /** Pods {@code first} to {@code last}, the last one excluded. */
  private static List<Target> targets(ResourceID pool, int first, int last) {
    return IntStream.range(first, last)
        .mapToObj(i -> Sample.target(pool, "u" + i, ip(i), Sample.desired("u" + i)))
        .toList();
  }

  private void steer(Target... targets) {
    agents.steer(Sample.POOL, List.of(targets));
  }

  @Test
  @DisplayName("OP-06 in steady state agents are asked, and nobody is told: 100 pools, 10 minutes")
  void silence() {
    agents.start();
    for (int pool = 0; pool < 100; pool++) {
      agents.steer(pool(pool), targets(pool(pool), pool * 2, pool * 2 + 2));
    }
    played.pass(INTERVAL);
    assertThat(news).doesNotHaveDuplicates().hasSize(100);
    news.clear();
    played.sent.clear();
    played.pass(ofMinutes(10));
    assertThat(news).isEmpty();
    assertThat(played.sent).hasSizeBetween(200 * 59, 200 * 61);
    var perSecond = played.sent.stream().collect(Collectors.groupingBy(s -> s.at().toSeconds()));
    assertThat(perSecond.values()).allMatch(second -> second.size() < 60, "spread, not in bursts");
  }

  @Test
  @DisplayName("OP-05 what an agent says is there to be read, and its pool hears of it soon")
  void report() {
    agents.start();
    steer(Sample.target("u1", ip(1)));
    played.pass(ofMillis(10));
    assertThat(agents.report("u1", true))
        .contains(new Reported(Sample.report("u1"), played.now().minus(ofMillis(5))));
    played.pass(News.GATHER);
    assertThat(news).containsExactly(Sample.POOL);
  }

  @Test
  @DisplayName("OP-06 what many agents of a pool say at once is told once")
  void gathered() {
    agents.start();
    agents.steer(Sample.POOL, targets(Sample.POOL, 0, 60));
    played.pass(ofSeconds(1));
    assertThat(news).containsExactly(Sample.POOL);
  }

  @Test
  @DisplayName("OP-16 a poller that has nobody to ask still shows that it lives")
  void signOfLife() {
    var turns = new int[1];
    agents.whenTurning(() -> turns[0]++);
    agents.start();
    played.pass(ofMinutes(1));
    assertThat(turns[0]).isBetween(6, 10);
    agents.stop();
    turns[0] = 0;
    played.pass(ofMinutes(1));
    assertThat(turns[0]).isZero();
  }

  @Test
  @DisplayName("OP-07 a permit is sent at once")
  void permit() {
    agents.start();
    steer(Sample.target("u1", ip(1)));
    played.pass(ofSeconds(20));
    int before = played.sent.size();
    var permitted = Sample.permitted("u1", 1);
    steer(Sample.target(Sample.POOL, "u1", ip(1), permitted));
    assertThat(played.sent).hasSize(before + 1);
    assertThat(played.sent.getLast().body()).isEqualTo(DesiredCodec.encode(permitted));
  }

  @Test
  @DisplayName("OP-07 a grant is sent to its pod at once, to the others of the pool in their turn")
  void othersGrant() {
    agents.start();
    steer(Sample.target("u1", ip(1)), Sample.target("u2", ip(2)));
    played.pass(ofSeconds(20));
    played.sent.clear();
    var plain = Sample.desired("u2");
    var counted =
        new Desired(
            plain.pool(),
            "u2",
            plain.session(),
            new Revision(1, 1),
            plain.settings(),
            plain.permit(),
            false);
    steer(
        Sample.target(Sample.POOL, "u1", ip(1), Sample.permitted("u1", 1)),
        Sample.target(Sample.POOL, "u2", ip(2), counted));
    assertThat(played.sent).extracting(Sent::pod).containsExactly("u1");
    played.pass(INTERVAL.multipliedBy(2));
    assertThat(played.sentTo("u2").getFirst().body()).isEqualTo(DesiredCodec.encode(counted));
  }

  @Test
  @DisplayName("OP-06 steering the same again sends nothing")
  void same() {
    agents.start();
    steer(Sample.target("u1", ip(1)));
    played.pass(ofMillis(100));
    int before = played.sent.size();
    IntStream.range(0, 50).forEach(i -> steer(Sample.target("u1", ip(1))));
    assertThat(played.sent).hasSize(before);
  }

  @Test
  @DisplayName("OP-07 an agent that may refork is asked more often until its permit is over")
  void busy() {
    agents.start();
    steer(Sample.target(Sample.POOL, "u1", ip(1), Sample.permitted("u1", 1)));
    played.pass(ofMinutes(1));
    assertThat(played.sent).hasSizeBetween(23, 25);
    steer(Sample.target("u1", ip(1)));
    played.pass(INTERVAL);
    played.sent.clear();
    played.pass(ofMinutes(1));
    assertThat(played.sent).hasSize(6);
  }

  @Test
  @DisplayName("OP-16 a fleet beyond 5,000 pods is asked less often: the cost has a bound")
  void largeFleet() {
    agents.start();
    agents.steer(Sample.POOL, targets(Sample.POOL, 0, 6000));
    played.pass(ofSeconds(40));
    played.sent.clear();
    played.pass(ofSeconds(20));
    assertThat(played.sent).extracting(Sent::pod).hasSize(6000).doesNotHaveDuplicates();
  }

  @Test
  @DisplayName("OP-07 one request per agent at a time; news is sent when the answer is there")
  void oneAtATime() {
    played.hangs("u1");
    agents.start();
    steer(Sample.target("u1", ip(1)));
    played.pass(ofMillis(100));
    for (int level = 1; level <= 5; level++) {
      steer(Sample.target(Sample.POOL, "u1", ip(1), Sample.permitted("u1", level)));
    }
    assertThat(played.sent).hasSize(1);
    played.pass(ofSeconds(2));
    assertThat(played.sent).hasSize(2);
    assertThat(played.sent.getLast().body())
        .isEqualTo(DesiredCodec.encode(Sample.permitted("u1", 5)));
  }

  @Test
  @DisplayName("OP-12 an agent is Unreachable after three tries, and its report is kept until then")
  void unreachable() {
    agents.start();
    steer(Sample.target("u1", ip(1)));
    played.pass(INTERVAL);
    news.clear();
    played.hangs("u1");
    int before = played.sent.size();
    while (played.sent.size() < before + Agents.TRIES) {
      assertThat(agents.report("u1", true)).get().isInstanceOf(Reported.class);
      played.pass(ofMillis(100));
    }
    played.pass(ofSeconds(3));
    assertThat(agents.report("u1", true)).get().isInstanceOf(Unreachable.class);
    assertThat(news).containsExactly(Sample.POOL);
    played.pass(ofMinutes(10));
    assertThat(news).as("told once").hasSize(1);

    played.reports("u1", Sample.report("u1"));
    played.pass(ofMinutes(2));
    assertThat(agents.report("u1", true)).get().isInstanceOf(Reported.class);
    assertThat(news).as("and that it is back").hasSize(2);
  }

  @Test
  @DisplayName("OP-12 that nobody answered before a pod was Ready is forgotten when it is")
  void early() {
    agents.start();
    played.hangs("u1");
    var starting = new Target(Sample.POOL, "u1", "shop-u1", ip(1), false, Sample.desired("u1"));
    steer(starting);
    played.pass(ofMinutes(1));
    assertThat(agents.report("u1", false)).get().isInstanceOf(Unreachable.class);
    assertThat(agents.report("u1", true)).isEmpty();
    news.clear();

    steer(Sample.target("u1", ip(1)));
    played.pass(ofMillis(1));
    assertThat(agents.report("u1", true)).as("before it has been asked again").isEmpty();
    played.pass(ofMinutes(1));
    assertThat(agents.report("u1", true)).get().isInstanceOf(Unreachable.class);
    assertThat(news).as("a Ready pod that is silent is news").containsExactly(Sample.POOL);
  }

  @Test
  @DisplayName("OP-12 a silent agent is asked less and less often, but at once when there is news")
  void breaker() {
    played.hangs("u1");
    agents.start();
    steer(Sample.target("u1", ip(1)));
    played.pass(ofMinutes(10));
    assertThat(played.sent).hasSizeBetween(10, 18);
    int before = played.sent.size();
    steer(Sample.target(Sample.POOL, "u1", ip(1), Sample.permitted("u1", 1)));
    assertThat(played.sent).hasSize(before + 1);
  }

  @Test
  @DisplayName("OP-05 a pod that has just become ready is asked at once")
  void ready() {
    played.hangs("u1");
    agents.start();
    var waiting = new Target(Sample.POOL, "u1", "shop-1", ip(1), false, Sample.desired("u1"));
    steer(waiting);
    played.pass(ofMinutes(10));
    int before = played.sent.size();
    steer(new Target(Sample.POOL, "u1", "shop-1", ip(1), true, Sample.desired("u1")));
    assertThat(played.sent).hasSize(before + 1);
  }

  @Test
  @DisplayName("OP-12 a node that is gone does not delay the other agents")
  void goneNode() {
    var pods = targets(Sample.POOL, 0, 600);
    IntStream.range(0, 300).forEach(i -> played.hangs("u" + i));
    agents.start();
    agents.steer(Sample.POOL, pods);
    played.pass(ofMinutes(1));
    played.sent.clear();
    played.pass(ofMinutes(2));
    for (int i = 300; i < 600; i++) {
      var times = played.sentTo("u" + i).stream().map(Sent::at).toList();
      assertThat(times).hasSizeBetween(11, 13);
    }
    assertThat(played.mostInFlight()).isLessThanOrEqualTo(64);
  }

  @Test
  @DisplayName("OP-12 an address that no pod has is not asked; the pod's agent is Invalid")
  void badAddress() {
    agents.start();
    steer(Sample.target("u1", "169.254.169.254"));
    played.pass(ofMinutes(1));
    assertThat(played.sent).isEmpty();
    assertThat(agents.report("u1", true)).get().isInstanceOf(Invalid.class);
  }

  @Test
  @DisplayName("OP-12 an answer from an address that the pod no longer has is not believed")
  void movedAddress() {
    played.agent(
        "u1",
        s ->
            s.ip().equals(ip(1))
                ? new PlayedLoop.Answer(PlayedLoop.good("u1").reply(), ofSeconds(1))
                : new PlayedLoop.Answer(
                    new Transport.Reply.None(Transport.Cause.REFUSED), ofMillis(1)));
    agents.start();
    steer(Sample.target("u1", ip(1)));
    played.pass(ofMillis(500));
    steer(Sample.target("u1", ip(2)));
    played.pass(ofSeconds(1));
    assertThat(agents.report("u1", true)).isEmpty();
    assertThat(played.sent.getLast().ip()).isEqualTo(ip(2));
  }

  @Test
  @DisplayName("OP-11 a pod that is gone is not asked, and its late answer is dropped")
  void gone() {
    agents.start();
    steer(Sample.target("u1", ip(1)), Sample.target("u2", ip(2)));
    played.pass(ofSeconds(30));
    played.agent("u1", s -> new PlayedLoop.Answer(PlayedLoop.good("u1").reply(), ofSeconds(1)));
    steer(
        Sample.target(Sample.POOL, "u1", ip(1), Sample.permitted("u1", 1)),
        Sample.target("u2", ip(2)));
    steer(Sample.target("u2", ip(2)));
    assertThat(agents.report("u1", true)).isEmpty();
    int before = played.sentTo("u1").size();
    played.pass(ofMinutes(1));
    assertThat(agents.report("u1", true)).isEmpty();
    assertThat(played.sentTo("u1")).hasSize(before);
    assertThat(agents.report("u2", true)).isPresent();
  }

  @Test
  @DisplayName("OP-16 nothing is left of 10,000 pods that came and went, and no series of theirs")
  void noLeak() {
    agents.start();
    int series = series();
    for (int pool = 0; pool < 100; pool++) {
      agents.steer(pool(pool), targets(pool(pool), pool * 100, pool * 100 + 100));
    }
    played.pass(ofSeconds(10));
    assertThat(news).hasSizeGreaterThanOrEqualTo(100);
    for (int pool = 0; pool < 100; pool++) {
      agents.forget(pool(pool));
    }
    assertThat(agents.held()).isZero();
    played.sent.clear();
    played.pass(ofMinutes(1));
    assertThat(played.sent).isEmpty();
    assertThat(agents.held()).isZero();
    assertThat(series()).isEqualTo(series);
  }

  private int series() {
    return registry.getMeters().stream().map(Meter::getId).toList().size();
  }

  @Test
  @DisplayName("OP-10 who does not lead asks nobody; who leads again begins anew")
  void leading() {
    steer(Sample.target("u1", ip(1)));
    played.pass(ofMinutes(1));
    assertThat(played.sent).isEmpty();
    agents.start();
    assertThat(played.sent).hasSize(1);
    agents.stop();
    played.pass(ofMinutes(1));
    assertThat(played.sent).hasSize(1);
    assertThat(agents.report("u1", true)).as("late").isEmpty();
    assertThat(agents.held()).isZero();
    assertThat(news).isEmpty();
    agents.start();
    steer(Sample.target("u1", ip(1)));
    played.pass(ofMillis(10));
    assertThat(agents.report("u1", true)).isPresent();
  }

  @Test
  @DisplayName("OP-12 a pool that cannot be told stops nobody")
  void brokenListener() {
    var told = new ArrayList<ResourceID>();
    var broken =
        new Agents(
            new PollSettings(INTERVAL, ofSeconds(2), 64, 7300, false),
            (uid, method, path, body) -> "token",
            played,
            played,
            () -> {},
            registry,
            pool -> {
              told.add(pool);
              throw new IllegalStateException("not today");
            });
    broken.start();
    broken.steer(pool(1), targets(pool(1), 1, 2));
    broken.steer(pool(2), targets(pool(2), 2, 3));
    played.pass(ofMinutes(1));
    assertThat(told).containsExactlyInAnyOrder(pool(1), pool(2));
    assertThat(played.sentTo("u1")).hasSizeBetween(6, 8);
  }

  @Test
  @DisplayName("OP-12 a desired state that fits no request is the pool's trouble alone")
  void unsendable() {
    var settings = new HashMap<String, String>();
    IntStream.range(0, 60).forEach(i -> settings.put("option-" + i, "x".repeat(1000)));
    var plain = Sample.desired("u1");
    var huge =
        new Desired(
            plain.pool(),
            "u1",
            Optional.empty(),
            plain.revision(),
            Map.copyOf(settings),
            Optional.empty(),
            false);
    agents.start();
    steer(Sample.target(Sample.POOL, "u1", ip(1), huge), Sample.target("u2", ip(2)));
    played.pass(ofMinutes(1));
    assertThat(agents.report("u1", true)).get().isInstanceOf(Invalid.class);
    assertThat(agents.report("u2", true)).get().isInstanceOf(Reported.class);
  }
}
