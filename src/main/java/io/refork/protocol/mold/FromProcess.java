package io.refork.protocol.mold;

import java.util.Optional;

/** What a process of the application tells the agent; docs/protocol.md, "Messages". */
public sealed interface FromProcess {
  /** A role that a process may claim. */
  enum Role {
    MOLD,
    WORKER
  }

  /** The first line. {@code spawn} is absent for the boot mold only. */
  record Hello(
      int protocol, Role role, int pid, Optional<String> spawn, String language, String shim)
      implements FromProcess {}

  /** Application loaded, or accepting. */
  record Ready() implements FromProcess {}

  /** The middle process tells the newborn's pid. */
  record Spawned(String spawn, int pid) implements FromProcess {}

  record SpawnFailed(String spawn, int errno, String message) implements FromProcess {}

  record Promoting() implements FromProcess {}

  /** {@code reason} is one of the protocol's words; whether it is, the reader decides. */
  record Refused(String reason, String detail) implements FromProcess {}

  record Leaving(String reason) implements FromProcess {}

  record Warning(String code, String message) implements FromProcess {}

  record Error(String code, String message) implements FromProcess {}
}
