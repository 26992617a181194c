package io.refork.agent.control;

import io.refork.agent.control.Status.Measure;
import io.refork.agent.control.Status.ProcessMemory;
import java.util.Optional;

/** A status in the words and numbers of the metrics. */
final class Readings {
  private Readings() {}

  static Optional<Double> known(Measure measure) {
    return switch (measure) {
      case Measure.Known(var value) -> Optional.of(value);
      case Measure.Unknown u -> Optional.empty();
    };
  }

  static Optional<Double> bytes(Status status, String role, String kind) {
    ProcessMemory memory = status.memory().byRole().get(role);
    if (memory == null) {
      return Optional.empty();
    }
    return switch (kind) {
      case "private" -> known(memory.privateBytes());
      case "proportional" -> known(memory.proportionalBytes());
      default -> known(memory.residentBytes());
    };
  }

  /** Eight states of a slot in five series. */
  static String workerState(String state) {
    return switch (state) {
      case "empty", "spawning" -> "starting";
      case "stopping" -> "draining";
      default -> state;
    };
  }

  static String moldState(Status status) {
    return switch (status.mold().map(Status.Mold::state).orElse("none")) {
      case "booting", "preparing" -> "starting";
      case "ready", "forking" -> "ready";
      default -> "none";
    };
  }

  /**
   * A label's value: what is not a short word of lower-case letters is a mistake of ours, and shown
   * as one.
   */
  static String word(String text) {
    boolean plain =
        text.length() <= 32
            && text.chars().allMatch(c -> c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-');
    return plain ? text : "invalid";
  }
}
