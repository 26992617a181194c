package io.refork.agent.pool;

import java.util.OptionalInt;

/**
 * A process that said hello as a mold.
 *
 * @param command the command that it came from, when that is another process (a script that stays)
 */
record Mold(int pid, int generation, State state, OptionalInt command, long born) {

  /** Where a mold stands. Deadlines are pool time. */
  sealed interface State {
    /** Loads its application, or collects and freezes its heap. */
    record Preparing(long deadline) implements State {}

    record Ready() implements State {}

    record Leaving(Worker.Stage stage, long deadline) implements State {}
  }

  Mold in(State next) {
    return new Mold(pid, generation, next, command, born);
  }

  boolean ready() {
    return state instanceof State.Ready;
  }

  boolean leaving() {
    return state instanceof State.Leaving;
  }

  String word() {
    return switch (state) {
      case State.Preparing p -> "preparing";
      case State.Ready r -> "ready";
      case State.Leaving l -> "stopping";
    };
  }
}
