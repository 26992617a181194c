package io.refork.agent.log;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.refork.agent.log.Log.Format;
import io.refork.agent.log.Log.Level;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class LogTest {
  private final List<String> lines = new CopyOnWriteArrayList<>();

  private void keep(byte[] line) {
    lines.add(new String(line, UTF_8));
  }

  private static String render(Format format, Object... fields) {
    var line =
        new LogLine(1_795_268_472_123L, Level.INFO, "worker is ready", LogLine.bounded(fields));
    return new String(line.bytes(format), UTF_8);
  }

  @Test
  @DisplayName("a text line has time, level, what happened and fields; only odd values are quoted")
  void text() {
    assertThat(
            render(
                Format.TEXT,
                "slot",
                3,
                "pid",
                Optional.of(4711),
                "spawn",
                Optional.empty(),
                "took",
                Duration.ofMillis(1203),
                "by",
                "rf:a1",
                "detail",
                "it said \"no\"",
                "none",
                ""))
        .isEqualTo(
            "2026-11-21T13:41:12.123Z refork info  worker is ready slot=3 pid=4711 took=1.203s by=rf:a1"
                + " detail=\"it said \\\"no\\\"\" none=\"\"\n");
  }

  @Test
  @DisplayName("a JSON line has the same fields; durations are numbers of seconds")
  void json() {
    assertThat(
            render(
                Format.JSON,
                "slot",
                3,
                "took",
                Duration.ofMillis(-1203),
                "ready",
                true,
                "ratio",
                Double.NaN,
                "detail",
                "a\\b"))
        .isEqualTo(
            "{\"time\":\"2026-11-21T13:41:12.123Z\",\"level\":\"info\",\"logger\":\"refork\",\"message\":\"worker is ready\","
                + "\"slot\":3,\"took\":-1.203,\"ready\":true,\"ratio\":null,\"detail\":\"a\\\\b\"}\n");
  }

  @Test
  @DisplayName(
      "TOK-15 line ends, escape sequences and reordering characters of others stay inside one harmless line")
  void escaping() {
    var evil = "a\r\nb\u001b[2J\u0000\u009b1m\u202e\u2028\ud800é漢😀${jndi:x}";
    var safe = "a\\r\\nb\\u001b[2J\\u0000\\u009b1m\\u202e\\u2028\\ud800é漢😀${jndi:x}";
    assertThat(render(Format.TEXT, "detail", evil)).endsWith(" detail=\"" + safe + "\"\n");
    assertThat(render(Format.JSON, "detail", evil)).endsWith(",\"detail\":\"" + safe + "\"}\n");
  }

  @Test
  @DisplayName("a line fits into one atomic write to a pipe, however long its fields are")
  void bounded() {
    var fields = new Object[60];
    for (int i = 0; i < fields.length; i += 2) {
      fields[i] = "field" + i;
      fields[i + 1] = "\u0001".repeat(100_000);
    }
    for (var format : Format.values()) {
      var line = render(format, fields);
      assertThat(line.getBytes(UTF_8).length)
          .isLessThanOrEqualTo(LogLine.MAX_BYTES)
          .isGreaterThan(2000);
      assertThat(line).endsWith(format == Format.JSON ? "…\"}\n" : "…\"\n");
    }
  }

  @Test
  @DisplayName(
      "PID-14 with nobody reading the pipe, logging never waits: lines are dropped and counted, later it is said how many")
  void fullPipe() throws InterruptedException {
    var reading = new CountDownLatch(1);
    try (var log =
        Log.start(
            Format.TEXT,
            line -> {
              try {
                reading.await();
              } catch (InterruptedException e) {
                throw new IOException(e);
              }
              keep(line);
            })) {
      long begin = System.nanoTime();
      for (int i = 0; i < Log.QUEUE + 1000; i++) {
        log.info("line", "n", i);
      }
      assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(2));
      long dropped = log.dropped();
      assertThat(dropped).isBetween(999L, 1000L);
      reading.countDown();
      await().until(() -> lines.size() == Log.QUEUE + 1000 - dropped + 1);
      assertThat(lines)
          .anyMatch(line -> line.endsWith("not read fast enough dropped=" + dropped + "\n"));
    }
  }

  @Test
  @DisplayName("closing writes what is queued, but waits a second at most when it cannot")
  void close() {
    var log = Log.start(Format.TEXT, this::keep);
    for (int i = 0; i < 100; i++) {
      log.warn("line", "n", i);
    }
    log.close();
    assertThat(lines).hasSize(100).last().asString().contains("refork warn  line n=99");
    log.info("too late");
    assertThat(log.dropped()).isEqualTo(1);

    var never = new CountDownLatch(1);
    var stuck =
        Log.start(
            Format.TEXT,
            line -> {
              try {
                never.await();
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            });
    stuck.error("line");
    long begin = System.nanoTime();
    stuck.close();
    assertThat(Duration.ofNanos(System.nanoTime() - begin))
        .isBetween(Duration.ofMillis(900), Duration.ofSeconds(5));
    never.countDown();
  }

  @Test
  @DisplayName("a pipe that somebody made non-blocking is tried again")
  void nonBlockingPipe() {
    var tries = new AtomicInteger();
    try (var log =
        Log.start(
            Format.TEXT,
            line -> {
              if (tries.incrementAndGet() < 4) {
                throw new IOException("Resource temporarily unavailable");
              }
              keep(line);
            })) {
      log.info("line");
      await().until(() -> lines.size() == 1);
      assertThat(log.dropped()).isZero();
    }
  }

  @Test
  @DisplayName("repeated lines are limited and the rest is counted")
  void rateLimit() {
    var limit = new RateLimit(2, Duration.ofSeconds(10));
    assertThat(limit.admit(Long.MAX_VALUE)).isTrue();
    assertThat(limit.admit(Long.MAX_VALUE + 1)).isTrue(); // the clock may wrap around
    assertThat(limit.admit(Long.MAX_VALUE + 2)).isFalse();
    assertThat(limit.admit(Long.MAX_VALUE + 3)).isFalse();
    assertThat(limit.admit(Long.MAX_VALUE + Duration.ofSeconds(10).toNanos())).isTrue();
    assertThat(limit.takeSuppressed()).isEqualTo(2);
    assertThat(limit.takeSuppressed()).isZero();
  }
}
