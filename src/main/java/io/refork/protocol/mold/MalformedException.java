package io.refork.protocol.mold;

/**
 * A line that is not a message. The message is for the peer and the log: it repeats nothing of the
 * line.
 */
public final class MalformedException extends Exception {
  private static final long serialVersionUID = 1L;
  private final String code;

  MalformedException(String code, String message) {
    super(message);
    this.code = code;
  }

  /** One of the protocol's error codes. */
  public String code() {
    return code;
  }
}
