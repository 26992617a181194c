package io.refork.protocol.control;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.Map;
import java.util.TreeMap;

/**
 * {@link Desired} as JSON: the operator writes it, the agent reads it. docs/protocol.md has the
 * table. Reading is strict about types, ranges and sizes; a field that it does not know is ignored,
 * so that an operator may be newer than an agent.
 */
public final class DesiredCodec {
  /** More is refused unread. All live options take a tenth of it. */
  public static final int MAX_BYTES = 32 * 1024;

  /** There are about twenty live options; a newer operator may know a few more. */
  public static final int MAX_SETTINGS = 64;

  /** Characters of one setting's text. */
  public static final int MAX_SETTING = 1024;

  private static final JsonFactory FACTORY = new JsonFactory();

  private DesiredCodec() {}

  /**
   * One line without its end, UTF-8, the same bytes for the same value.
   *
   * @throws IllegalArgumentException when it is longer than {@link #MAX_BYTES}
   */
  public static byte[] encode(Desired desired) {
    var out = new ByteArrayOutputStream(512);
    try (var json = FACTORY.createGenerator(out)) {
      write(json, desired);
    } catch (IOException e) {
      throw new UncheckedIOException("memory does not fail", e);
    }
    if (out.size() > MAX_BYTES) {
      throw new IllegalArgumentException(
          "the desired state of " + desired.pool() + " has " + out.size() + " bytes");
    }
    return out.toByteArray();
  }

  private static void write(JsonGenerator json, Desired desired) throws IOException {
    json.writeStartObject();
    json.writeStringField("pool", desired.pool());
    json.writeStringField("pod", desired.pod());
    if (desired.session().isPresent()) {
      json.writeStringField("session", desired.session().get());
    }
    revision(json, "revision", desired.revision());
    json.writeObjectFieldStart("settings");
    for (var setting : new TreeMap<>(desired.settings()).entrySet()) {
      json.writeStringField(setting.getKey(), setting.getValue());
    }
    json.writeEndObject();
    if (desired.permit().isPresent()) {
      permit(json, desired.permit().get());
    }
    json.writeBooleanField("paused", desired.paused());
    json.writeEndObject();
  }

  private static void permit(JsonGenerator json, Permit permit) throws IOException {
    json.writeObjectFieldStart("permit");
    json.writeStringField("id", permit.id());
    json.writeNumberField("level", permit.level());
    if (permit.request().isPresent()) {
      json.writeStringField("request", permit.request().get());
    }
    json.writeNumberField("startBy", permit.startBy().getEpochSecond());
    json.writeEndObject();
  }

  static void revision(JsonGenerator json, String name, Revision revision) throws IOException {
    json.writeObjectFieldStart(name);
    json.writeNumberField("generation", revision.generation());
    json.writeNumberField("seq", revision.seq());
    json.writeEndObject();
  }

  /**
   * What the operator wrote.
   *
   * @throws MalformedException the first rule that it breaks
   */
  public static Desired decode(byte[] document) throws MalformedException {
    var fields = JsonTree.read(document, MAX_BYTES);
    return new Desired(
        fields.text("pool", Limits.POOL),
        fields.id("pod", Limits.ID),
        fields.optionalId("session", Limits.SESSION),
        revision(fields.object("revision")),
        settings(fields),
        fields.optional("permit", DesiredCodec::permit),
        fields.has("paused") && fields.bool("paused"));
  }

  static Revision revision(Fields fields) throws MalformedException {
    return new Revision(
        fields.longInteger("generation", 0, Fields.MAX_EXACT),
        fields.longInteger("seq", 0, Fields.MAX_EXACT));
  }

  private static Map<String, String> settings(Fields fields) throws MalformedException {
    var settings = new TreeMap<String, String>();
    var found = fields.optionalObject("settings");
    if (found.isEmpty()) {
      return settings;
    }
    if (found.get().map().size() > MAX_SETTINGS) {
      throw fields.malformed("settings", "has at most " + MAX_SETTINGS + " fields");
    }
    for (var name : found.get().map().keySet()) {
      settings.put(name, found.get().text(name, MAX_SETTING));
    }
    return settings;
  }

  private static Permit permit(Fields fields) throws MalformedException {
    return new Permit(
        fields.id("id", Limits.ID),
        fields.integer("level", 1, Limits.COUNT),
        fields.optionalText("request", 1, Limits.REQUEST),
        Instant.ofEpochSecond(fields.longInteger("startBy", 0, Limits.EPOCH_SECONDS)));
  }
}
