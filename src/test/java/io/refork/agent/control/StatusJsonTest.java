package io.refork.agent.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class StatusJsonTest {
  @SuppressWarnings("unchecked")
  private static Map<String, Object> map(Object json) {
    return (Map<String, Object>) json;
  }

  @Test
  @DisplayName("a status survives the way to the client and back, whatever is known of it")
  void roundTrip() throws IOException {
    for (var status : List.of(Statuses.serving(8), Statuses.serving(64), Statuses.booting())) {
      assertThat(StatusReader.decode(StatusJson.encode(status))).isEqualTo(status);
    }
  }

  @Test
  @DisplayName("the names are those that scripts rely on")
  void names() throws IOException {
    var json = JSON.std.mapFrom(StatusJson.encode(Statuses.serving(2)));
    assertThat(json).containsKeys("generation", "mold", "workers", "memory", "refork", "failures");
    assertThat(map(json.get("mold")))
        .containsOnlyKeys("pid", "generation", "state", "memory")
        .containsEntry("pid", 99);
    var worker = map(((List<?>) json.get("workers")).getFirst());
    assertThat(worker)
        .containsOnlyKeys(
            "slot",
            "pid",
            "generation",
            "state",
            "busy",
            "served",
            "errors",
            "oldestRequestSeconds",
            "ageSeconds",
            "memory")
        .containsEntry("ageSeconds", 61.5);
    assertThat(map(worker.get("memory")))
        .isEqualTo(
            Map.of(
                "privateBytes",
                20971520,
                "proportionalBytes",
                42467328,
                "residentBytes",
                157286400));
    assertThat(map(json.get("memory")))
        .containsEntry("proportionalBytes", 419430400)
        .containsEntry("savedBytes", 839385088)
        .containsEntry("sharedRatio", 0.8125)
        .containsEntry("containerLimitBytes", null)
        .containsEntry("containerLimitBytesReason", "no-limit");
    assertThat(map(json.get("refork")))
        .containsOnlyKeys("id", "phase", "updated", "total", "outcome", "reason", "detail");
  }

  @Test
  @DisplayName("what is unknown is null, with a reason beside it")
  void unknown() throws IOException {
    var json = JSON.std.mapFrom(StatusJson.encode(Statuses.booting()));
    assertThat(json)
        .containsEntry("mold", null)
        .containsEntry("moldReason", "there is none")
        .containsEntry("refork", null)
        .containsEntry("reforkReason", "none yet");
    assertThat(map(json.get("memory")))
        .containsEntry("sharedRatio", null)
        .containsEntry("sharedRatioReason", "not-sampled-yet");
    var worker = map(((List<?>) json.get("workers")).getFirst());
    assertThat(worker).containsEntry("pid", null).containsEntry("pidReason", "backing-off");
  }

  @Test
  @DisplayName("a number that is none becomes unknown, never invalid JSON")
  void notANumber() throws IOException {
    var s = Statuses.booting();
    for (var value : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
      var listener =
          new Status.Listener("http", "x", new Status.Measure.Known(value), Statuses.known(1));
      var read =
          StatusReader.decode(StatusJson.encode(Statuses.with(s, s.counters(), List.of(listener))));
      assertThat(read.listeners().getFirst().queueLength())
          .isEqualTo(Statuses.unknown("not-a-number"));
    }
  }

  @Test
  @DisplayName("TOK-15 the line is plain ASCII, so no string of others can turn a terminal around")
  void ascii() {
    var s = Statuses.booting();
    var listener =
        new Status.Listener("a\u001b[2J\u202e\u009bé", "\n", Statuses.known(1), Statuses.known(1));
    assertThat(StatusJson.encode(Statuses.with(s, s.counters(), List.of(listener))))
        .matches("[ -~]+")
        .contains("a\\u001B[2J\\u202E\\u009B\\u00E9");
  }

  @Test
  @DisplayName("an agent of another version is read as far as it is understood")
  void lenient() throws IOException {
    var status =
        StatusReader.decode(
            "{\"new\":1,\"generation\":\"x\",\"workers\":[1,{\"slot\":3}],\"memory\":[]}");
    assertThat(status.generation()).isZero();
    assertThat(status.workers()).hasSize(1);
    assertThat(status.workers().getFirst().pid()).isEqualTo(Optional.empty());
    assertThat(status.memory().sharedRatio()).isEqualTo(Statuses.unknown("not-reported"));
    assertThatThrownBy(() -> StatusReader.decode("garbage")).isInstanceOf(IOException.class);
  }
}
