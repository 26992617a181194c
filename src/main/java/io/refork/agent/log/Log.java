package io.refork.agent.log;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * The agent's own lines on standard error. Whoever logs puts a value into a bounded queue and goes
 * on; one thread of this class writes. When nobody reads the other end of the pipe, lines are
 * dropped and counted, and nothing else happens: the event loop must never wait for a terminal.
 * Safe from any thread.
 */
public final class Log implements AutoCloseable {
  /** How lines look. */
  public enum Format {
    TEXT,
    JSON
  }

  /** How much a line matters. */
  public enum Level {
    INFO,
    WARN,
    ERROR
  }

  /** Where lines go: one call, one line. */
  @FunctionalInterface
  public interface Sink {
    void write(byte[] line) throws IOException;
  }

  /** A minute of a busy rollout of 64 workers, and at most 1 MiB however long the fields are. */
  static final int QUEUE = 512;

  /**
   * Somebody may have made our pipe non-blocking (it is shared with the application). Then a full
   * one fails instead of waiting; the line is tried again for one second.
   */
  private static final int TRIES = 50;

  private static final long PAUSE_NANOS = 20_000_000;

  /**
   * Long enough for a healthy reader to take what is queued; a stuck one shall not hold up the
   * exit.
   */
  private static final Duration FLUSH = Duration.ofSeconds(1);

  /**
   * The writer needs little; the default of 1 MiB would count against the agent's limit when
   * touched.
   */
  private static final long STACK = 256 * 1024;

  private static final LogLine END = new LogLine(0, Level.INFO, "", new Object[0]);

  private final ArrayBlockingQueue<LogLine> queue = new ArrayBlockingQueue<>(QUEUE);
  private final AtomicLong dropped = new AtomicLong();
  private final Format format;
  private final Sink sink;
  private final Thread writer;
  private volatile boolean closing;

  private Log(Format format, Sink sink) {
    this.format = format;
    this.sink = sink;
    this.writer = new Thread(null, this::write, "refork-log", STACK);
    writer.setDaemon(true);
  }

  /** Starts writing to standard error. */
  public static Log start(Format format) {
    var out = new FileOutputStream(FileDescriptor.err);
    return start(format, out::write);
  }

  /** Starts writing somewhere else. */
  public static Log start(Format format, Sink sink) {
    var log = new Log(format, sink);
    log.writer.start();
    return log;
  }

  /**
   * Something that was to be expected.
   *
   * @param what a constant: few words, no values
   * @param fields names (constants) and values by turns: numbers, text, words, {@link Duration}s
   *     (shown in seconds), {@link java.util.Optional}s (left out when empty)
   */
  public void info(String what, Object... fields) {
    log(Level.INFO, what, fields);
  }

  /** Something that a user may have to act on. */
  public void warn(String what, Object... fields) {
    log(Level.WARN, what, fields);
  }

  /** Something that stops the agent or a refork. */
  public void error(String what, Object... fields) {
    log(Level.ERROR, what, fields);
  }

  /** As the others, for a level that is computed. */
  public void log(Level level, String what, Object... fields) {
    var line = new LogLine(System.currentTimeMillis(), level, what, LogLine.bounded(fields));
    if (closing || !queue.offer(line)) {
      dropped.incrementAndGet();
    }
  }

  /** How many lines were never written. */
  public long dropped() {
    return dropped.get();
  }

  /** Writes what is queued, for one second at most. Later lines are dropped. */
  @Override
  public void close() {
    closing = true;
    try {
      if (queue.offer(END, FLUSH.toMillis(), TimeUnit.MILLISECONDS)) {
        writer.join(FLUSH);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void write() {
    long reported = 0;
    try {
      for (var line = queue.take(); line != END; line = queue.take()) {
        writeLine(line);
        long lost = dropped.get();
        if (lost > reported && !closing) {
          reported = lost;
          writeLine(
              new LogLine(
                  System.currentTimeMillis(),
                  Level.WARN,
                  "log lines were dropped: standard error is not read fast enough",
                  new Object[] {"dropped", lost}));
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void writeLine(LogLine line) {
    var bytes = line.bytes(format);
    for (int i = 0; i < TRIES; i++) {
      try {
        sink.write(bytes);
        return;
      } catch (IOException e) {
        // full and non-blocking, or closed: nobody could be told
        LockSupport.parkNanos(PAUSE_NANOS);
      }
    }
    dropped.incrementAndGet();
  }
}
