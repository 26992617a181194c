package io.refork.agent.pool;

import io.refork.agent.linux.ExitStatus;
import java.time.Duration;
import java.util.List;
import java.util.OptionalDouble;

/** What happened: told by the kernel, by a process of the pool, by the user or by the clock. */
public sealed interface Event {
  /** The command of {@link Action.StartBootMold} runs. */
  record BootStarted(int command) implements Event {}

  /** It could not be started; {@code errno} is the kernel's. */
  record BootFailed(int errno, String message) implements Event {}

  /**
   * A process that we did not know says who it is; {@code connection} is the edge's number of its
   * connection.
   */
  record Hello(int connection, int pid, Claim claim) implements Event {}

  /** The middle process of a double fork told the newborn's pid on {@code by}'s connection. */
  record Spawned(int by, String spawn, int pid) implements Event {}

  /** The mold could not fork. */
  record SpawnFailed(int by, String spawn, String message) implements Event {}

  /** A mold has its application loaded, or a worker accepts. */
  record Ready(int pid) implements Event {}

  /** A worker has left rotation. */
  record Promoting(int pid) implements Event {}

  /** A worker will not become a mold, and serves on. */
  record Refused(int pid, ReforkReason reason, String detail) implements Event {}

  /** A member's conversation is over although it was not seen to end. */
  record Disconnected(int pid, String why) implements Event {}

  /** A child or adopted orphan ended and was reaped. */
  record Exited(int pid, ExitStatus status) implements Event {}

  /** A stop signal halted a child. */
  record Halted(int pid) implements Event {}

  /** The scoreboard's rows, read at one moment. */
  record Readings(List<Reading> rows) implements Event {}

  /** The workers' shared ratio, 0 to 1; empty when unknown. */
  record Shared(OptionalDouble ratio) implements Event {}

  /** Somebody asks for a refork now. */
  record ReforkAsked(String by) implements Event {}

  /**
   * The operator's leave to refork once. The same id again changes nothing.
   *
   * @param level the level that the pod reaches by it; any but its own + 1 lapses
   * @param within what has not begun by then lapses; from the step that takes this event
   */
  record Permitted(String id, int level, Duration within) implements Event {}

  /** The operator takes its leave back; what has begun goes on. */
  record PermitWithdrawn() implements Event {}

  /** Replace every worker by a fork of the current mold. */
  record ReplaceAsked() implements Event {}

  /** Leave; {@code fast} without draining. */
  record StopAsked(boolean fast) implements Event {}

  /** Other settings hold from now on. */
  record Desired(PoolSettings settings) implements Event {}

  /**
   * How many descendants live, members that outlived the drain included; told only while stopping.
   */
  record Strays(int count) implements Event {}

  /** Time has passed. */
  record Tick() implements Event {}

  /** Who a process says it is, with what the kernel says of it. */
  sealed interface Claim {
    /** The boot mold; {@code descends}: it is the command or a descendant of it. */
    record BootMold(boolean descends) implements Claim {}

    /**
     * A fork of a mold or of a promoting worker.
     *
     * @param ours whether its parent is the agent
     * @param named whether its comm is {@code rf:<spawn>}
     */
    record Newborn(boolean mold, String spawn, boolean ours, boolean named) implements Claim {}
  }

  /**
   * One row of the scoreboard. Times are the writer's CLOCK_MONOTONIC nanoseconds; 0: none. They
   * are compared with what was read before, never with a clock: so an agent that was stopped for a
   * while blames nobody for it.
   *
   * @param away it says that it is promoting or draining, so it takes no requests
   */
  record Reading(
      int pid, long busy, long oldest, long heartbeat, long served, long errors, boolean away) {}
}
