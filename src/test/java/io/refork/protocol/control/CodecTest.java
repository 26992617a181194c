package io.refork.protocol.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.refork.protocol.control.Report.Measure.Known;
import io.refork.protocol.control.Report.Measure.Unknown;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The documents of the control protocol: there and back, and what is turned away. */
class CodecTest {
  static final Desired DESIRED =
      new Desired(
          "shop/web",
          "6f1c6a0e-4a57-4f3b-9d2c-0a7b1c2d3e4f",
          Optional.of("9a8b7c"),
          new Revision(7, 42),
          Map.of("workers", "8", "refork-after", "500,2000,..."),
          Optional.of(
              new Permit(
                  "p-1",
                  3,
                  Optional.of("2026-11-21T16:00:00Z, \"now\" ü"),
                  Instant.ofEpochSecond(1_795_280_400))),
          true);

  static final Report REPORT =
      new Report(
          "9a8b7c",
          "6f1c6a0e-4a57-4f3b-9d2c-0a7b1c2d3e4f",
          "0.1.0",
          Optional.of(new Revision(7, 42)),
          Report.Phase.SERVING,
          true,
          2,
          Optional.of(new Report.Mold(5, "ready")),
          8,
          Map.of(Report.WorkerState.READY, 7, Report.WorkerState.BACKING_OFF, 1),
          3,
          List.of(
              new Report.Generation(5, 7, 7, new Known(1e6), new Known(8.5e8)),
              new Report.Generation(4, 1, 0, new Unknown("not-sampled-yet"), new Unknown("x"))),
          Optional.of(new Report.Eligible(3, "requests")),
          Optional.of(new Report.Running(Optional.of("p-1"), "rolling", 3, 8)),
          Optional.of(
              new Report.Finished(
                  Optional.empty(),
                  Report.Outcome.COMPLETED_UNPROVEN,
                  "canary-died",
                  "a \\ \"line\"")),
          Optional.of("2026-11-21"),
          new Report.Memory(
              new Known(1),
              new Known(2),
              new Known(3),
              new Known(4),
              new Known(0.8125),
              new Known(9_007_199_254_740_992.0),
              new Unknown("no limit")),
          1.5,
          List.of(new Report.Failure("2026-11-21T16:00:00Z", "worker exited", "crashed")));

  @Test
  @DisplayName("a desired state comes back as it was written, with and without its optional parts")
  void desired() throws Exception {
    assertThat(DesiredCodec.decode(DesiredCodec.encode(DESIRED))).isEqualTo(DESIRED);
    var least =
        new Desired(
            "shop/web",
            "u",
            Optional.empty(),
            new Revision(0, 0),
            Map.of(),
            Optional.empty(),
            false);
    assertThat(DesiredCodec.decode(DesiredCodec.encode(least))).isEqualTo(least);
  }

  @Test
  @DisplayName("a report comes back as it was written, with and without its optional parts")
  void report() throws Exception {
    assertThat(ReportCodec.decode(ReportCodec.encode(REPORT))).isEqualTo(REPORT);
    var unknown = new Unknown("not-sampled-yet");
    var least =
        new Report(
            "s",
            "u",
            "0",
            Optional.empty(),
            Report.Phase.BOOTING,
            false,
            0,
            Optional.empty(),
            1,
            Map.of(),
            0,
            List.of(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            new Report.Memory(unknown, unknown, unknown, unknown, unknown, unknown, unknown),
            0,
            List.of());
    assertThat(ReportCodec.decode(ReportCodec.encode(least))).isEqualTo(least);
  }

  @Test
  @DisplayName("fields that are not known are ignored, so that either side may be newer")
  void newer() throws Exception {
    var text = text(DesiredCodec.encode(DESIRED)).replaceFirst("\\{", "{\"new\":[{\"a\":1.5e3}],");
    assertThat(DesiredCodec.decode(bytes(text))).isEqualTo(DESIRED);
    text = text(ReportCodec.encode(REPORT)).replaceFirst("\\{", "{\"new\":null,");
    text = text.replace("\"backing-off\":1", "\"backing-off\":1,\"dancing\":9");
    assertThat(ReportCodec.decode(bytes(text))).isEqualTo(REPORT);
  }

  @ParameterizedTest(name = "OP-12 a report in which {0} becomes {1} is refused: {2}")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"ready\":7|\"ready\":1000000000|\"workers.ready\" is an integer of 0 to 1024",
        "\"ready\":7|\"ready\":-1|\"workers.ready\" is an integer of 0 to 1024",
        "\"ready\":7|\"ready\":7.0|\"workers.ready\" is an integer of 0 to 1024",
        "\"ready\":7|\"ready\":\"7\"|\"workers.ready\" is an integer of 0 to 1024",
        "\"desired\":8|\"desired\":513|\"desired\" is an integer of 1 to 512",
        "\"desired\":8|\"desired\":99999999999999999999|\"desired\" is a number beyond all ranges",
        "\"level\":2,|\"level\":1000000001,|\"level\" is an integer of 0 to 1000000000",
        "\"level\":2,|\"level\":2,\"level\":2,|\"level\" stands there twice",
        "\"level\":2,||\"level\" is an integer of 0 to 1000000000",
        "\"level\":2,|\"level\":null,|\"level\" is an integer of 0 to 1000000000",
        "\"seq\":42|\"seq\":9007199254740993|\"observed.seq\" is an integer of 0 to 9007199254740992",
        "\"resident\":1,|\"resident\":NaN,|the document is not JSON, or longer or deeper than allowed",
        "\"resident\":1,|\"resident\":1e999,|\"memory.resident\" is a number beyond all ranges",
        "\"resident\":1,|\"resident\":-1,|\"memory.resident\" is a number of 0 to 9007199254740992",
        "\"resident\":1,|\"resident\":1e17,|\"memory.resident\" is a number of 0 to 9007199254740992",
        "\"resident\":1,|\"resident\":true,|\"memory.resident\" is a number of 0 to 9007199254740992",
        "0.8125|1.01|\"memory.sharedRatio\" is a number of 0 to 1",
        "\"backoffSeconds\":1.5|\"backoffSeconds\":1e9|\"backoffSeconds\" is a number of 0 to 1000000",
        "\"phase\":\"serving\"|\"phase\":\"SERVING\"|\"phase\" is none of the words that are allowed",
        "\"outcome\":\"completed-unproven\"|\"outcome\":\"won\"|\"last.outcome\" is none of the words that are allowed",
        "\"session\":\"9a8b7c\"|\"session\":\"<script>\"|\"session\" is 1 to 20 ASCII letters, digits and dashes",
        "\"session\":\"9a8b7c\"|\"session\":\"\"|\"session\" is 1 to 20 ASCII letters, digits and dashes",
        "\"cause\":\"requests\"|\"cause\":\"${jndi:x}\"|\"eligible.cause\" is at most 64 ASCII letters, digits and dashes",
        "\"what\":\"worker exited\"|\"what\":\"\\u001b[2J\"|\"failures[0].what\" is a string of 0 to 200 characters without control characters",
        "\"what\":\"worker exited\"|\"what\":\"\\ud800\"|\"failures[0].what\" is a string of 0 to 200 characters without control characters",
        "\"what\":\"worker exited\"|\"what\":\"\\u202e\"|\"failures[0].what\" is a string of 0 to 200 characters without control characters",
        "\"failures\":[|\"failures\":[null,|\"failures\" holds a null",
        "\"failures\":[|\"failures\":[1,|\"failures[0]\" is an object",
        "\"workers\":{|\"workers\":[],\"x\":{|\"workers\" is an object",
      })
  void lies(String part, String lie, String sentence) {
    var text = text(ReportCodec.encode(REPORT));
    assertThat(text).contains(part);
    var lying = text.replaceFirst(java.util.regex.Pattern.quote(part), quoted(lie));
    assertThatThrownBy(() -> ReportCodec.decode(bytes(lying)))
        .isInstanceOf(MalformedException.class)
        .hasMessage(sentence);
  }

  @ParameterizedTest(name = "a desired state in which {0} becomes {1} is refused: {2}")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"generation\":7|\"generation\":-7|\"revision.generation\" is an integer of 0 to 9007199254740992",
        "\"seq\":42|\"seq\":\"42\"|\"revision.seq\" is an integer of 0 to 9007199254740992",
        "\"level\":3|\"level\":0|\"permit.level\" is an integer of 1 to 1000000000",
        "\"id\":\"p-1\"|\"id\":\"p 1\"|\"permit.id\" is 1 to 64 ASCII letters, digits and dashes",
        "\"startBy\":1795280400|\"startBy\":\"soon\"|\"permit.startBy\" is an integer of 0 to 253402300799",
        "\"workers\":\"8\"|\"workers\":8|\"settings.workers\" is a string of 1 to 1024 characters without control characters",
        "\"workers\":\"8\"|\"\\u001b\":8|\"settings.?\" is a string of 1 to 1024 characters without control characters",
        "\"workers\":\"8\"|\"workers\":\"8\",\"workers\":\"9\"|\"settings.workers\" stands there twice",
        "\"pod\":|\"pods\":|\"pod\" is missing",
        "\"paused\":true|\"paused\":1|\"paused\" is true or false",
        "\"paused\":true}|\"paused\":true}}|the document is not JSON, or longer or deeper than allowed",
        "\"paused\":true}|\"paused\":true} 1|something follows the JSON object",
        "\"paused\":true}|\"paused\":true|the document is not JSON, or longer or deeper than allowed",
      })
  void notDesired(String part, String other, String sentence) {
    var text = text(DesiredCodec.encode(DESIRED));
    assertThat(text).contains(part);
    var wrong = text.replaceFirst(java.util.regex.Pattern.quote(part), quoted(other));
    assertThatThrownBy(() -> DesiredCodec.decode(bytes(wrong)))
        .isInstanceOf(MalformedException.class)
        .hasMessage(sentence);
  }

  @ParameterizedTest(name = "OP-12 no document at all: {0}")
  @ValueSource(strings = {"", " ", "null", "[]", "1", "\"{}\"", "{", "{]", "{'a':1}", "{} {}"})
  void noDocument(String text) {
    assertThatThrownBy(() -> ReportCodec.decode(bytes(text)))
        .isInstanceOf(MalformedException.class);
    assertThatThrownBy(() -> DesiredCodec.decode(bytes(text)))
        .isInstanceOf(MalformedException.class);
  }

  @Test
  @DisplayName("OP-12 too large, too deep, too many, not UTF-8: refused before it costs anything")
  void bounds() {
    var large = new byte[1_000_000];
    assertRefused(large, "the document has 1000000 bytes; at most 16384 are allowed");
    assertRefused(
        bytes("{\"x\":" + "[".repeat(8_000)),
        "the document is not JSON, or longer or deeper than allowed");
    assertRefused(
        bytes("{\"x\":\"" + "y".repeat(5_000) + "\"}"),
        "the document is not JSON, or longer or deeper than allowed");
    assertRefused(
        bytes("{\"x\":" + "1".repeat(5_000) + "}"),
        "the document is not JSON, or longer or deeper than allowed");
    var utf16 = "{}".getBytes(StandardCharsets.UTF_16);
    assertRefused(utf16, "the document is not UTF-8");
    assertRefused(
        new byte[] {'{', '"', (byte) 0xc0, (byte) 0x80, '"'}, "the document is not UTF-8");
    var text = text(ReportCodec.encode(REPORT));
    var failure = "{\"at\":\"now\",\"what\":\"x\",\"reason\":\"\"}";
    assertRefused(
        bytes(text.replace("\"failures\":[", "\"failures\":[" + (failure + ",").repeat(5))),
        "\"failures\" is a list of at most 5");
    var settings = new HashMap<String, String>();
    for (int i = 0; i < 65; i++) {
      settings.put("option-" + i, "1");
    }
    var many =
        new Desired(
            "a/b", "u", Optional.empty(), new Revision(1, 1), settings, Optional.empty(), false);
    assertThatThrownBy(() -> DesiredCodec.decode(DesiredCodec.encode(many)))
        .hasMessage("\"settings\" has at most 64 fields");
  }

  @Test
  @DisplayName("OP-12 whatever is broken in a report, it is a sentence or a report, never a defect")
  void mutations() {
    var random = new Random(12);
    var good = ReportCodec.encode(REPORT);
    for (int i = 0; i < 20_000; i++) {
      var bad = good.clone();
      for (int n = 0; n <= random.nextInt(4); n++) {
        bad[random.nextInt(bad.length)] = (byte) random.nextInt(256);
      }
      try {
        assertThat(ReportCodec.decode(bad).level()).isBetween(0, 1_000_000_000);
      } catch (MalformedException e) {
        assertThat(e.sentence()).isNotEmpty().doesNotContain("\n").hasSizeLessThan(300);
      }
    }
  }

  private static void assertRefused(byte[] document, String sentence) {
    assertThatThrownBy(() -> ReportCodec.decode(document))
        .isInstanceOf(MalformedException.class)
        .hasMessage(sentence);
  }

  private static String quoted(@org.jspecify.annotations.Nullable String text) {
    return java.util.regex.Matcher.quoteReplacement(text == null ? "" : text);
  }

  private static String text(byte[] document) {
    return new String(document, StandardCharsets.UTF_8);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
