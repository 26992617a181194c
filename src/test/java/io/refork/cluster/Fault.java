package io.refork.cluster;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/** What can go wrong between the operator and an agent, or inside an agent that lies. */
public sealed interface Fault {
  /** The connection is closed before anything is read. */
  record Refused() implements Fault {}

  /** The request takes effect, the reply does not arrive. */
  record ReplyLost() implements Fault {}

  /** The request takes effect twice. */
  record Duplicated() implements Fault {}

  /** The request waits that long before it takes effect; the operator may have given up by then. */
  record Late(Duration by) implements Fault {}

  /** Another status than 200 and no report. */
  record Status(int code) implements Fault {}

  /** Something else than the honest reply. */
  record Lie(UnaryOperator<byte[]> reply) implements Fault {}

  /** Bytes that are no JSON. */
  static Fault garbage() {
    return new Lie(honest -> "<html>\0\u001b[31m no".getBytes(StandardCharsets.UTF_8));
  }

  /** A report and then a megabyte of blanks. */
  static Fault oneMegabyte() {
    return new Lie(
        honest -> {
          var reply = Arrays.copyOf(honest, 1 << 20);
          Arrays.fill(reply, honest.length, reply.length, (byte) ' ');
          return reply;
        });
  }

  /** Arrays in arrays, deeper than any parser's stack. */
  static Fault deepJson() {
    return new Lie(honest -> "[".repeat(10_000).getBytes(StandardCharsets.UTF_8));
  }

  /** A billion workers. */
  static Fault billionWorkers() {
    return edited(r -> ((ObjectNode) r.get("workers")).put("ready", 1_000_000_000));
  }

  /** Fewer than no workers. */
  static Fault negative() {
    return edited(r -> ((ObjectNode) r.get("workers")).put("ready", -7));
  }

  /** A shared ratio that is no number. */
  static Fault notANumber() {
    return edited(r -> ((ObjectNode) r.get("memory")).put("sharedRatio", Double.NaN));
  }

  /** Text that a browser would run, in a report that is valid otherwise. */
  static Fault script() {
    return edited(r -> r.put("version", "<script>alert(1)</script>"));
  }

  /** The report of another pod. */
  static Fault otherPod() {
    return edited(r -> r.put("pod", "00000000-0000-0000-0000-000000000000"));
  }

  /** A session that is not the agent's. */
  static Fault otherSession() {
    return edited(r -> r.put("session", "somebody-else"));
  }

  /** The honest report with changes; NaN is written as JavaScript would. */
  static Fault edited(Consumer<ObjectNode> change) {
    var json = new ObjectMapper();
    return new Lie(
        honest -> {
          try {
            JsonNode report = json.readTree(honest);
            change.accept((ObjectNode) report);
            return json.writeValueAsString(report)
                .replace("\"NaN\"", "NaN")
                .getBytes(StandardCharsets.UTF_8);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }
}
