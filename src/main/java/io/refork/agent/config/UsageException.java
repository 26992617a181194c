package io.refork.agent.config;

/**
 * Something the user wrote that cannot be used. The message is one sentence: where it stands, what
 * it is, what is allowed. The command line prints it and ends with code 2; a changed configuration
 * file is logged with it and ignored.
 */
public final class UsageException extends Exception {
  private static final long serialVersionUID = 1L;

  /** {@code sentence} is shown as it is: whatever the user wrote must already be escaped. */
  public UsageException(String sentence) {
    // No stack trace: nobody reads it, and filling it is slow in an interpreted JVM.
    super(sentence, null, false, false);
  }

  /** The sentence; never null. */
  public String sentence() {
    return String.valueOf(getMessage());
  }
}
