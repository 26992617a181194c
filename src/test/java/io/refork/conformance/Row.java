package io.refork.conformance;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * One row of the scoreboard, byte by byte after the table in docs/protocol.md, "The scoreboard".
 */
record Row(
    int format,
    int state,
    int zero,
    long generation,
    long pid,
    long busy,
    long oldest,
    long heartbeat,
    long served,
    long errors,
    boolean restIsZero) {
  static final int SIZE = 64;
  static final int NONE = 0;
  static final int STARTING = 1;
  static final int ACCEPTING = 2;
  static final int PROMOTING = 3;
  static final int DRAINING = 4;

  static Row of(byte[] bytes) {
    var b = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    return new Row(
        b.get(0) & 0xff,
        b.get(1) & 0xff,
        b.getShort(2) & 0xffff,
        b.getInt(4) & 0xffff_ffffL,
        b.getInt(8) & 0xffff_ffffL,
        b.getInt(12) & 0xffff_ffffL,
        b.getLong(16),
        b.getLong(24),
        b.getLong(32),
        b.getLong(40),
        Arrays.equals(bytes, 48, SIZE, new byte[SIZE], 48, SIZE));
  }
}
