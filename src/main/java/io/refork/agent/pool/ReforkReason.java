package io.refork.agent.pool;

import java.util.Optional;

/** Why a refork was refused or aborted; the same word in log, metric and report. */
public enum ReforkReason {
  THREADS("threads"),
  CHILDREN("children"),
  DESCRIPTORS("descriptors"),
  NOT_FORK_SAFE("not-fork-safe"),
  HOOK_FAILED("hook-failed"),
  FORK_FAILED("fork-failed"),
  TIMEOUT("timeout"),
  CANARY_DIED("canary-died"),
  CANARY_NOT_READY("canary-not-ready"),
  CANARY_ERRORS("canary-errors"),
  FAILURE_BUDGET("failure-budget"),
  MOLD_DIED("mold-died"),
  /** The candidate ended while it was promoting. */
  CANDIDATE_DIED("candidate-died"),
  STOPPED("stopped");

  private final String word;

  ReforkReason(String word) {
    this.word = word;
  }

  /** The word users read, and the protocol's {@code refused} message carries. */
  public String word() {
    return word;
  }

  /** The refusal of that word as a worker may send it, or empty for anything else. */
  public static Optional<ReforkReason> refusal(String word) {
    for (var reason : values()) {
      if (reason.word.equals(word) && reason.ordinal() <= TIMEOUT.ordinal()) {
        return Optional.of(reason);
      }
    }
    return Optional.empty();
  }
}
