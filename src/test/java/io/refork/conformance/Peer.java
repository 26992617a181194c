package io.refork.conformance;

import com.fasterxml.jackson.jr.ob.JSON;
import io.refork.protocol.mold.MalformedException;
import io.refork.protocol.mold.MoldCodec;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** One process of the pool as its agent knows it: a connection, a row, and what it has said. */
final class Peer {
  final int fd;

  /** The kernel's word, not the process's. */
  final int pid;

  /** Its row, once it was welcomed. */
  int row = -1;

  int generation;
  int spawns;
  boolean welcomed;
  boolean closed;

  /** Told by {@code warning}; they may come at any time. */
  final List<Map<String, Object>> warnings = new ArrayList<>();

  private final ByteArrayOutputStream partial = new ByteArrayOutputStream();
  private final Deque<Map<String, Object>> unread = new ArrayDeque<>();
  private Map<String, Object> hello = Map.of();

  Peer(int fd, int pid) {
    this.fd = fd;
    this.pid = pid;
  }

  /** Takes bytes in. A line that the agent would not accept ends the scenario. */
  void take(byte[] bytes) {
    for (var b : bytes) {
      if (b == '\n') {
        line(partial.toByteArray());
        partial.reset();
      } else {
        partial.write(b);
        if (partial.size() >= MoldCodec.MAX_LINE) {
          throw new Unmet("lines of at most " + MoldCodec.MAX_LINE + " bytes", "a longer one");
        }
      }
    }
  }

  private void line(byte[] bytes) {
    try {
      MoldCodec.decode(bytes);
      var message = JSON.std.mapFrom(bytes);
      if ("warning".equals(message.get("type"))) {
        warnings.add(message);
      } else {
        unread.add(message);
      }
    } catch (MalformedException | IOException e) {
      throw new Unmet(
          "a message of the protocol from process " + pid,
          new String(bytes, java.nio.charset.StandardCharsets.UTF_8) + " (" + e.getMessage() + ")");
    }
  }

  Optional<Map<String, Object>> next() {
    return Optional.ofNullable(unread.poll());
  }

  boolean saidSomething() {
    return !unread.isEmpty();
  }

  String said() {
    return unread.isEmpty() ? (closed ? "end of file" : "nothing") : unread.toString();
  }

  Map<String, Object> hello() {
    return hello;
  }

  void hello(Map<String, Object> message) {
    hello = message;
  }
}
