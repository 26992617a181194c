package io.refork.agent;

import io.refork.agent.linux.Kernel;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * One connection on a Unix socket of ours: bytes in, lines out; bytes queued while the peer does
 * not read. Everything it may hold is bounded.
 */
final class Link {
  /** A peer that lets this much wait has stopped reading: a conversation is a few hundred bytes. */
  private static final int MAX_QUEUED = 1 << 20;

  /**
   * Lines of one look. A process says a dozen in its life; a megabyte of line ends would be a
   * million objects, more than the agent's heap, and their answers seconds without a turn of the
   * loop.
   */
  static final int MAX_LINES = 512;

  private final Kernel kernel;
  private final int fd;
  private final Kernel.Peer peer;
  private final long openedAt;
  private final ArrayDeque<byte[]> out = new ArrayDeque<>();
  private byte[] in = new byte[0];
  private int outOffset;
  private int queued;
  private boolean ended;
  private boolean closeWhenSent;

  Link(Kernel kernel, Kernel.Accepted accepted, long now) {
    this.kernel = kernel;
    this.fd = accepted.fd();
    this.peer = accepted.peer();
    this.openedAt = now;
  }

  /** What a look at the socket brought. */
  sealed interface Received {
    /** Whole lines, without their ends; {@code ended}: and nothing will follow. */
    record Lines(List<byte[]> lines, boolean ended) implements Received {}

    /** A line is longer than allowed, or there are more than {@link #MAX_LINES}. */
    record TooMuch() implements Received {}
  }

  int fd() {
    return fd;
  }

  Kernel.Peer peer() {
    return peer;
  }

  long openedAt() {
    return openedAt;
  }

  /** Reads all there is: a full socket buffer is less than the 1 MiB that one look takes. */
  Received receive(int maxLine) {
    var lines = new ArrayList<byte[]>();
    for (int i = 0; i < 16 && !ended; i++) {
      switch (kernel.read(fd)) {
        case Kernel.Read.Data d -> {
          if (!split(d.bytes(), lines, maxLine)) {
            return new Received.TooMuch();
          }
        }
        case Kernel.Read.Nothing() -> {
          return new Received.Lines(lines, false);
        }
        case Kernel.Read.Closed() -> ended = true;
      }
    }
    return new Received.Lines(lines, ended);
  }

  private boolean split(byte[] bytes, List<byte[]> lines, int maxLine) {
    int start = 0;
    for (int i = 0; i < bytes.length; i++) {
      if (bytes[i] == '\n') {
        if (in.length + i - start >= maxLine || lines.size() == MAX_LINES) {
          return false;
        }
        lines.add(joined(bytes, start, i));
        in = new byte[0];
        start = i + 1;
      }
    }
    if (in.length + bytes.length - start >= maxLine) {
      return false;
    }
    in = joined(bytes, start, bytes.length);
    return true;
  }

  private byte[] joined(byte[] bytes, int from, int to) {
    if (in.length == 0) {
      return Arrays.copyOfRange(bytes, from, to);
    }
    var joined = Arrays.copyOf(in, in.length + to - from);
    System.arraycopy(bytes, from, joined, in.length, to - from);
    return joined;
  }

  /**
   * Sends now what the socket takes and queues the rest; false when the peer is gone or does not
   * read.
   */
  boolean send(byte[] line) {
    if (queued + line.length > MAX_QUEUED) {
      return false;
    }
    out.add(line);
    queued += line.length;
    return flush();
  }

  /** Sends what is queued; false when the connection is broken. */
  boolean flush() {
    while (!out.isEmpty()) {
      var head = out.element();
      int taken = kernel.write(fd, head, outOffset, head.length - outOffset);
      if (taken < 0) {
        return false;
      }
      queued -= taken;
      outOffset += taken;
      if (outOffset < head.length) {
        return true;
      }
      out.remove();
      outOffset = 0;
    }
    return true;
  }

  boolean wantsToWrite() {
    return !out.isEmpty();
  }

  /** Says something last; the loop closes it once it is sent. */
  void sayLast(byte[] line) {
    closeWhenSent = true;
    if (!send(line)) {
      ended = true;
    }
  }

  boolean finished() {
    return ended || closeWhenSent && out.isEmpty();
  }

  boolean closing() {
    return closeWhenSent;
  }

  void close() {
    kernel.close(fd);
  }
}
