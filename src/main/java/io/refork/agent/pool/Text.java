package io.refork.agent.pool;

import io.refork.agent.linux.ExitStatus;
import io.refork.agent.linux.Signal;

/** Words for the log. */
final class Text {
  private Text() {}

  /** How a process ended: {@code exit code 3}, {@code signal SEGV}. */
  static String of(ExitStatus status) {
    return switch (status) {
      case ExitStatus.Code c -> "exit code " + c.code();
      case ExitStatus.Killed k ->
          "signal " + Signal.of(k.number()).map(Signal::name).orElse(Integer.toString(k.number()));
      case ExitStatus.Untold() -> "ended";
    };
  }
}
