package io.refork.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.refork.protocol.control.Desired;
import io.refork.protocol.control.DesiredCodec;
import io.refork.protocol.control.MalformedException;
import io.refork.protocol.control.Permit;
import io.refork.protocol.control.Report;
import io.refork.protocol.control.ReportCodec;
import io.refork.protocol.control.Revision;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The simulated agents themselves. */
class SimulatedAgentsTest {
  private final SimulatedAgents agents = SimulatedAgents.start();
  private final HttpClient http = HttpClient.newHttpClient();
  private long seq;

  @AfterEach
  void close() {
    http.close();
    agents.close();
  }

  @Test
  void eachPodHasItsOwnAgentAndActsOnAPermitOnce() throws Exception {
    var one = pod("one", "127.9.0.1", 0);
    var two = pod("two", "127.9.0.2", 0);
    agents.started(one);
    agents.started(two);
    var permit = permit("p1", 1, "monday");

    var session = tell(one, Optional.empty(), Optional.empty()).session();
    assertThat(tell(one, Optional.of(session), permit).level()).isEqualTo(1);
    assertThat(tell(one, Optional.of(session), permit).level()).isEqualTo(1);
    assertThat(tell(two, Optional.empty(), Optional.empty()).level()).isZero();

    agents.started(pod("one", "127.9.0.1", 1));
    var restarted = tell(one, Optional.empty(), Optional.empty());
    assertThat(restarted.session()).isNotEqualTo(session);
    assertThat(restarted.level()).isZero();
    assertThat(restarted.lastRequest()).contains("monday");
    assertThat(tell(one, Optional.of(restarted.session()), permit).level()).isZero();
    assertThat(agents.reforks().of("web/shop")).hasSize(1);
  }

  @Test
  void aReforkTakesItsTimeAndIsCountedBesideOthers() throws Exception {
    agents.behave("web", Behaviour::stepped);
    for (var pod : List.of(pod("one", "127.9.0.1", 0), pod("two", "127.9.0.2", 0))) {
      agents.started(pod);
      var session = tell(pod, Optional.empty(), Optional.empty()).session();
      assertThat(tell(pod, Optional.of(session), permit("p" + pod.uid(), 1, "x")).running())
          .isPresent();
    }
    assertThat(agents.reforks().maxConcurrent("web/shop")).isEqualTo(2);
    agents.of("one").behave(b -> b.aborts("canary-died"));
    agents.of("one").finish();
    assertThat(tell(pod("one", "127.9.0.1", 0), Optional.empty(), Optional.empty()).last())
        .hasValueSatisfying(
            last -> {
              assertThat(last.outcome()).isEqualTo(Report.Outcome.ABORTED);
              assertThat(last.reason()).isEqualTo("canary-died");
            });
  }

  @Test
  void faults() throws Exception {
    var pod = pod("one", "127.9.0.1", 0);
    agents.started(pod);
    var agent = agents.of("one");
    var session = tell(pod, Optional.empty(), Optional.empty()).session();

    agent.behave(b -> b.fault(new Fault.ReplyLost()));
    assertThatThrownBy(() -> tell(pod, Optional.of(session), permit("p", 1, "x")))
        .isInstanceOf(IOException.class);
    assertThat(agent.level()).isEqualTo(1);
    agent.behave(b -> b.fault(new Fault.Refused()));
    assertThatThrownBy(() -> tell(pod, Optional.of(session), permit("q", 2, "y")))
        .isInstanceOf(IOException.class);
    assertThat(agent.level()).isEqualTo(1);
    for (var lie :
        List.of(
            Fault.garbage(),
            Fault.deepJson(),
            Fault.oneMegabyte(),
            Fault.billionWorkers(),
            Fault.negative(),
            Fault.notANumber())) {
      agent.behave(b -> b.fault(lie));
      assertThatThrownBy(() -> tell(pod, Optional.of(session), Optional.empty()))
          .isInstanceOf(MalformedException.class);
    }
    agent.behave(b -> b.fault(Fault.otherPod()));
    assertThat(tell(pod, Optional.of(session), Optional.empty()).pod()).isNotEqualTo(pod.uid());
    agent.behave(b -> b.fault(Fault.script()));
    assertThat(tell(pod, Optional.of(session), Optional.empty()).version()).contains("<script>");
  }

  private static PlayedPod pod(String uid, String ip, int restarts) {
    return new PlayedPod("web", "shop-" + uid, uid, ip, restarts, Map.of(), Map.of(), Map.of());
  }

  private static Optional<Permit> permit(String id, int level, String request) {
    return Optional.of(
        new Permit(id, level, Optional.of(request), Instant.now().plus(Duration.ofMinutes(1))));
  }

  private Report tell(PlayedPod pod, Optional<String> session, Optional<Permit> permit)
      throws IOException, InterruptedException, MalformedException {
    var desired =
        new Desired(
            "web/shop", pod.uid(), session, new Revision(1, ++seq), Map.of(), permit, false);
    var request =
        HttpRequest.newBuilder(
                URI.create("http://" + pod.ip() + ":" + agents.port() + "/v1/desired"))
            .timeout(Duration.ofSeconds(10))
            .PUT(BodyPublishers.ofByteArray(DesiredCodec.encode(desired)))
            .build();
    return ReportCodec.decode(http.send(request, BodyHandlers.ofByteArray()).body());
  }
}
