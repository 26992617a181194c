package io.refork.agent.cli;

import java.util.List;
import java.util.Optional;

/**
 * All that a trial of an application has shown; {@link TrialFindings} judges it. Immutable.
 *
 * @param load the requests
 * @param warnings what the application's shim said in the agent's log
 * @param moldThreads native names of the boot mold's threads but the main one
 * @param before after the first load, quiet, before the refork
 * @param after when the refork had ended, if it was completed
 * @param later after as much load again
 * @param application what /proc tells of sockets, files and children of all processes
 * @param connections TCP connections that single workers held when they were quiet, by peer
 */
record TrialSeen(
    LoadSeen load,
    List<Warning> warnings,
    List<String> moldThreads,
    PoolSeen before,
    Optional<PoolSeen> after,
    Optional<PoolSeen> later,
    List<String> connections,
    List<Finding> application,
    Outcome outcome) {

  /** A line of the agent's log; its text was cut at 200 characters. */
  record Warning(String code, String message) {}

  /** How the refork ended. */
  sealed interface Outcome {
    record Completed(double seconds) implements Outcome {}

    /** {@code how} is refused or aborted, {@code reason} a word of the agent. */
    record Failed(String how, String reason, String detail) implements Outcome {}

    /** It never began, or never ended; a sentence. */
    record Unknown(String sentence) implements Outcome {}
  }

  /**
   * The pool at one instant without load.
   *
   * @param memory empty when it cannot be read
   * @param workerDescriptors open in the worker that has most
   * @param moldDescriptors what the mold has open, a text each
   */
  record PoolSeen(
      Optional<MemorySeen> memory, int workerDescriptors, List<String> moldDescriptors) {
    PoolSeen {
      moldDescriptors = List.copyOf(moldDescriptors);
    }
  }

  /**
   * Anonymous memory, bytes.
   *
   * @param workers how many were measured
   * @param privateEach of one worker on average
   * @param residentEach of one worker on average
   * @param proportional Σ over workers and molds
   */
  record MemorySeen(int workers, double privateEach, double residentEach, double proportional) {
    /** 0 to 1. */
    double sharedRatio() {
      return residentEach <= 0 ? 0 : 1 - privateEach / residentEach;
    }
  }

  TrialSeen {
    warnings = List.copyOf(warnings);
    moldThreads = List.copyOf(moldThreads);
    connections = List.copyOf(connections);
    application = List.copyOf(application);
  }
}
