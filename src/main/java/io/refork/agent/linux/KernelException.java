package io.refork.agent.linux;

/** A call to the kernel that failed, with the sentence a user needs. */
public final class KernelException extends Exception {
  private static final long serialVersionUID = 1L;
  private final int errno;

  /** {@code message} says what was tried, on what, and why it failed. */
  public KernelException(int errno, String message) {
    super(message);
    this.errno = errno;
  }

  /** The kernel's error number. */
  public int errno() {
    return errno;
  }
}
