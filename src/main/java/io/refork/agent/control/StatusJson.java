package io.refork.agent.control;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import io.refork.agent.control.Status.Measure;
import io.refork.agent.control.Status.ProcessMemory;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * {@link Status} as JSON, in the names that {@code refork status -o json} promises. A number that
 * is not known is {@code null} and has a field with its name and {@code Reason} beside it.
 */
public final class StatusJson {
  /**
   * ASCII only: the line goes to terminals as it is, and what turns text around there is not ASCII.
   */
  static final JsonFactory FACTORY =
      JsonFactory.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();

  private StatusJson() {}

  /** One line without its end. */
  public static String encode(Status status) {
    var out = new StringWriter(2048);
    try (var json = FACTORY.createGenerator(out)) {
      write(json, status);
    } catch (IOException e) {
      throw new UncheckedIOException("a StringWriter does not fail", e);
    }
    return out.toString();
  }

  static void write(JsonGenerator json, Status status) throws IOException {
    json.writeStartObject();
    json.writeStringField("version", status.version());
    json.writeStringField("session", status.session());
    json.writeStringField("phase", status.phase().name().toLowerCase(Locale.ROOT));
    json.writeBooleanField("ready", status.ready());
    json.writeNumberField("desired", status.desired());
    json.writeNumberField("generation", status.generation());
    json.writeNumberField("level", status.level());
    mold(json, status.mold());
    json.writeArrayFieldStart("workers");
    for (var worker : status.workers()) {
      worker(json, worker);
    }
    json.writeEndArray();
    memory(json, status.memory());
    refork(json, status.refork());
    json.writeArrayFieldStart("failures");
    for (var failure : status.failures()) {
      failure(json, failure);
    }
    json.writeEndArray();
    json.writeArrayFieldStart("listeners");
    for (var listener : status.listeners()) {
      json.writeStartObject();
      json.writeStringField("name", listener.name());
      json.writeStringField("address", listener.address());
      measure(json, "queueLength", listener.queueLength());
      measure(json, "queueLimit", listener.queueLimit());
      json.writeEndObject();
    }
    json.writeEndArray();
    counters(json, status.counters());
    json.writeEndObject();
  }

  private static void mold(JsonGenerator json, Optional<Status.Mold> mold) throws IOException {
    if (mold.isEmpty()) {
      json.writeNullField("mold");
      json.writeStringField("moldReason", "there is none");
      return;
    }
    json.writeObjectFieldStart("mold");
    json.writeNumberField("pid", mold.get().pid());
    json.writeNumberField("generation", mold.get().generation());
    json.writeStringField("state", mold.get().state());
    processMemory(json, "memory", mold.get().memory());
    json.writeEndObject();
  }

  private static void worker(JsonGenerator json, Status.Worker worker) throws IOException {
    json.writeStartObject();
    json.writeNumberField("slot", worker.slot());
    number(json, "pid", worker.pid(), worker.state());
    json.writeNumberField("generation", worker.generation());
    json.writeStringField("state", worker.state());
    json.writeNumberField("busy", worker.busy());
    json.writeNumberField("served", worker.served());
    json.writeNumberField("errors", worker.errors());
    decimal(json, "oldestRequestSeconds", worker.oldestRequestSeconds());
    decimal(json, "ageSeconds", worker.ageSeconds());
    processMemory(json, "memory", worker.memory());
    json.writeEndObject();
  }

  private static void memory(JsonGenerator json, Status.Memory memory) throws IOException {
    json.writeObjectFieldStart("memory");
    measure(json, "proportionalBytes", memory.proportionalBytes());
    measure(json, "savedBytes", memory.savedBytes());
    measure(json, "sharedRatio", memory.sharedRatio());
    measure(json, "containerBytes", memory.containerBytes());
    measure(json, "containerLimitBytes", memory.containerLimitBytes());
    json.writeObjectFieldStart("byRole");
    for (var role : memory.byRole().entrySet()) {
      processMemory(json, role.getKey(), role.getValue());
    }
    json.writeEndObject();
    json.writeEndObject();
  }

  private static void processMemory(JsonGenerator json, String name, ProcessMemory memory)
      throws IOException {
    json.writeObjectFieldStart(name);
    measure(json, "privateBytes", memory.privateBytes());
    measure(json, "proportionalBytes", memory.proportionalBytes());
    measure(json, "residentBytes", memory.residentBytes());
    json.writeEndObject();
  }

  private static void refork(JsonGenerator json, Optional<Status.Refork> refork)
      throws IOException {
    if (refork.isEmpty()) {
      json.writeNullField("refork");
      json.writeStringField("reforkReason", "none yet");
      return;
    }
    var r = refork.get();
    json.writeObjectFieldStart("refork");
    json.writeStringField("id", r.id());
    json.writeStringField("phase", r.phase());
    json.writeNumberField("updated", r.updated());
    json.writeNumberField("total", r.total());
    json.writeStringField("outcome", r.outcome());
    json.writeStringField("reason", r.reason());
    json.writeStringField("detail", r.detail());
    json.writeEndObject();
  }

  private static void failure(JsonGenerator json, Status.Failure failure) throws IOException {
    json.writeStartObject();
    json.writeStringField("at", failure.at());
    json.writeStringField("what", failure.what());
    number(json, "slot", failure.slot(), "not in a slot");
    number(json, "pid", failure.pid(), "no process");
    json.writeNumberField("generation", failure.generation());
    json.writeStringField("reason", failure.reason());
    json.writeEndObject();
  }

  private static void counters(JsonGenerator json, Status.Counters counters) throws IOException {
    json.writeObjectFieldStart("counters");
    json.writeNumberField("requests", counters.requests());
    json.writeNumberField("requestErrors", counters.requestErrors());
    counts(json, "workerExits", counters.workerExits());
    counts(json, "spawns", counters.spawns());
    json.writeObjectFieldStart("reforks");
    for (var outcome : counters.reforks().entrySet()) {
      counts(json, outcome.getKey(), outcome.getValue());
    }
    json.writeEndObject();
    counts(json, "refusals", counters.refusals());
    json.writeNumberField("orphansReaped", counters.orphansReaped());
    json.writeNumberField("logLinesDropped", counters.logLinesDropped());
    json.writeNumberField("connectionsTurnedAway", counters.connectionsTurnedAway());
    decimal(json, "backoffSeconds", counters.backoffSeconds());
    json.writeEndObject();
  }

  private static void counts(JsonGenerator json, String name, Map<String, Long> counts)
      throws IOException {
    json.writeObjectFieldStart(name);
    for (var count : counts.entrySet()) {
      json.writeNumberField(count.getKey(), count.getValue());
    }
    json.writeEndObject();
  }

  private static void number(
      JsonGenerator json, String name, Optional<Integer> value, String reason) throws IOException {
    if (value.isPresent()) {
      json.writeNumberField(name, value.get());
    } else {
      json.writeNullField(name);
      json.writeStringField(name + "Reason", reason);
    }
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

  /** Bytes without a point; seconds and ratios with at most three and four digits behind it. */
  private static void decimal(JsonGenerator json, String name, double value) throws IOException {
    if (value == Math.rint(value) && Math.abs(value) < 1e15) {
      json.writeNumberField(name, (long) value);
    } else {
      json.writeNumberField(name, Math.round(value * 10_000) / 10_000.0);
    }
  }
}
