package io.refork.process;

import static io.refork.process.AgentProcess.LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.refork.protocol.control.Desired;
import io.refork.protocol.control.DesiredCodec;
import io.refork.protocol.control.Report;
import io.refork.protocol.control.Report.Finished;
import io.refork.protocol.control.Report.Outcome;
import io.refork.protocol.control.Report.WorkerState;
import io.refork.protocol.control.Revision;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The real agent under an operator: what it does by itself, with leave, and after a restart. */
class SteeredTest {
  @TempDir private Path dir;
  private final Operator operator = new Operator();

  /** Asks as an operator does, again and again, until the report is as wanted. */
  private Report awaitReport(AgentProcess agent, String what, Predicate<Report> wanted) {
    return await(what)
        .atMost(LONG)
        .pollInterval(Duration.ofMillis(200))
        .until(() -> operator.tell(agent), wanted);
  }

  @Test
  @DisplayName(
      "OP-11 a steered agent reforks on leave only: once per permit, however often that is sent")
  void permits() throws Exception {
    var builder = App.LOOP.agentReforkingAfter("20,...");
    builder.options("--workers", "2", "--canary-soak", "300ms");
    try (var agent = operator.steers(builder, dir).start()) {
      agent.awaitReady(2);
      var first = operator.tell(agent);
      assertThat(first.pod()).isEqualTo(Operator.POD);
      assertThat(first.observed()).hasValue(new Revision(1, 0));
      assertThat(first.level()).isZero();
      assertThat(first.workers()).containsEntry(WorkerState.READY, 2);
      assertThat(first.generations()).hasSize(1);

      for (int i = 0; i < 60; i++) {
        Load.get(agent.port(), "/pid");
      }
      var eligible = awaitReport(agent, "eligible", r -> r.eligible().isPresent());
      assertThat(eligible.eligible()).hasValue(new Report.Eligible(1, "requests"));
      assertThat(LocalStatus.askRefork(agent.stateDir())).isFalse();
      assertThat(agent.lines("promotion begins")).isEmpty();

      operator.permits("p-1", 1, Optional.of("monday"));
      for (int i = 0; i < 10; i++) {
        operator.tell(agent);
      }
      var done = awaitReport(agent, "reforked", r -> r.last().isPresent());
      assertThat(done.last().flatMap(Finished::permit)).hasValue("p-1");
      assertThat(done.last().map(Finished::outcome).orElseThrow())
          .isIn(Outcome.COMPLETED, Outcome.COMPLETED_UNPROVEN);
      assertThat(done.level()).isEqualTo(1);
      assertThat(done.lastRequest()).hasValue("monday");
      assertThat(done.running()).isEmpty();
      assertThat(done.generations().getFirst().generation()).isEqualTo(1);
      for (int i = 0; i < 10; i++) {
        assertThat(operator.tell(agent).running()).isEmpty();
      }
      assertThat(agent.lines("promotion begins")).hasSize(1);

      // Somebody inside the pod insists: the operator sees one that it does not know.
      agent.signal("USR2");
      var signalled = awaitReport(agent, "a second refork", r -> r.level() == 2);
      assertThat(signalled.last().flatMap(Finished::permit)).isEmpty();
      assertThat(signalled.lastRequest()).hasValue("monday");
      assertThat(agent.stop()).isZero();
    }
  }

  @Test
  @DisplayName(
      "OP-02 settings change live by the operator's word; what cannot be used changes nothing")
  void settings() throws Exception {
    var builder = App.LOOP.agent().options("--workers", "2");
    try (var agent = operator.steers(builder, dir).start()) {
      agent.awaitReady(2);
      operator.tell(agent);
      var report = operator.wants(Map.of("workers", "4", "drain-timeout", "3s")).tell(agent);
      assertThat(report.desired()).isEqualTo(4);
      assertThat(report.observed()).hasValue(new Revision(2, 0));
      agent.awaitReady(4);

      var good = operator.desired;
      operator.wants(Map.of("workers", "many"));
      var refused = operator.put(agent, DesiredCodec.encode(operator.desired));
      assertThat(refused.statusCode()).isEqualTo(422);
      assertThat(new String(refused.body(), StandardCharsets.UTF_8))
          .isEqualTo(
              "setting \"workers\": \"many\" is not allowed; give auto or a whole number from 1 to 512\n");
      operator.wants(Map.of("listen", "127.0.0.1:1"));
      refused = operator.put(agent, DesiredCodec.encode(operator.desired));
      assertThat(refused.statusCode()).isEqualTo(422);

      operator.desired = good;
      report = operator.tell(agent);
      assertThat(report.desired()).isEqualTo(4);
      assertThat(report.observed()).hasValue(new Revision(2, 0));

      // Late, and out of order.
      var late =
          new Desired(
              good.pool(),
              good.pod(),
              good.session(),
              new Revision(1, 99),
              Map.of("workers", "1"),
              Optional.empty(),
              false);
      assertThat(operator.put(agent, DesiredCodec.encode(late)).statusCode()).isEqualTo(200);
      assertThat(operator.tell(agent).desired()).isEqualTo(4);

      var other =
          new Desired(
              good.pool(),
              "another-pod",
              good.session(),
              new Revision(9, 9),
              Map.of(),
              Optional.empty(),
              false);
      assertThat(operator.put(agent, DesiredCodec.encode(other)).statusCode()).isEqualTo(403);
      var garbage = operator.put(agent, "{\"pod\":1}".getBytes(StandardCharsets.UTF_8));
      assertThat(garbage.statusCode()).isEqualTo(400);
      assertThat(operator.tell(agent).observed()).hasValue(new Revision(2, 0));
      assertThat(agent.stop()).isZero();
    }
  }

  @Test
  @DisplayName(
      "OP-11 an agent that is killed in a permitted refork does not repeat it after its restart")
  void restart() throws Exception {
    var state = dir.resolve("state");
    String session;
    try (var agent =
        operator
            .steers(App.LOOP.agent(), dir)
            .stateDir(state)
            .options("--workers", "2")
            .env("APP_PREPARE_SECONDS", "20")
            .start()) {
      agent.awaitReady(2);
      session = operator.tell(agent).session();
      operator.wants(Map.of("workers", "3")).tell(agent);
      agent.awaitReady(3);
      operator.permits("p-1", 1, Optional.of("monday"));
      var running = awaitReport(agent, "running", r -> r.running().isPresent()).running();
      assertThat(running.flatMap(Report.Running::permit)).hasValue("p-1");
      agent.signal("KILL");
      agent.exitCode(LONG);
    }
    try (var agent =
        operator
            .steers(App.LOOP.agent(), dir)
            .stateDir(state)
            .options("--workers", "2", "--canary-soak", "300ms")
            .start()) {
      agent.awaitReady(3);
      var report = operator.tell(agent);
      assertThat(report.session()).isNotEqualTo(session);
      assertThat(report.level()).isZero();
      assertThat(report.observed()).hasValue(new Revision(2, 1));
      assertThat(report.lastRequest()).hasValue("monday");
      assertThat(report.last())
          .hasValue(
              new Finished(
                  Optional.of("p-1"),
                  Outcome.LAPSED,
                  "agent-restarted",
                  "the agent ended before the refork did"));

      // The same permit in the new session, again and again.
      for (int i = 0; i < 5; i++) {
        assertThat(operator.tell(agent).running()).isEmpty();
      }
      assertThat(agent.lines("promotion begins")).isEmpty();

      operator.permits("p-2", 1, Optional.of("tuesday"));
      var done = awaitReport(agent, "p-2 done", r -> r.level() == 1);
      assertThat(done.lastRequest()).hasValue("tuesday");
      assertThat(agent.lines("promotion begins")).hasSize(1);
      assertThat(agent.stop()).isZero();
    }
  }
}
