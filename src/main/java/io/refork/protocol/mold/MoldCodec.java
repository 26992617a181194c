package io.refork.protocol.mold;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Lines of the mold protocol, version 1: bytes to records and back. Strict about types, lenient
 * about extra fields.
 */
public final class MoldCodec {
  /** The version that this codec speaks. */
  public static final int VERSION = 1;

  /**
   * With its end. More than any message needs; what a hostile process may make us hold per
   * connection.
   */
  public static final int MAX_LINE = 65_536;

  private static final int MAX_TEXT = 2_000;
  private static final Pattern SPAWN_ID = Pattern.compile("[0-9a-z.]{1,12}");

  private MoldCodec() {}

  /**
   * Reads one line, without its end.
   *
   * @throws MalformedException with the code that the peer is to be told
   */
  public static FromProcess decode(byte[] line) throws MalformedException {
    var fields = object(line);
    var type = text(fields, "type");
    return switch (type) {
      case "hello" -> hello(fields);
      case "ready" -> new FromProcess.Ready();
      case "spawned" -> new FromProcess.Spawned(spawn(fields), pid(fields));
      case "spawn-failed" ->
          new FromProcess.SpawnFailed(
              spawn(fields), (int) integer(fields, "errno", 0, 4095), text(fields, "message"));
      case "promoting" -> new FromProcess.Promoting();
      case "refused" -> new FromProcess.Refused(text(fields, "reason"), text(fields, "detail"));
      case "leaving" -> new FromProcess.Leaving(text(fields, "reason"));
      case "warning" -> new FromProcess.Warning(text(fields, "code"), text(fields, "message"));
      case "error" -> new FromProcess.Error(text(fields, "code"), text(fields, "message"));
      default -> throw new MalformedException("unknown-type", "this protocol has no such message");
    };
  }

  /** Whatever the parser makes of hostile bytes ends a conversation and not the agent. */
  private static Map<String, Object> object(byte[] line) throws MalformedException {
    try {
      // A lone null comes back as no map at all.
      return Objects.requireNonNull(JSON.std.mapFrom(line));
    } catch (IOException | RuntimeException e) {
      throw new MalformedException("malformed", "the line is not one JSON object");
    }
  }

  private static FromProcess.Hello hello(Map<String, Object> fields) throws MalformedException {
    var role =
        switch (text(fields, "role")) {
          case "mold" -> FromProcess.Role.MOLD;
          case "worker" -> FromProcess.Role.WORKER;
          default -> throw malformed("role", "is \"mold\" or \"worker\"");
        };
    var protocol = (int) integer(fields, "protocol", 0, Integer.MAX_VALUE);
    if (protocol != VERSION) {
      throw new MalformedException(
          "protocol", "this agent speaks protocol " + VERSION + "; the shim speaks " + protocol);
    }
    var spawn = fields.get("spawn") == null ? Optional.<String>empty() : Optional.of(spawn(fields));
    return new FromProcess.Hello(
        protocol, role, pid(fields), spawn, text(fields, "language"), text(fields, "shim"));
  }

  private static String spawn(Map<String, Object> fields) throws MalformedException {
    var id = text(fields, "spawn");
    if (!SPAWN_ID.matcher(id).matches()) {
      throw malformed("spawn", "matches " + SPAWN_ID);
    }
    return id;
  }

  private static int pid(Map<String, Object> fields) throws MalformedException {
    return (int) integer(fields, "pid", 1, Integer.MAX_VALUE);
  }

  private static String text(Map<String, Object> fields, String name) throws MalformedException {
    if (!(fields.get(name) instanceof String text)) {
      throw malformed(name, "is a string");
    }
    return text.length() > MAX_TEXT ? text.substring(0, MAX_TEXT) : text;
  }

  private static long integer(Map<String, Object> fields, String name, long min, long max)
      throws MalformedException {
    var value = fields.get(name);
    if (!(value instanceof Integer || value instanceof Long)
        || ((Number) value).longValue() < min
        || ((Number) value).longValue() > max) {
      throw malformed(name, "is an integer of " + min + " to " + max);
    }
    return ((Number) value).longValue();
  }

  private static MalformedException malformed(String field, String rule) {
    return new MalformedException("malformed", "\"" + field + "\" " + rule);
  }

  /** The message as a line, with its end. */
  public static byte[] encode(ToProcess message) {
    var fields = new LinkedHashMap<String, Object>();
    switch (message) {
      case ToProcess.Welcome w -> {
        fields.put("type", "welcome");
        fields.put("slot", w.slot());
        fields.put("generation", w.generation());
        fields.put("row", w.row());
        fields.put("timeouts", timeouts(w.timeouts()));
        fields.put("pool", pool(w.pool()));
      }
      case ToProcess.Spawn s -> {
        fields.put("type", "spawn");
        fields.put("spawn", s.spawn());
        fields.put("slot", s.slot());
        fields.put("generation", s.generation());
      }
      case ToProcess.Promote p -> {
        fields.put("type", "promote");
        fields.put("generation", p.generation());
        fields.put("spawn", p.spawn());
        fields.put("timeout", p.timeout().toMillis());
        // On Linux this is CLOCK_MONOTONIC: a worker busy with a request reads this line late.
        fields.put("sent", System.nanoTime());
      }
      case ToProcess.Resume r -> {
        fields.put("type", "resume");
        fields.put("reason", r.reason());
      }
      case ToProcess.Stop s -> {
        fields.put("type", "stop");
        fields.put("grace", s.grace().toMillis());
      }
      case ToProcess.Error e -> {
        fields.put("type", "error");
        fields.put("code", e.code());
        fields.put("message", e.message());
      }
    }
    try {
      return (JSON.std.asString(fields) + "\n").getBytes(StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new IllegalStateException("a map of plain values is always JSON", e);
    }
  }

  private static Map<String, Object> timeouts(ToProcess.Timeouts t) {
    var fields = new LinkedHashMap<String, Object>();
    put(fields, "boot", t.boot());
    put(fields, "spawn", t.spawn());
    put(fields, "promote", t.promote());
    put(fields, "request", t.request());
    put(fields, "drain", t.drain());
    put(fields, "kill", t.kill());
    return fields;
  }

  private static void put(Map<String, Object> fields, String name, Duration value) {
    fields.put(name, value.toMillis());
  }

  private static Map<String, Object> pool(ToProcess.PoolFacts p) {
    var fields = new LinkedHashMap<String, Object>();
    fields.put("workers", p.workers());
    fields.put("backlog", p.backlog());
    fields.put("maxRequests", p.maxRequests());
    fields.put("listeners", p.listeners().stream().map(MoldCodec::listener).toList());
    fields.put("threads", List.copyOf(p.threads()));
    return fields;
  }

  private static Map<String, Object> listener(ToProcess.ListenerFact l) {
    var fields = new LinkedHashMap<String, Object>();
    fields.put("name", l.name());
    fields.put("address", l.address());
    return fields;
  }
}
