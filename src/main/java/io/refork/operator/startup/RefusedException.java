package io.refork.operator.startup;

/** The operator does not start. The message is one sentence: what, where, what to do. */
final class RefusedException extends Exception {
  private static final long serialVersionUID = 1;

  RefusedException(String sentence) {
    super(sentence);
  }
}
