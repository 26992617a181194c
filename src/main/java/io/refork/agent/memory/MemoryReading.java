package io.refork.agent.memory;

/**
 * What one look at a process's memory brought. A process that cannot be measured is unknown, never
 * 0 bytes.
 */
public sealed interface MemoryReading {
  record Measured(ProcessMemory memory) implements MemoryReading {}

  record Unknown(Reason reason) implements MemoryReading {}

  /** Why a process's memory is not known. */
  enum Reason {
    /** It has ended, or its pid is another process's by now. */
    VANISHED("vanished"),
    /**
     * The kernel does not let us: it changed its user, is not dumpable, or a sandbox forbids it.
     */
    NOT_READABLE("not-readable"),
    /** There is no smaps_rollup, or it lacks Pss_Anon: a kernel before 5.4, or gVisor. */
    NOT_SUPPORTED("not-supported"),
    /** Its turn has not come yet. */
    NOT_SAMPLED_YET("not-sampled-yet");

    private final String word;

    Reason(String word) {
      this.word = word;
    }

    /** As in {@code refork status} and as a metric's label. */
    public String word() {
      return word;
    }
  }
}
