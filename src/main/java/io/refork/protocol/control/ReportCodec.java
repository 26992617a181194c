package io.refork.protocol.control;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.refork.protocol.control.Report.Measure;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.EnumMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * {@link Report} as JSON: the agent writes it, the operator reads it as the hostile input that it
 * may be. docs/protocol.md has the table. A number that is not known is {@code null} and has a
 * field with its name and {@code Reason} beside it.
 */
public final class ReportCodec {
  /** Longer than any backoff: eleven days. */
  private static final double MAX_SECONDS = 1_000_000;

  private static final JsonFactory FACTORY = new JsonFactory();

  private ReportCodec() {}

  // --- writing -------------------------------------------------------------------------------

  /**
   * One line without its end, UTF-8.
   *
   * @throws IllegalArgumentException when it is longer than {@link Report#MAX_BYTES}
   */
  public static byte[] encode(Report report) {
    var out = new ByteArrayOutputStream(2048);
    try (var json = FACTORY.createGenerator(out)) {
      write(json, report);
    } catch (IOException e) {
      throw new UncheckedIOException("memory does not fail", e);
    }
    if (out.size() > Report.MAX_BYTES) {
      throw new IllegalArgumentException("the report has " + out.size() + " bytes");
    }
    return out.toByteArray();
  }

  private static void write(JsonGenerator json, Report report) throws IOException {
    json.writeStartObject();
    json.writeStringField("session", report.session());
    json.writeStringField("pod", report.pod());
    json.writeStringField("version", report.version());
    if (report.observed().isPresent()) {
      DesiredCodec.revision(json, "observed", report.observed().get());
    }
    json.writeStringField("phase", Fields.word(report.phase()));
    json.writeBooleanField("ready", report.ready());
    json.writeNumberField("level", report.level());
    if (report.mold().isPresent()) {
      json.writeObjectFieldStart("mold");
      json.writeNumberField("generation", report.mold().get().generation());
      json.writeStringField("state", report.mold().get().state());
      json.writeEndObject();
    }
    json.writeNumberField("desired", report.desired());
    json.writeObjectFieldStart("workers");
    for (var count : new TreeMap<>(report.workers()).entrySet()) {
      json.writeNumberField(Fields.word(count.getKey()), count.getValue());
    }
    json.writeEndObject();
    json.writeNumberField("busy", report.busy());
    json.writeArrayFieldStart("generations");
    for (var generation : report.generations()) {
      generation(json, generation);
    }
    json.writeEndArray();
    reforks(json, report);
    memory(json, report.memory());
    decimal(json, "backoffSeconds", report.backoffSeconds());
    json.writeArrayFieldStart("failures");
    for (var failure : report.failures()) {
      json.writeStartObject();
      json.writeStringField("at", failure.at());
      json.writeStringField("what", failure.what());
      json.writeStringField("reason", failure.reason());
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeEndObject();
  }

  private static void generation(JsonGenerator json, Report.Generation generation)
      throws IOException {
    json.writeStartObject();
    json.writeNumberField("generation", generation.generation());
    json.writeNumberField("workers", generation.workers());
    json.writeNumberField("ready", generation.ready());
    measure(json, "private", generation.privateBytes());
    measure(json, "resident", generation.residentBytes());
    json.writeEndObject();
  }

  private static void reforks(JsonGenerator json, Report report) throws IOException {
    if (report.eligible().isPresent()) {
      json.writeObjectFieldStart("eligible");
      json.writeNumberField("level", report.eligible().get().level());
      json.writeStringField("cause", report.eligible().get().cause());
      json.writeEndObject();
    }
    if (report.running().isPresent()) {
      var running = report.running().get();
      json.writeObjectFieldStart("running");
      if (running.permit().isPresent()) {
        json.writeStringField("permit", running.permit().get());
      }
      json.writeStringField("phase", running.phase());
      json.writeNumberField("updated", running.updated());
      json.writeNumberField("total", running.total());
      json.writeEndObject();
    }
    if (report.last().isPresent()) {
      var last = report.last().get();
      json.writeObjectFieldStart("last");
      if (last.permit().isPresent()) {
        json.writeStringField("permit", last.permit().get());
      }
      json.writeStringField("outcome", Fields.word(last.outcome()));
      json.writeStringField("reason", last.reason());
      json.writeStringField("detail", last.detail());
      json.writeEndObject();
    }
    if (report.lastRequest().isPresent()) {
      json.writeStringField("lastRequest", report.lastRequest().get());
    }
  }

  private static void memory(JsonGenerator json, Report.Memory memory) throws IOException {
    json.writeObjectFieldStart("memory");
    measure(json, "resident", memory.resident());
    measure(json, "proportional", memory.proportional());
    measure(json, "private", memory.privateBytes());
    measure(json, "saved", memory.saved());
    measure(json, "sharedRatio", memory.sharedRatio());
    measure(json, "container", memory.container());
    measure(json, "limit", memory.limit());
    json.writeEndObject();
  }

  private static void measure(JsonGenerator json, String name, Measure measure) throws IOException {
    switch (measure) {
      case Measure.Known(var value) when Double.isFinite(value) -> decimal(json, name, value);
      case Measure.Known k -> unknown(json, name, "not-a-number");
      case Measure.Unknown(var reason) -> unknown(json, name, reason);
    }
  }

  private static void unknown(JsonGenerator json, String name, String reason) throws IOException {
    json.writeNullField(name);
    json.writeStringField(name + "Reason", reason);
  }

  /** Bytes without a point; seconds and ratios with at most four digits behind it. */
  private static void decimal(JsonGenerator json, String name, double value) throws IOException {
    if (value == Math.rint(value)) {
      json.writeNumberField(name, (long) value);
    } else {
      json.writeNumberField(name, Math.round(value * 10_000) / 10_000.0);
    }
  }

  // --- reading -------------------------------------------------------------------------------

  /**
   * What an agent wrote.
   *
   * @throws MalformedException the first rule that it breaks
   */
  public static Report decode(byte[] document) throws MalformedException {
    var fields = JsonTree.read(document, Report.MAX_BYTES);
    return new Report(
        fields.id("session", Limits.SESSION),
        fields.id("pod", Limits.ID),
        fields.text("version", 64),
        fields.optional("observed", DesiredCodec::revision),
        fields.constant("phase", Report.Phase.class),
        fields.bool("ready"),
        fields.integer("level", 0, Limits.COUNT),
        fields.optional("mold", ReportCodec::mold),
        fields.integer("desired", 1, 512),
        workers(fields.object("workers")),
        fields.integer("busy", 0, Limits.WORKERS),
        fields.list("generations", Report.MAX_GENERATIONS, ReportCodec::generation),
        fields.optional("eligible", ReportCodec::eligible),
        fields.optional("running", ReportCodec::running),
        fields.optional("last", ReportCodec::finished),
        fields.optionalText("lastRequest", 1, Limits.REQUEST),
        memory(fields.object("memory")),
        fields.number("backoffSeconds", MAX_SECONDS),
        fields.list("failures", Report.MAX_FAILURES, ReportCodec::failure));
  }

  private static Report.Mold mold(Fields fields) throws MalformedException {
    return new Report.Mold(
        fields.integer("generation", 0, Limits.COUNT), fields.wordOrEmpty("state"));
  }

  private static Map<Report.WorkerState, Integer> workers(Fields fields) throws MalformedException {
    var counts = new EnumMap<Report.WorkerState, Integer>(Report.WorkerState.class);
    for (var state : Report.WorkerState.values()) {
      var name = Fields.word(state);
      if (fields.has(name)) {
        counts.put(state, fields.integer(name, 0, Limits.WORKERS));
      }
    }
    return counts;
  }

  private static Report.Generation generation(Fields fields) throws MalformedException {
    return new Report.Generation(
        fields.integer("generation", 0, Limits.COUNT),
        fields.integer("workers", 0, Limits.WORKERS),
        fields.integer("ready", 0, Limits.WORKERS),
        measure(fields, "private", Fields.MAX_EXACT),
        measure(fields, "resident", Fields.MAX_EXACT));
  }

  private static Report.Eligible eligible(Fields fields) throws MalformedException {
    return new Report.Eligible(
        fields.integer("level", 1, Limits.COUNT), fields.wordOrEmpty("cause"));
  }

  private static Report.Running running(Fields fields) throws MalformedException {
    return new Report.Running(
        fields.optionalId("permit", Limits.ID),
        fields.wordOrEmpty("phase"),
        fields.integer("updated", 0, Limits.WORKERS),
        fields.integer("total", 0, Limits.WORKERS));
  }

  private static Report.Finished finished(Fields fields) throws MalformedException {
    return new Report.Finished(
        fields.optionalId("permit", Limits.ID),
        fields.constant("outcome", Report.Outcome.class),
        fields.wordOrEmpty("reason"),
        fields.textOrEmpty("detail", Report.MAX_TEXT));
  }

  private static Report.Memory memory(Fields fields) throws MalformedException {
    return new Report.Memory(
        measure(fields, "resident", Fields.MAX_EXACT),
        measure(fields, "proportional", Fields.MAX_EXACT),
        measure(fields, "private", Fields.MAX_EXACT),
        measure(fields, "saved", Fields.MAX_EXACT),
        measure(fields, "sharedRatio", 1),
        measure(fields, "container", Fields.MAX_EXACT),
        measure(fields, "limit", Fields.MAX_EXACT));
  }

  private static Measure measure(Fields fields, String name, double max) throws MalformedException {
    if (fields.has(name)) {
      return new Measure.Known(fields.number(name, max));
    }
    return new Measure.Unknown(fields.optionalText(name + "Reason", 1, 64).orElse("not-told"));
  }

  private static Report.Failure failure(Fields fields) throws MalformedException {
    return new Report.Failure(
        fields.text("at", 40),
        fields.textOrEmpty("what", Report.MAX_TEXT),
        fields.wordOrEmpty("reason"));
  }
}
