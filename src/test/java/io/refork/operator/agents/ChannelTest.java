package io.refork.operator.agents;

import static io.refork.process.AgentProcess.LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.refork.operator.agents.AgentReport.Invalid;
import io.refork.operator.agents.AgentReport.Reported;
import io.refork.process.AgentProcess;
import io.refork.process.App;
import io.refork.protocol.control.Desired;
import io.refork.protocol.control.Permit;
import io.refork.protocol.control.Report;
import io.refork.protocol.control.Report.Outcome;
import io.refork.protocol.control.Report.WorkerState;
import io.refork.protocol.control.Revision;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Predicate;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The operator's own channel, key and poller, to the real agent. */
class ChannelTest {
  private static final String POD = "7d0e7a34-63a2-4f0f-8c55-0d3f4f5b9c11";

  @TempDir private Path dir;
  private final Queue<ResourceID> news = new ConcurrentLinkedQueue<>();
  private final SimpleMeterRegistry registry = new SimpleMeterRegistry();

  private Agents operator(Keys keys, AgentProcess agent) {
    var settings =
        new PollSettings(
            Duration.ofSeconds(1), Duration.ofSeconds(5), 64, agent.controlPort(), true);
    var signer = keys.signer(InstantSource.system(), new SecureRandom());
    var agents = Agents.overHttp(settings, signer, registry, news::add);
    agents.start();
    return agents;
  }

  private static void steer(
      Agents agents, Revision revision, String workers, Optional<String> session, Permit... leave) {
    var desired =
        new Desired(
            "web/shop",
            POD,
            session,
            revision,
            Map.of("workers", workers),
            List.of(leave).stream().findFirst(),
            false);
    agents.steer(
        Sample.POOL, List.of(new Target(Sample.POOL, POD, "shop-1", "127.0.0.1", true, desired)));
  }

  private static Report awaitReport(Agents agents, String what, Predicate<Report> wanted) {
    return await(what)
        .atMost(LONG)
        .until(
            () ->
                agents
                    .report(POD, true)
                    .filter(Reported.class::isInstance)
                    .map(r -> ((Reported) r).report())
                    .filter(wanted),
            Optional::isPresent)
        .orElseThrow();
  }

  private static int ready(Report report) {
    return report.workers().getOrDefault(WorkerState.READY, 0);
  }

  private double requests() {
    return registry.get("refork.agent.requests").tag("outcome", "ok").counter().count();
  }

  @Test
  @DisplayName(
      "OP-07 key, poller and the real agent: settings change live, a permit leads to one refork,"
          + " the report says so, then there is no news; another installation's key does nothing")
  void channel() throws Exception {
    var keys = Keys.read(Keys.fresh(), "test");
    var file = Files.writeString(dir.resolve("keys.json"), keys.publicKeys());
    var builder =
        App.LOOP
            .agent()
            .options("--workers", "2", "--canary-soak", "300ms")
            .options("--control-keys", file.toString(), "--pod-uid", POD);
    try (var agent = builder.start();
        var operator = operator(keys, agent)) {
      agent.awaitReady(2);
      steer(operator, new Revision(1, 0), "2", Optional.empty());
      var first = awaitReport(operator, "two workers", r -> ready(r) == 2);
      assertThat(first.level()).isZero();
      var session = Optional.of(first.session());

      steer(operator, new Revision(2, 0), "3", session);
      awaitReport(operator, "three workers", r -> r.desired() == 3 && ready(r) == 3);

      var permit = new Permit("p-1", 1, Optional.of("monday"), Instant.now().plusSeconds(60));
      steer(operator, new Revision(2, 1), "3", session, permit);
      var done = awaitReport(operator, "reforked", r -> r.level() == 1 && r.running().isEmpty());
      assertThat(done.last().orElseThrow().permit()).contains("p-1");
      assertThat(done.last().orElseThrow().outcome())
          .isIn(Outcome.COMPLETED, Outcome.COMPLETED_UNPROVEN);
      assertThat(done.lastRequest()).contains("monday");
      assertThat(done.generations()).extracting(Report.Generation::generation).contains(1);
      assertThat(news).isNotEmpty().containsOnly(Sample.POOL);

      steer(operator, new Revision(2, 2), "3", session);
      await("five requests without news")
          .atMost(LONG)
          .until(
              () -> {
                news.clear();
                double before = requests();
                await().atMost(LONG).until(() -> requests() >= before + 5);
                return news.isEmpty();
              });
      assertThat(agent.lines("promotion begins")).hasSize(1);

      try (var stranger = operator(Keys.read(Keys.fresh(), "other"), agent)) {
        steer(stranger, new Revision(9, 9), "1", session);
        var refused =
            await().atMost(LONG).until(() -> stranger.report(POD, true), Optional::isPresent).get();
        assertThat(refused).isInstanceOf(Invalid.class);
        assertThat(((Invalid) refused).why()).contains("HTTP 401");
      }
      assertThat(awaitReport(operator, "after", r -> true).desired()).isEqualTo(3);
      assertThat(agent.stop()).isZero();
    }
  }
}
