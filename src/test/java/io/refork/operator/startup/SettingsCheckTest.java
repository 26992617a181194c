package io.refork.operator.startup;

import static org.assertj.core.api.Assertions.assertThat;

import io.quarkus.runtime.configuration.DurationConverter;
import io.refork.operator.OperatorSettings;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SettingsCheckTest {
  @Test
  @DisplayName("the defaults make sense")
  void defaults() {
    assertThat(SettingsCheck.faults(settings(Map.of()))).isEmpty();
  }

  @ParameterizedTest(name = "{0}={1}")
  @CsvSource({
    "refork.namespace, Web, names of namespaces",
    "refork.watch-namespaces, 'web,a/b', names of namespaces",
    "refork.agent.image, ' ', the name of an image",
    "refork.agent.port, 0, from 1 to 65535",
    "refork.agent.port, 65536, from 1 to 65535",
    "refork.poll.interval, 999ms, from 1s to 600s",
    "refork.poll.timeout, 2m, from 1s to 60s",
    "refork.poll.concurrency, 0, from 1 to 1024",
    "refork.leader-election.lease, 1s, from 5s to 300s",
  })
  @DisplayName(
      "a setting that makes no sense gets its sentence: name, variable, value, what is allowed")
  void faults(String name, String value, String allowed) {
    assertThat(SettingsCheck.faults(settings(Map.of(name, value))))
        .singleElement()
        .asString()
        .startsWith(name + " (" + SettingsCheck.variable(name) + ") is '")
        .contains(allowed);
  }

  @Test
  @DisplayName("a variable is the name in capitals")
  void variables() {
    assertThat(SettingsCheck.variable("refork.leader-election.lease"))
        .isEqualTo("REFORK_LEADER_ELECTION_LEASE");
  }

  private static OperatorSettings settings(Map<String, String> values) {
    return new SmallRyeConfigBuilder()
        .withSources(new PropertiesConfigSource(values, "test", 500))
        .withConverter(Duration.class, 200, new DurationConverter())
        .withMapping(OperatorSettings.class)
        .build()
        .getConfigMapping(OperatorSettings.class);
  }
}
