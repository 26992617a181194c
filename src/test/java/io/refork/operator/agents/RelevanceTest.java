package io.refork.operator.agents;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import io.refork.operator.agents.AgentReport.Invalid;
import io.refork.operator.agents.AgentReport.Reported;
import io.refork.operator.agents.AgentReport.Unreachable;
import io.refork.protocol.control.Report;
import io.refork.protocol.control.Report.Measure;
import io.refork.protocol.control.Revision;
import java.lang.reflect.RecordComponent;
import java.time.Instant;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class RelevanceTest {
  private static final Instant AT = Instant.EPOCH;
  private static final Report OLD = Sample.report("u1");

  /** The report with one component replaced, by name. */
  private static Report with(String name, Object value) {
    return (Report) with((Record) OLD, name, value);
  }

  private static Report.Memory memory(String name, Measure value) {
    return (Report.Memory) with((Record) OLD.memory(), name, value);
  }

  private static Record with(Record old, String name, Object value) {
    try {
      var components = old.getClass().getRecordComponents();
      var values = new Object[components.length];
      var types = Arrays.stream(components).map(RecordComponent::getType).toArray(Class[]::new);
      boolean found = false;
      for (int i = 0; i < components.length; i++) {
        found |= components[i].getName().equals(name);
        values[i] =
            components[i].getName().equals(name) ? value : components[i].getAccessor().invoke(old);
      }
      assertThat(found).as(name).isTrue();
      var constructor = old.getClass().getDeclaredConstructor(types);
      return (Record) constructor.newInstance(values);
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }

  private static Report failing(String at, String what, String reason) {
    return with("failures", List.of(new Report.Failure(at, what, reason)));
  }

  private static Report generations(Report.Generation... generations) {
    return with("generations", List.of(generations));
  }

  @TestFactory
  @DisplayName("OP-06 what could change a decision or the status is news")
  Stream<DynamicTest> news() {
    var all = new LinkedHashMap<String, Report>();
    all.put("the agent's session", with("session", "session2"));
    all.put("its version", with("version", "0.2.0"));
    all.put("the revision in force", with("observed", Optional.of(new Revision(2, 0))));
    all.put("the phase", with("phase", Report.Phase.STOPPING));
    all.put("ready", with("ready", false));
    all.put("the level", with("level", 1));
    all.put("the mold", with("mold", Optional.empty()));
    all.put("workers wanted", with("desired", 9));
    all.put("a worker less", with("workers", Map.of(Report.WorkerState.READY, 7)));
    all.put(
        "a worker that starts",
        with("workers", Map.of(Report.WorkerState.READY, 8, Report.WorkerState.STARTING, 1)));
    all.put(
        "a generation",
        generations(
            new Report.Generation(1, 1, 1, Sample.bytes(4), Sample.bytes(40)),
            new Report.Generation(0, 7, 7, Sample.bytes(36), Sample.bytes(360))));
    all.put(
        "ready workers of a generation",
        generations(new Report.Generation(0, 8, 7, Sample.bytes(40), Sample.bytes(400))));
    all.put("eligible", with("eligible", Optional.of(new Report.Eligible(1, "requests"))));
    all.put(
        "a refork that runs",
        with("running", Optional.of(new Report.Running(Optional.of("p"), "canary", 0, 8))));
    all.put(
        "a refork that ended",
        with(
            "last",
            Optional.of(
                new Report.Finished(
                    Optional.of("p"), Report.Outcome.ABORTED, "canary-died", "signal 11"))));
    all.put("the last request", with("lastRequest", Optional.of("now")));
    all.put("a pause", with("backoffSeconds", 2.5));
    all.put("a failure", failing("2026-01-01T00:00:00Z", "worker 3", "crashed"));
    all.put("a twentieth more memory", with("memory", memory("proportional", Sample.bytes(106))));
    all.put("a twentieth less saved", with("memory", memory("saved", Sample.bytes(284))));
    all.put("memory unknown", with("memory", memory("resident", new Measure.Unknown("no"))));
    all.put("the limit", with("memory", memory("limit", Sample.bytes(1025))));
    all.put("the shared ratio", with("memory", memory("sharedRatio", new Measure.Known(0.87))));
    return table(all, true);
  }

  @TestFactory
  @DisplayName("OP-06 what differs at each request is none")
  Stream<DynamicTest> noNews() {
    var all = new LinkedHashMap<String, Report>();
    all.put("nothing", OLD);
    all.put("a grant to another pod", with("observed", Optional.of(new Revision(1, 1))));
    all.put("busy workers", with("busy", 8));
    all.put(
        "a state that nobody is in",
        with("workers", Map.of(Report.WorkerState.READY, 8, Report.WorkerState.DRAINING, 0)));
    all.put(
        "a generation's memory",
        generations(new Report.Generation(0, 8, 8, Sample.bytes(44), Sample.bytes(410))));
    all.put("4 % of memory", with("memory", memory("resident", Sample.bytes(415))));
    all.put("4 MiB of a small pool", with("memory", memory("privateBytes", Sample.bytes(43.9))));
    all.put("a percent of sharing", with("memory", memory("sharedRatio", new Measure.Known(0.89))));
    all.put("the container's memory", with("memory", memory("container", Sample.bytes(900))));
    return table(all, false);
  }

  private static Stream<DynamicTest> table(Map<String, Report> all, boolean news) {
    return all.entrySet().stream()
        .map(
            row ->
                dynamicTest(
                    "OP-06 " + row.getKey(),
                    () ->
                        assertThat(
                                Relevance.changed(
                                    Optional.of(new Reported(OLD, AT)),
                                    new Reported(row.getValue(), AT.plusSeconds(1)),
                                    false))
                            .isEqualTo(news)));
  }

  @Test
  @DisplayName("OP-06 a crash loop is one piece of news, whatever the time of its last crash")
  void crashLoop() {
    var before = new Reported(failing("2026-01-01T00:00:00Z", "worker 3", "crashed"), AT);
    var after = new Reported(failing("2026-01-01T00:00:30Z", "worker 5", "crashed"), AT);
    assertThat(Relevance.changed(Optional.of(before), after, false)).isFalse();
  }

  @Test
  @DisplayName("OP-07 that an agent has heard of its own permit is news")
  void permitHeard() {
    var heard = new Reported(with("observed", Optional.of(new Revision(1, 1))), AT);
    assertThat(Relevance.changed(Optional.of(new Reported(OLD, AT)), heard, true)).isTrue();
    assertThat(Relevance.changed(Optional.of(heard), heard, true)).isFalse();
  }

  @Test
  @DisplayName("OP-12 first contact and every change of kind is news; another reason is none")
  void kinds() {
    var kinds = List.of(new Reported(OLD, AT), new Unreachable("a", AT), new Invalid("a", AT));
    for (var now : kinds) {
      assertThat(Relevance.changed(Optional.empty(), now, false)).isTrue();
      for (var old : kinds) {
        assertThat(Relevance.changed(Optional.of(old), now, false)).isEqualTo(old != now);
      }
    }
    assertThat(
            Relevance.changed(
                Optional.of(new Unreachable("a", AT)),
                new Unreachable("b", AT.plusSeconds(9)),
                false))
        .isFalse();
    assertThat(Relevance.changed(Optional.of(new Invalid("a", AT)), new Invalid("b", AT), false))
        .isFalse();
  }
}
