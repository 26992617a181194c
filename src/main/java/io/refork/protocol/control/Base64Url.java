package io.refork.protocol.control;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.Optional;

/** Base64url without padding, in exactly one spelling per value. */
final class Base64Url {
  private static final Base64.Encoder ENCODER = Base64.getUrlEncoder().withoutPadding();
  private static final Base64.Decoder DECODER = Base64.getUrlDecoder();

  private Base64Url() {}

  static String encode(byte[] bytes) {
    return ENCODER.encodeToString(bytes);
  }

  /**
   * Empty when it is not what {@link #encode} writes. The JDK's decoder takes padding and ignores
   * bits that are left over, which would give one signature several spellings.
   */
  static Optional<byte[]> decode(String text) {
    try {
      var ascii = ascii(text);
      var bytes = DECODER.decode(ascii);
      return Arrays.equals(ENCODER.encode(bytes), ascii) ? Optional.of(bytes) : Optional.empty();
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  /** ISO-8859-1 turns what it does not know into '?', which is no base64. */
  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }
}
