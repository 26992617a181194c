package io.refork.agent.linux;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * The shared memory in which each process says what it is doing, one row of 64 bytes per process;
 * the layout is in docs/protocol.md, "The scoreboard". The agent zeroes a row and leases it; from
 * then on only the process writes it, until it was reaped and {@link #release} is called. Used by
 * the event loop's thread only.
 */
public final class Scoreboard implements AutoCloseable {
  /** Bytes of a row: one cache line, so that writers do not disturb each other. */
  public static final int ROW = 64;

  private static final int LONGS = ROW / Long.BYTES;
  private static final int FORMAT = 1;

  /**
   * What one process says of itself. It is the application's word: ranges are checked, truth is
   * not.
   *
   * @param row its number
   * @param pid the process that holds the lease
   * @param generation 0 to 2^32 − 1, as the process wrote it
   * @param busy requests running now, 0 to 2^32 − 1
   * @param oldestNanos CLOCK_MONOTONIC when the oldest running request began; 0: none
   * @param heartbeatNanos CLOCK_MONOTONIC of the last turn of its loop; 0: it has none and is not
   *     judged
   * @param served requests since it was forked
   * @param errors of these, failed ones
   */
  public record Row(
      int row,
      int pid,
      long generation,
      State state,
      long busy,
      long oldestNanos,
      long heartbeatNanos,
      long served,
      long errors) {}

  /** What the process says it is doing. */
  public enum State {
    NONE,
    STARTING,
    ACCEPTING,
    PROMOTING,
    DRAINING
  }

  private final Path file;
  private final LongBuffer longs;

  /** Row → pid that leases it; 0: free. */
  private final int[] leases;

  /** Rows at and above this one are free, so nobody reads them. */
  private int used;

  private long[] copy = new long[0];

  private Scoreboard(Path file, LongBuffer longs, int rows) {
    this.file = file;
    this.longs = longs;
    this.leases = new int[rows];
  }

  /**
   * Creates the file anew, mode 0600, and maps it.
   *
   * @param file where; see {@link ScoreboardPlace}
   * @param rows as many processes as can exist at one moment, the dying included
   * @throws KernelException when it cannot be created or there is no space
   */
  public static Scoreboard create(Path file, int rows) throws KernelException {
    var owner = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
    var options =
        Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE);
    try {
      // Its place is ours alone (by the state directory's lock): what is there was left by a dead
      // agent.
      Files.deleteIfExists(file);
      try (var channel = FileChannel.open(file, options, owner)) {
        // Written, not just extended: on a full file system this fails here, with a sentence, and
        // not by SIGBUS later.
        var zeros = ByteBuffer.allocate(rows * ROW);
        while (zeros.hasRemaining()) {
          channel.write(zeros);
        }
        var map = channel.map(MapMode.READ_WRITE, 0, (long) rows * ROW);
        return new Scoreboard(file, map.order(ByteOrder.LITTLE_ENDIAN).asLongBuffer(), rows);
      }
    } catch (IOException e) {
      throw FileProblems.explain(
          e,
          "cannot create the scoreboard " + file,
          "make room there or choose another --state-dir");
    }
  }

  /** {@code REFORK_SCOREBOARD}. */
  public Path file() {
    return file;
  }

  /**
   * Zeroes the lowest free row and gives it to a process.
   *
   * @return the row's number, or empty when every row is leased
   */
  public OptionalInt lease(int pid) {
    for (var row = 0; row < leases.length; row++) {
      if (leases[row] == 0) {
        zero(row);
        leases[row] = pid;
        used = Math.max(used, row + 1);
        return OptionalInt.of(row);
      }
    }
    return OptionalInt.empty();
  }

  private void zero(int row) {
    try {
      longs.put(row * LONGS, new long[LONGS]);
    } catch (InternalError truncated) {
      // See copy(): the row is leased all the same, and nothing will be read from it.
    }
  }

  /**
   * Takes a row back. Only after its process was reaped: a living one would go on writing into its
   * successor's.
   */
  public void release(int row) {
    leases[row] = 0;
    while (used > 0 && leases[used - 1] == 0) {
      used--;
    }
  }

  /** One leased row; empty when it is free or its process has not written it yet. */
  public Optional<Row> read(int row) {
    return leases[row] == 0 || !copy(row, 1) ? Optional.empty() : row(row, 0);
  }

  /** Every row that is leased and written, in their order; one bulk copy. */
  public List<Row> rows() {
    var rows = new ArrayList<Row>();
    if (used > 0 && copy(0, used)) {
      for (var row = 0; row < used; row++) {
        if (leases[row] != 0) {
          row(row, row * LONGS).ifPresent(rows::add);
        }
      }
    }
    return rows;
  }

  private boolean copy(int from, int rows) {
    if (copy.length < rows * LONGS) {
      copy = new long[leases.length * LONGS];
    }
    try {
      longs.get(from * LONGS, copy, 0, rows * LONGS);
      return true;
    } catch (InternalError truncated) {
      // The application may cut its own user's file; that must not end the agent. Then nobody says
      // anything.
      return false;
    }
  }

  private Optional<Row> row(int row, int at) {
    var head = copy[at];
    var second = copy[at + 1];
    var state = (int) (head >>> 8 & 0xff);
    // Written by another process than the one that holds the lease: no word to go by.
    if ((head & 0xff) != FORMAT
        || state >= State.values().length
        || (second & 0xffff_ffffL) != leases[row]) {
      return Optional.empty();
    }
    return Optional.of(
        new Row(
            row,
            leases[row],
            head >>> 32,
            State.values()[state],
            second >>> 32,
            atLeastZero(copy[at + 2]),
            atLeastZero(copy[at + 3]),
            atLeastZero(copy[at + 4]),
            atLeastZero(copy[at + 5])));
  }

  private static long atLeastZero(long value) {
    return Math.max(0, value);
  }

  /** Removes the file; processes that have it mapped keep their memory. */
  @Override
  public void close() {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      // A file of some kilobytes; the next agent of this state directory replaces it.
    }
  }
}
