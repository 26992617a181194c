package io.refork.agent.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class OptionsTest {
  private static RunSettings read(Map<String, List<String>> flags) throws UsageException {
    return SettingsReader.of(flags, Optional.empty(), Map.of("XDG_RUNTIME_DIR", "/run/user/7"))
        .read();
  }

  private static RunSettings flag(String name, String value) throws UsageException {
    return read(Map.of(name, List.of(value)));
  }

  @Test
  @DisplayName("the defaults are the documented ones")
  void defaults() throws UsageException {
    var s = read(Map.of("workers", List.of("8")));
    assertThat(s.pool().toString())
        .isEqualTo(
            "PoolSettings[workers=8, refork=ReforkPolicy[after=[500, 2000], repeatLast=false, belowPercent=OptionalInt.empty,"
                + " minInterval=PT10M], rollout=Rollout[maxUnavailable=Percent[percent=10], maxSurge=0, canarySoak=PT10S,"
                + " failureBudget=2], timeouts=Timeouts[boot=PT1M, spawn=PT10S, promote=PT30S, request=PT1M, heartbeat=PT30S,"
                + " drain=PT30S, shutdownDelay=PT0S, killAfter=PT2S], recycle=Recycle[maxRequests=0, jitter=0]]");
    assertThat(s.listen()).map(Object::toString).containsExactly("http=0.0.0.0:8000");
    assertThat(s.backlog()).isEqualTo(2048);
    assertThat(s.control()).hasToString("127.0.0.1:7300");
    assertThat(s.stateDir()).isEqualTo(Path.of("/run/user/7/refork"));
    assertThat(s.logFormat()).hasToString("TEXT");
    assertThat(s.hugePages()).hasToString("OFF");
    assertThat(s.allowedThreads()).isEmpty();
    assertThat(s.warnings()).isEmpty();
  }

  @Test
  @DisplayName("without a runtime directory the state lies in /tmp/refork-<uid>")
  void stateDirOfTmp() throws Exception {
    var uid = java.nio.file.Files.getAttribute(Path.of("/proc/self"), "unix:uid");
    assertThat(SettingsReader.of(Map.of(), Optional.empty(), Map.of()).read().stateDir())
        .isEqualTo(Path.of("/tmp/refork-" + uid));
  }

  @Test
  @DisplayName("--workers auto is at least 2")
  void auto() throws UsageException {
    assertThat(flag("workers", "auto").pool().workers())
        .isBetween(2, 512)
        .isEqualTo(read(Map.of()).pool().workers());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          workers             | 512            | workers=512
          refork-after        | off            | after=[], repeatLast=false
          refork-after        | 5              | after=[5], repeatLast=false
          refork-after        | 5, 50,...      | after=[5, 50], repeatLast=true
          refork-below        | 60             | belowPercent=OptionalInt[60]
          refork-below        | 60%            | belowPercent=OptionalInt[60]
          refork-min-interval | 0s             | minInterval=PT0S
          refork-min-interval | 0              | minInterval=PT0S
          refork-min-interval | 1d2h3m4s5ms    | minInterval=PT26H3M4.005S
          max-unavailable     | 0              | maxUnavailable=Count[count=0]
          max-unavailable     | 25%            | maxUnavailable=Percent[percent=25]
          request-timeout     | 0              | request=PT0S
          request-timeout     | 1m30s          | request=PT1M30S
          kill-after          | 500ms          | killAfter=PT0.5S
          max-requests        | 5000           | Recycle[maxRequests=5000, jitter=0]
          max-requests        | 5000+-100      | Recycle[maxRequests=5000, jitter=100]
          listen              | [::1]:80       | http=[::1]:80
          listen              | web-1=[::]:80  | web-1=[::]:80
          listen              | unix:/run/a=b  | http=unix:/run/a=b
          listen              | a=unix:/run/b  | a=unix:/run/b
          control             | localhost:0    | control=localhost:0
          log-format          | json           | logFormat=JSON
          thp                 | keep           | hugePages=KEEP
          allow-thread        | iou-wrk-1      | allowedThreads=[iou-wrk-1]
          state-dir           | /a/../b        | stateDir=/b
          """)
  @DisplayName("what is allowed is understood")
  void good(String option, String value, String expected) throws UsageException {
    assertThat(flag(option, value).toString()).contains(expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          workers             | 0          | --workers: "0" is not allowed; give auto or a whole number from 1 to 512
          workers             | 513        | --workers: "513" is not allowed; give auto or a whole number from 1 to 512
          workers             | -1         | --workers: "-1" is not allowed; give auto or a whole number from 1 to 512
          workers             | 1e9        | --workers: "1e9" is not allowed; give auto or a whole number from 1 to 512
          workers             | ٣          | --workers: "٣" is not allowed; give auto or a whole number from 1 to 512
          backlog             | 65536      | --backlog: "65536" is not allowed; give a whole number from 1 to 65535
          drain-timeout       | 30         | --drain-timeout: "30" is not allowed; give a time from 0s to 1d with its unit, such as 500ms, 10s or 1m30s
          drain-timeout       | 1s1m       | --drain-timeout: "1s1m" is not allowed; give a time from 0s to 1d with its unit, such as 500ms, 10s or 1m30s
          drain-timeout       | 99999999d  | --drain-timeout: "99999999d" is not allowed; give a time from 0s to 1d with its unit, such as 500ms, 10s or 1m30s
          boot-timeout        | 0          | --boot-timeout: "0" is not allowed; give a time from 100ms to 1d with its unit, such as 500ms, 10s or 1m30s
          request-timeout     | -5s        | --request-timeout: "-5s" is not allowed; give 0 (off) or a time from 100ms to 1d with its unit, such as 500ms, 10s or 1m30s
          max-unavailable     | 101%       | --max-unavailable: "101%" is not allowed; give a whole number from 0 to 512 or a percentage from 0% to 100%
          max-requests        | 10+-10     | --max-requests: "10+-10" is not allowed; give off, a whole number such as 10000, or one with a smaller jitter such as 10000+-500
          refork-after        | 5,         | --refork-after: "5," is not allowed; give off, or whole numbers above 0 separated by commas, at most 64, and a final ... to repeat the last one
          refork-after        | ...        | --refork-after: "..." is not allowed; give off, or whole numbers above 0 separated by commas, at most 64, and a final ... to repeat the last one
          refork-below        | 100        | --refork-below: "100" is not allowed; give off or a whole number from 1 to 99
          control             | 7300       | --control: "7300" is not allowed; give HOST:PORT; an IPv6 address stands in brackets: [::1]:7300
          control             | ::1:7300   | --control: "::1:7300" is not allowed; give HOST:PORT; an IPv6 address stands in brackets: [::1]:7300
          log-format          | xml        | --log-format: "xml" is not allowed; give text or json
          thp                 | never      | --thp: "never" is not allowed; give keep or off
          control-keys        | keys.json  | --control-keys needs --pod-uid, which every request must name; in a pod take it from metadata.uid
          pod-uid             | 0b9c-1     | --pod-uid is of use with --control-keys only, the file of public keys of whoever may steer this pod
          pod-uid             | a/b        | --pod-uid: "a/b" is not allowed; give metadata.uid of the pod: 1 to 64 letters, digits and dashes
          allow-thread        | 1234567890123456 | --allow-thread: "1234567890123456" is not allowed; give the name of a thread as in /proc/PID/task/*/comm, 1 to 15 bytes
          """)
  @DisplayName("what is not allowed ends with a sentence: where, what, what is allowed")
  void bad(String option, String value, String sentence) {
    assertThatThrownBy(() -> flag(option, value))
        .isInstanceOf(UsageException.class)
        .hasMessage(sentence);
  }

  static Stream<org.junit.jupiter.params.provider.Arguments> contradictions() {
    return Stream.of(
        org.junit.jupiter.params.provider.Arguments.of(
            Map.of("listen", List.of("127.0.0.1:7300")),
            "the default of --control and --listen: both want port 7300; give one of them another"),
        org.junit.jupiter.params.provider.Arguments.of(
            Map.of("max-requests", List.of("100+-10"), "refork-after", List.of("50,111")),
            "--max-requests replaces every worker after 110 requests at the latest, so --refork-after is never reached;"
                + " give smaller numbers to --refork-after, or off"));
  }

  @ParameterizedTest
  @MethodSource("contradictions")
  @DisplayName("options that contradict each other are both named")
  void contradiction(Map<String, List<String>> flags, String sentence) {
    assertThatThrownBy(() -> read(flags)).hasMessage(sentence);
  }

  @ParameterizedTest
  @CsvSource({
    "a=h:1;a=h:2",
    ":80",
    "127.0.0.1:1;127.0.0.1:1",
    "x",
    "a=",
    "A=:1",
    "unix:",
    "[::1:80",
    ":65536",
    "::1:80"
  })
  @DisplayName("sockets that cannot be: each ends with a sentence that begins with the flag")
  void badListen(String values) {
    assertThatThrownBy(() -> read(Map.of("listen", List.of(values.split(";")))))
        .isInstanceOf(UsageException.class)
        .hasMessageMatching("--listen: .{10,}");
  }

  @Test
  @DisplayName("a default that a recycled worker never reaches is a warning, not an error")
  void unreachableDefault() throws UsageException {
    assertThat(flag("max-requests", "400").warnings())
        .containsExactly(
            "--max-requests replaces every worker after 400 requests at the latest, so the default of --refork-after is never"
                + " reached; give smaller numbers to --refork-after, or off");
  }

  @Test
  @DisplayName(
      "each option has a name, a variable, a help sentence and a default of its own that is allowed")
  void table() throws UsageException {
    var names = new HashSet<String>();
    for (var option : Options.ALL) {
      assertThat(names.add(option.name())).isTrue();
      assertThat(option.variable()).matches("REFORK_[A-Z_]+");
      assertThat(option.help()).endsWith(".");
      option.parseAll(option.byDefault());
    }
    assertThat(names).hasSize(26);
    assertThat(Options.REFORK_AFTER.variable()).isEqualTo("REFORK_REFORK_AFTER");
  }

  @Test
  @DisplayName("times are shown as they are read")
  void times() {
    for (var text : List.of("0s", "1ms", "1s500ms", "1m30s", "1d1h1m1s1ms")) {
      assertThat(Times.text(Parsers.duration(text).orElseThrow())).isEqualTo(text);
    }
  }

  @Test
  @DisplayName("a flag wins over a variable, that over the file, that over the default")
  void precedence(@org.junit.jupiter.api.io.TempDir Path dir) throws Exception {
    var file =
        java.nio.file.Files.writeString(
            dir.resolve("c.json"), "{\"workers\": 3, \"backlog\": 30, \"max-surge\": 3}");
    var flags = new HashMap<String, List<String>>();
    var environment =
        new HashMap<>(
            Map.of(
                "REFORK_CONFIG", file.toString(), "REFORK_BACKLOG", "20", "REFORK_WORKERS", "2"));
    flags.put("workers", List.of("1"));
    var s = SettingsReader.of(flags, Optional.empty(), environment).read();
    assertThat(
            List.of(
                s.pool().workers(),
                s.backlog(),
                s.pool().rollout().maxSurge(),
                s.pool().rollout().failureBudget()))
        .containsExactly(1, 20, 3, 2);
    assertThat(s.config()).contains(file);

    // A mistake that a stronger source hides is still a mistake.
    environment.put("REFORK_WORKERS", "many");
    assertThatThrownBy(() -> SettingsReader.of(flags, Optional.empty(), environment).read())
        .hasMessage(
            "REFORK_WORKERS: \"many\" is not allowed; give auto or a whole number from 1 to 512");
    environment.put("REFORK_WORKERS", " ");
    assertThat(SettingsReader.of(flags, Optional.of("/dev/null/x"), environment)).isNotNull();
    assertThatThrownBy(
            () -> SettingsReader.of(flags, Optional.of(dir + "/none"), environment).read())
        .hasMessage("config file " + dir + "/none does not exist");
  }

  @Test
  @DisplayName(
      "variables: lists by comma or blank, empty means not set, a typing error is warned of, a stranger's is not")
  void variables() throws UsageException {
    var s =
        SettingsReader.of(
                Map.of(),
                Optional.empty(),
                Map.of(
                    "REFORK_LISTEN", "a=127.0.0.1:1, unix:/x",
                    "REFORK_ALLOW_THREAD", "x y",
                    "REFORK_WORKERS", "",
                    "REFORK_WOKERS", "9",
                    "REFORK_PORT", "tcp://10.0.0.1:80",
                    "REFORK_SOCKET", "/of/an/outer/agent"))
            .read();
    assertThat(s.listen()).map(Object::toString).hasSize(2);
    assertThat(s.allowedThreads()).containsExactlyInAnyOrder("x", "y");
    assertThat(s.warnings())
        .containsExactly(
            "the variable REFORK_WOKERS is unknown and ignored; did you mean REFORK_WORKERS?");
  }

  @Test
  @DisplayName("--control-keys and --pod-uid: both, or neither")
  void steering() throws Exception {
    var both = Map.of("control-keys", List.of("/etc/keys.json"), "pod-uid", List.of("6f1c-0a"));
    var steering =
        SettingsReader.of(both, Optional.empty(), Map.of()).read().steering().orElseThrow();
    assertThat(steering.keys()).hasToString("/etc/keys.json");
    assertThat(steering.podUid()).isEqualTo("6f1c-0a");
    assertThat(SettingsReader.of(Map.of(), Optional.empty(), Map.of()).read().steering()).isEmpty();

    var keys = Map.of("control-keys", List.of("/etc/keys.json"));
    assertThatThrownBy(() -> SettingsReader.of(keys, Optional.empty(), Map.of()).read())
        .hasMessageStartingWith("--control-keys needs --pod-uid");
    var uid = Map.of("REFORK_POD_UID", "6f1c-0a");
    assertThatThrownBy(() -> SettingsReader.of(Map.of(), Optional.empty(), uid).read())
        .hasMessageStartingWith("REFORK_POD_UID is of use with --control-keys only");
    var odd = Map.of("REFORK_POD_UID", "6f1c/0a", "REFORK_CONTROL_KEYS", "/etc/keys.json");
    assertThatThrownBy(() -> SettingsReader.of(Map.of(), Optional.empty(), odd).read())
        .hasMessageStartingWith("REFORK_POD_UID: \"6f1c/0a\" is not allowed; give metadata.uid");
  }
}
