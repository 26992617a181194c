package io.refork.protocol.control;

import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.X509EncodedKeySpec;
import java.util.Arrays;
import java.util.HexFormat;

/** The JDK's Ed25519 and SHA-256, and keys as their 32 bytes. */
final class Ed25519 {
  static final int KEY_BYTES = 32;
  static final int SIGNATURE_BYTES = 64;

  /** SubjectPublicKeyInfo of an Ed25519 key up to the key's own bytes (RFC 8410). */
  private static final byte[] X509 = HexFormat.of().parseHex("302a300506032b6570032100");

  /**
   * The order of the curve's base point, little-endian (RFC 8032, 5.1). A signature whose second
   * half S is not below it is another spelling of one that is.
   */
  private static final byte[] ORDER =
      HexFormat.of().parseHex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");

  private Ed25519() {}

  /**
   * @throws GeneralSecurityException when the bytes are no point of the curve
   */
  static PublicKey publicKey(byte[] raw) throws GeneralSecurityException {
    if (raw.length != KEY_BYTES) {
      throw new GeneralSecurityException("an Ed25519 key has 32 bytes");
    }
    var encoded = Arrays.copyOf(X509, X509.length + KEY_BYTES);
    System.arraycopy(raw, 0, encoded, X509.length, KEY_BYTES);
    var key = KeyFactory.getInstance("Ed25519").generatePublic(new X509EncodedKeySpec(encoded));
    // Only now is the point decoded.
    Signature.getInstance("Ed25519").initVerify(key);
    return key;
  }

  /**
   * @throws IllegalArgumentException when it is a key of another kind
   */
  static byte[] raw(PublicKey key) {
    var encoded = key.getEncoded();
    if (encoded == null
        || encoded.length != X509.length + KEY_BYTES
        || !Arrays.equals(encoded, 0, X509.length, X509, 0, X509.length)) {
      throw new IllegalArgumentException("an Ed25519 key is needed, not " + key.getAlgorithm());
    }
    return Arrays.copyOfRange(encoded, X509.length, encoded.length);
  }

  static boolean verifies(PublicKey key, byte[] signed, byte[] signature) {
    if (!isCanonical(signature)) {
      return false;
    }
    try {
      var ed25519 = Signature.getInstance("Ed25519");
      ed25519.initVerify(key);
      ed25519.update(signed);
      return ed25519.verify(signature);
    } catch (GeneralSecurityException e) {
      return false; // bytes that are no signature
    }
  }

  /** The right length, and S below the order. */
  static boolean isCanonical(byte[] signature) {
    if (signature.length != SIGNATURE_BYTES) {
      return false;
    }
    for (int i = KEY_BYTES - 1; i >= 0; i--) {
      int s = signature[KEY_BYTES + i] & 0xff;
      int order = ORDER[i] & 0xff;
      if (s != order) {
        return s < order;
      }
    }
    return false;
  }

  /**
   * @throws IllegalArgumentException when it is a key of another kind
   */
  static byte[] sign(PrivateKey key, byte[] text) {
    try {
      var ed25519 = Signature.getInstance("Ed25519");
      ed25519.initSign(key);
      ed25519.update(text);
      return ed25519.sign();
    } catch (GeneralSecurityException e) {
      throw new IllegalArgumentException("an Ed25519 key is needed to sign", e);
    }
  }

  /**
   * @throws IllegalArgumentException when {@link #sign} would throw it
   */
  static void requireUsable(PrivateKey key) {
    try {
      Signature.getInstance("Ed25519").initSign(key);
    } catch (GeneralSecurityException e) {
      throw new IllegalArgumentException("an Ed25519 key is needed to sign", e);
    }
  }

  static byte[] sha256(byte[] bytes) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(bytes);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
