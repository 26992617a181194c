package io.refork.agent.memory;

/** A number that may be unknown. */
public sealed interface Figure {
  record Known(double value) implements Figure {}

  /** {@code reason}: one or two words for the user. */
  record Unknown(String reason) implements Figure {}
}
