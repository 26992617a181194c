package io.refork.protocol.control;

/**
 * A document of the control protocol that is not to be used. The message is one sentence with the
 * path of the field; it repeats no value, so it may be logged and shown as it is.
 */
public final class MalformedException extends Exception {
  private static final long serialVersionUID = 1L;

  MalformedException(String sentence) {
    // No stack trace: the sender is to blame, and filling it is slow in an interpreted JVM.
    super(sentence, null, false, false);
  }

  /** The sentence; never null. */
  public String sentence() {
    return String.valueOf(getMessage());
  }
}
