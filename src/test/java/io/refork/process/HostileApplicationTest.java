package io.refork.process;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.jr.ob.JSON;
import io.refork.protocol.control.ReportCodec;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;

/** TOK-20 and TOK-15: what an application can do to the agent in its own container. */
class HostileApplicationTest {
  private static final String DENIED = "Operation not permitted|Permission denied";

  @Test
  @DisplayName(
      "TOK-20 the application binds the port, ptraces, reads memory and writes to the sockets: each fails")
  @EnabledIf(value = "io.refork.process.Users#root", disabledReason = "needs root, for another uid")
  void sameUser() throws Exception {
    var builder =
        AgentProcess.of(Users.python(), Apps.path("hostile_app.py"))
            .inside(Users.as())
            .stateDir(Users.directory())
            .options("--workers", "1", "--refork-after", "off");
    try (var pod = SteeredAgent.start(builder)) {
      var agent = pod.agent();
      agent.awaitReady(1);
      var answers = attack(agent, agent.pid());
      assertThat(answers.text("bind")).isEqualTo("Address already in use");
      assertThat(answers.text("bind, port shared")).isEqualTo("Address already in use");
      for (var attempt :
          new String[] {
            "ptrace attach", "ptrace seize", "read memory", "read environment", "list descriptors"
          }) {
        assertThat(answers.text(attempt)).as(attempt).matches(DENIED);
      }
      assertThat(answers.text("mold socket")).contains("\"type\":\"error\"");
      // Whom an operator steers takes no orders from within.
      assertThat(answers.text("local socket")).doesNotContain("\"accepted\":true");
      assertThat(pod.put(pod.token()).code()).isEqualTo(200);
      agent.awaitReady(1);
      assertThat(agent.metric("refork_connections_turned_away_total")).isPositive();
    }
  }

  @Test
  @DisplayName("TOK-20 in a container KILL from within does not reach the agent")
  @EnabledIf(value = "io.refork.process.Users#root", disabledReason = "needs root, for a namespace")
  void killsInit() throws Exception {
    var builder =
        AgentProcess.of(Apps.PYTHON, Apps.path("hostile_app.py"))
            .asInit(true)
            .options("--workers", "1", "--refork-after", "off");
    try (var pod = SteeredAgent.start(builder)) {
      pod.agent().awaitReady(1);
      assertThat(attack(pod.agent(), 1).text("kill")).isEqualTo("sent");
      assertThat(pod.probe()).isPositive();
      assertThat(pod.put(pod.token()).code()).isEqualTo(200);
      assertThat(pod.agent().isAlive()).isTrue();
    }
  }

  private static Json attack(AgentProcess agent, int pid) throws IOException {
    return new Json(
        JSON.std.mapFrom(
            Load.get(agent.port(), "/attack?agent=" + pid + "&control=" + agent.controlPort())));
  }

  @Test
  @DisplayName(
      "TOK-20 whoever has bound the control port before the agent is named, and it does not start")
  void portTaken() throws Exception {
    try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        var agent =
            AgentProcess.loopApp()
                .options("--control", "127.0.0.1:" + taken.getLocalPort())
                .start()) {
      assertThat(agent.exitCode(Duration.ofSeconds(30))).isEqualTo(2);
      assertThat(agent.log())
          .contains("cannot listen on 127.0.0.1:" + taken.getLocalPort())
          .contains("held by pid " + ProcessHandle.current().pid());
    }
  }

  @Test
  @DisplayName("TOK-15 a reason of the application is escaped in log, status, report and terminal")
  void reasons() throws Exception {
    var builder =
        AgentProcess.loopApp()
            .options("--workers", "2", "--refork-after", "off", "--max-unavailable", "1");
    try (var pod = SteeredAgent.start(builder)) {
      var agent = pod.agent();
      agent.awaitReady(2);
      // Otherwise the other one becomes the mold.
      while (!agent.status().list("workers").stream().allMatch(w -> w.integer("served") > 0)) {
        Load.get(agent.port(), "/unsafe/\u001b[31m${jndi:x}<script>");
      }
      agent.signal("USR2");
      agent.awaitStatus(
          "refused",
          s -> !s.isNull("refork") && s.object("refork").text("outcome").equals("refused"));
      for (var shown : List.of(status(agent, "text"), status(agent, "json"))) {
        assertThat(shown).contains("refused").doesNotContain("\u001b");
      }
      var answer = pod.put(pod.token());
      assertThat(answer.body()).doesNotContain("\u001b");
      var report = ReportCodec.decode(answer.body().getBytes(StandardCharsets.ISO_8859_1));
      assertThat(report.last().orElseThrow().detail())
          .contains("jndi")
          .doesNotContain("\u001b")
          .hasSizeLessThanOrEqualTo(200);
      assertThat(agent.log()).contains("\\u001b[31m").doesNotContain("\u001b");
      assertThat(Load.get(agent.controlPort(), "/metrics")).doesNotContain("jndi");
    }
  }

  private static String status(AgentProcess agent, String format) throws IOException {
    var refork = AgentProcess.HOME.resolve("bin/refork").toString();
    var state = agent.stateDir().toString();
    var shown = new ProcessBuilder(refork, "status", "--state-dir", state, "-o", format).start();
    return new String(shown.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
  }
}
