package io.refork.agent.linux;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/**
 * Bytes of the operating system (arguments, environment, paths) as strings and back without loss.
 * They are UTF-8 by habit, not by law: a byte that is not UTF-8 becomes the lone surrogate U+DC00 +
 * byte, as in Python. The JVM's own conversion loses every such byte, and in the C locale of most
 * containers every letter beyond ASCII.
 */
public final class OsText {
  private static final int ESCAPE = 0xDC00;

  private OsText() {}

  /** The text of {@code length} bytes from {@code offset}. */
  public static String decode(byte[] bytes, int offset, int length) {
    var ascii = true;
    for (var i = offset; i < offset + length && ascii; i++) {
      ascii = bytes[i] > 0;
    }
    if (ascii) {
      return new String(bytes, offset, length, StandardCharsets.ISO_8859_1);
    }
    var decoder =
        StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT);
    var in = ByteBuffer.wrap(bytes, offset, length);
    var out = CharBuffer.allocate(length);
    while (decoder.decode(in, out, true).isError()) {
      out.put((char) (ESCAPE + (in.get() & 0xff)));
    }
    return out.flip().toString();
  }

  /** The text of all bytes. */
  public static String decode(byte[] bytes) {
    return decode(bytes, 0, bytes.length);
  }

  /**
   * The bytes that {@link #decode} made this text of; a stray surrogate of other origin becomes
   * {@code '?'}.
   */
  public static byte[] encode(String text) {
    var encoder =
        StandardCharsets.UTF_8
            .newEncoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT);
    var in = CharBuffer.wrap(text);
    var chunk = ByteBuffer.allocate(text.length() * 3 + 4);
    var out = new ByteArrayOutputStream(text.length() + 8);
    CoderResult result;
    do {
      result = encoder.encode(in, chunk, true);
      out.write(chunk.array(), 0, chunk.position());
      chunk.clear();
      if (result.isError()) {
        var c = in.get();
        out.write(c > ESCAPE + 0x7f && c <= ESCAPE + 0xff ? c - ESCAPE : '?');
      }
    } while (result.isError());
    return out.toByteArray();
  }
}
