package io.refork.operator.agents;

/**
 * There is no key to sign with. The message is one sentence: what is wrong, where, what to do; it
 * repeats nothing of the Secret. The operator then ends: without a key it could ask no agent, and
 * with a new one it would lock itself out of every pod that runs.
 */
public final class KeyUnavailableException extends Exception {
  private static final long serialVersionUID = 1L;

  KeyUnavailableException(String sentence) {
    super(sentence);
  }
}
