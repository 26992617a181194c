package io.refork.operator.pods;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;

import io.refork.agent.config.Option;
import io.refork.agent.config.Options;
import io.refork.agent.config.SettingsReader;
import io.refork.api.Pools;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The spec in the agent's words. Only here do the two programs' classes meet. */
class AgentOptionsTest {
  @Test
  @DisplayName("OP-02 the defaults of the spec are these options")
  void defaults() {
    assertThat(of("{}"))
        .containsExactly(
            entry("boot-timeout", "1m"),
            entry("canary-soak", "10s"),
            entry("drain-timeout", "30s"),
            entry("failure-budget", "2"),
            entry("max-requests", "off"),
            entry("max-surge", "0"),
            entry("max-unavailable", "10%"),
            entry("promote-timeout", "30s"),
            entry("refork-after", "500,2000"),
            entry("refork-below", "off"),
            entry("refork-min-interval", "10m"),
            entry("request-timeout", "1m"),
            entry("shutdown-delay", "5s"),
            entry("spawn-timeout", "10s"),
            entry("workers", "auto"));
  }

  @ParameterizedTest(name = "OP-02 {0} is --{1} {2}")
  @CsvSource(
      delimiter = '|',
      value = {
        "workers: 8|workers|8",
        "recycle: {maxRequests: 10000}|max-requests|10000",
        "recycle: {maxRequests: 10000, jitter: 500}|max-requests|10000+-500",
        "refork: {afterLast: Repeat}|refork-after|500,2000,...",
        "refork: {afterRequests: []}|refork-after|off",
        "recycle: {maxRequests: 1000}|refork-after|500",
        "recycle: {maxRequests: 1900, jitter: 100}|refork-after|500,2000",
        "recycle: {maxRequests: 1900, jitter: 99}|refork-after|500",
        "recycle: {maxRequests: 100}|refork-after|off",
        "{refork: {afterLast: Repeat}, recycle: {maxRequests: 1000}}|refork-after|500,...",
        "{refork: {afterLast: Repeat}, recycle: {maxRequests: 100}}|refork-after|off",
        "refork: {policy: Manual, belowSharedPercent: 60}|refork-after|off",
        "refork: {policy: Manual, belowSharedPercent: 60}|refork-below|off",
        "refork: {policy: Never}|refork-after|off",
        "refork: {belowSharedPercent: 60}|refork-below|60",
        "refork: {minInterval: 1500ms}|refork-min-interval|1s500ms",
        "rollout: {workers: {maxUnavailable: 3}}|max-unavailable|3",
        "rollout: {workers: {maxSurge: 2}}|max-surge|2",
        "timeouts: {drain: 90s}|drain-timeout|1m30s",
        "timeouts: {request: '0'}|request-timeout|0",
      })
  void each(String change, String option, String text) {
    var inner = change.startsWith("{") ? change : "{" + change + "}";
    assertThat(of("spec: " + inner)).containsEntry(option, text);
  }

  @Test
  @DisplayName("every option exists in the agent, and a running agent takes it over")
  void exist() {
    var live = Options.ALL.stream().filter(Option::live).<String>map(Option::name).toList();
    assertThat(live).containsAll(AgentOptions.NAMES);
    assertThat(of("{}").keySet()).isEqualTo(AgentOptions.NAMES);
  }

  @Test
  @DisplayName("every option on the command line exists in the agent, and needs a new one")
  void fixed() {
    var fixed = Options.ALL.stream().filter(o -> !o.live()).<String>map(Option::name).toList();
    assertThat(fixed)
        .contains("listen", "control", "state-dir", "thp", "control-keys", "pod-uid")
        .doesNotContainAnyElementsOf(AgentOptions.NAMES);
  }

  @ParameterizedTest(name = "the agent reads the options of {0}")
  @ValueSource(
      strings = {
        "{}",
        "{workers: 512, recycle: {maxRequests: 10000, jitter: 9999}}",
        "{refork: {afterRequests: [1, 1000000], afterLast: Repeat, belowSharedPercent: 99}}",
        "{refork: {policy: Never}}",
        "{recycle: {maxRequests: 1000}}",
        "{recycle: {maxRequests: 1999}, refork: {afterLast: Repeat}}",
        "{recycle: {maxRequests: 100}}",
        "{recycle: {maxRequests: 100}, refork: {afterLast: Repeat, belowSharedPercent: 60}}",
        "{rollout: {workers: {maxUnavailable: 0, maxSurge: 512, canarySoak: 999999ms}}}",
        "{timeouts: {boot: 86400s, request: '0', drain: 61s, shutdownDelay: 3600s}}",
      })
  void parse(String spec) throws Exception {
    var flags = new TreeMap<String, List<String>>();
    of("spec: " + spec).forEach((name, text) -> flags.put(name, List.of(text)));
    assertThat(SettingsReader.of(flags, Optional.empty(), Map.of()).read().warnings()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"PT0S,0", "PT0.05S,50ms", "PT24H,1d", "PT25H1M1.001S,1d1h1m1s1ms"})
  @DisplayName("a time in the largest units")
  void times(Duration time, String text) {
    assertThat(AgentOptions.time(time)).isEqualTo(text);
  }

  private static Map<String, String> of(String changes) {
    return AgentOptions.of(Pools.shop(changes).getSpec());
  }
}
