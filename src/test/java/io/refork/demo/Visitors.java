package io.refork.demo;

import io.fabric8.kubernetes.client.dsl.LogWatch;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.refork.bench.Replies;
import io.refork.process.Json;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/** Follows what examples/flask-shop/visitors.py writes; ends with the log or when it is closed. */
final class Visitors implements AutoCloseable {
  private final LogWatch log;
  private final Replies replies = new Replies();
  private final AtomicInteger again = new AtomicInteger();

  Visitors(LogWatch log) {
    this.log = log;
    Thread.ofPlatform().daemon().name("visitors").start(this::follow);
  }

  private void follow() {
    try (var lines =
        new BufferedReader(new InputStreamReader(log.getOutput(), StandardCharsets.UTF_8))) {
      for (var line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.startsWith("{")) {
          add(line);
        }
      }
    } catch (IOException closed) {
      return;
    }
  }

  @SuppressWarnings("unchecked")
  private void add(String line) {
    long now = System.nanoTime();
    var said = new Json(Serialization.unmarshal(line, Map.class));
    for (var millis : (List<Number>) said.fields().getOrDefault("millis", List.of())) {
      replies.add(new Replies.Reply(now, (long) (millis.doubleValue() * 1e6), ""));
    }
    said.object("failed")
        .fields()
        .forEach(
            (what, count) -> {
              for (int i = 0; i < ((Number) count).intValue(); i++) {
                replies.add(new Replies.Reply(now, 0, what));
              }
            });
    again.addAndGet(said.integer("again"));
  }

  Replies replies() {
    return replies;
  }

  /** Requests that were sent a second time, because their kept-alive connection was closed. */
  int again() {
    return again.get();
  }

  @Override
  public void close() {
    log.close();
  }
}
