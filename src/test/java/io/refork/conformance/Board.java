package io.refork.conformance;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The scoreboard's file, read and never written once it is there. */
record Board(Path file) {
  private static final int ROWS = 64;

  Board {
    try {
      Files.write(file, new byte[ROWS * Row.SIZE]);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Row row(Peer peer) {
    return Row.of(bytes(peer.row));
  }

  /** Rows with anything in them. */
  List<Integer> written() {
    var found = new ArrayList<Integer>();
    for (var row = 0; row < ROWS; row++) {
      for (var b : bytes(row)) {
        if (b != 0) {
          found.add(row);
          break;
        }
      }
    }
    return found;
  }

  private byte[] bytes(int row) {
    try (var channel = Files.newByteChannel(file)) {
      var bytes = ByteBuffer.allocate(Row.SIZE);
      channel.position((long) row * Row.SIZE).read(bytes);
      return bytes.array();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
