package io.refork.agent.linux;

/** What {@code waitpid(-1, WNOHANG | WUNTRACED)} says of one child or adopted orphan. */
public sealed interface ChildEvent {
  int pid();

  /** It ended and was reaped: its pid may be used again from now on. */
  record Exited(int pid, ExitStatus status) implements ChildEvent {}

  /** A stop signal halted it; it still exists. */
  record Stopped(int pid) implements ChildEvent {}
}
