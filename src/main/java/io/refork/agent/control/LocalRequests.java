package io.refork.agent.control;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import io.refork.protocol.Escape;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.function.Supplier;

/**
 * What {@code refork status} and {@code refork refork} ask on {@code <state-dir>/agent.sock}: one
 * JSON line in, one JSON line out, then the connection is closed. Pure: the event loop brings the
 * bytes and carries the answer away.
 *
 * <pre>
 * {"ask":"status"}   {"status":{…}}
 * {"ask":"refork"}   {"accepted":true,"message":"…"}
 * anything else      {"error":"…"}
 * </pre>
 */
public final class LocalRequests {
  /** The name of the socket in the state directory. */
  public static final String SOCKET = "agent.sock";

  /**
   * A request is 16 bytes; a connection that has sent this much without a line's end may be closed.
   */
  public static final int MAX_LINE = 1024;

  /** Requests are flat and short. */
  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder().maxNestingDepth(4).maxStringLength(64).build())
          .build();

  private LocalRequests() {}

  /** Whether a refork begins; {@code message} is shown to the user. */
  public record Verdict(boolean accepted, String message) {}

  /**
   * The answer to one line.
   *
   * @param line what was read, with or without the line's end
   * @param refork asks the pool to refork; called at most once
   * @return one line with its end
   */
  public static byte[] answer(byte[] line, Status status, Supplier<Verdict> refork) {
    var out = new StringWriter(2048);
    try (var json = StatusJson.FACTORY.createGenerator(out)) {
      json.writeStartObject();
      switch (ask(line)) {
        case "status" -> {
          json.writeFieldName("status");
          StatusJson.write(json, status);
        }
        case "refork" -> {
          var verdict = refork.get();
          json.writeBooleanField("accepted", verdict.accepted());
          json.writeStringField("message", verdict.message());
        }
        case "" ->
            json.writeStringField(
                "error", "not a request: send {\"ask\":\"status\"} or {\"ask\":\"refork\"}");
        case String other ->
            json.writeStringField(
                "error",
                "unknown request " + Escape.plain(other, 32) + ": ask for status or refork");
      }
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("a StringWriter does not fail", e);
    }
    return out.append('\n').toString().getBytes(StandardCharsets.UTF_8);
  }

  /** The value of {@code ask}; empty when the line is no such object. Other fields are ignored. */
  private static String ask(byte[] line) {
    if (line.length > MAX_LINE) {
      return "";
    }
    var ask = "";
    try (var json = FACTORY.createParser(line)) {
      if (json.nextToken() != JsonToken.START_OBJECT) {
        return "";
      }
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        boolean ours = json.currentName().equals("ask");
        if (json.nextToken() == JsonToken.VALUE_STRING && ours) {
          ask = json.getText();
        }
        json.skipChildren();
      }
      return json.currentToken() == JsonToken.END_OBJECT && json.nextToken() == null ? ask : "";
    } catch (IOException e) {
      return "";
    }
  }
}
