package io.refork.agent.linux;

/** How a process ended, as {@code waitpid} tells it. */
public sealed interface ExitStatus {
  /** It left by itself; {@code code} is 0 to 255. */
  record Code(int code) implements ExitStatus {}

  /** A signal ended it; {@code number} is the kernel's, 1 to 64. */
  record Killed(int number) implements ExitStatus {}

  /** It was not our child, so nobody told us how (known by its pidfd). */
  record Untold() implements ExitStatus {}

  /** What a shell would report: the code, or 128 + signal; 1 when untold. */
  default int shellCode() {
    return switch (this) {
      case Code c -> c.code();
      case Killed k -> 128 + k.number();
      case Untold() -> 1;
    };
  }
}
