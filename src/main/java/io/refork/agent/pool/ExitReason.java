package io.refork.agent.pool;

/** Why a worker is gone; the same word in log, metric and report. */
public enum ExitReason {
  /** Asked for: HUP, fewer workers wanted, or the agent stops. */
  REQUESTED("requested"),
  /** It had served its {@code --max-requests}. */
  RECYCLED("recycled"),
  /** A worker of a newer generation, or the mold forked from it, took its place. */
  SUPERSEDED("superseded"),
  /** It ended by itself. */
  CRASHED("crashed"),
  /** It said hello and did not get ready in time. */
  BOOT_TIMEOUT("boot-timeout"),
  /** It never said hello. */
  SPAWN_TIMEOUT("spawn-timeout"),
  /** One of its requests took longer than {@code --request-timeout}. */
  REQUEST_TIMEOUT("request-timeout"),
  /** Idle, and its server's loop showed no sign of life. */
  HEARTBEAT_TIMEOUT("heartbeat-timeout"),
  /** It did not leave when asked and was killed. */
  KILLED("killed");

  private final String word;

  ExitReason(String word) {
    this.word = word;
  }

  /** The word users read. */
  public String word() {
    return word;
  }
}
