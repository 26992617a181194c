package io.refork.agent.linux;

import java.util.Optional;

/** The signals the agent receives or sends, with their numbers on Linux (x86-64, arm64). */
public enum Signal {
  HUP(1),
  INT(2),
  QUIT(3),
  KILL(9),
  USR1(10),
  SEGV(11),
  USR2(12),
  TERM(15),
  CHLD(17),
  CONT(18),
  STOP(19),
  TTIN(21),
  TTOU(22),
  URG(23),
  WINCH(28);

  private final int number;

  Signal(int number) {
    this.number = number;
  }

  /** The kernel's number, 1 to 64. */
  public int number() {
    return number;
  }

  /** The signal of that number, or empty when the agent has no use for it. */
  public static Optional<Signal> of(int number) {
    for (var signal : values()) {
      if (signal.number == number) {
        return Optional.of(signal);
      }
    }
    return Optional.empty();
  }
}
