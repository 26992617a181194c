package io.refork.agent.memory;

import io.refork.agent.linux.Bytes;
import io.refork.agent.linux.ProcFs;
import io.refork.agent.memory.MemoryReading.Measured;
import io.refork.agent.memory.MemoryReading.Reason;
import io.refork.agent.memory.MemoryReading.Unknown;
import java.io.File;

/**
 * Reads {@code /proc/PID/smaps_rollup}: 4 to 75 ms per GiB, so not on the event loop's thread. Not
 * safe for several threads.
 */
public final class MemoryReader {
  private static final long KIB = 1024;
  private final String root;
  private final ProcFs proc;

  /** {@code root} is {@code /proc}, or a directory of files in a test. */
  public MemoryReader(String root) {
    this.root = root;
    proc = new ProcFs(root);
  }

  /**
   * Measures one process, or says why not. {@code startTime} tells it from a later one with its
   * pid.
   */
  public MemoryReading read(int pid, long startTime) {
    var rollup = proc.bytes(pid + "/smaps_rollup");
    // Afterwards: if the pid is still this process's now, it was so while we read.
    var process = proc.process(pid);
    if (process.isEmpty()
        || process.get().startTime() != startTime
        || process.get().state() == 'Z') {
      return new Unknown(Reason.VANISHED);
    }
    if (rollup.isEmpty()) {
      var exists = new File(root, pid + "/smaps_rollup").exists();
      return new Unknown(exists ? Reason.NOT_READABLE : Reason.NOT_SUPPORTED);
    }
    // A process that is just ending has no memory map any more: the file is empty then.
    return rollup.get().length == 0 ? new Unknown(Reason.VANISHED) : parse(rollup.get());
  }

  /**
   * Private_Dirty is the private anonymous memory plus dirty pages of files that only this process
   * maps: with 30 MB of a file written through a mapping it says 30.8 where 0.8 is right, until the
   * file has been written back (measured, Linux 6.18). The rollup has nothing better, and the full
   * {@code smaps} costs a hundred times as much to parse. The error is on the safe side, it makes
   * sharing look worse, and is bounded by what is resident at all. Private_Clean would be no
   * better: it is pages of files only, but for anonymous ones that are about to be freed.
   */
  static MemoryReading parse(byte[] rollup) {
    var resident = Bytes.field(rollup, rollup.length, "Anonymous");
    var proportional = Bytes.field(rollup, rollup.length, "Pss_Anon");
    var privateDirty = Bytes.field(rollup, rollup.length, "Private_Dirty");
    if (resident < 0 || proportional < 0 || privateDirty < 0) {
      return new Unknown(Reason.NOT_SUPPORTED);
    }
    return new Measured(
        new ProcessMemory(
            resident * KIB, proportional * KIB, Math.min(privateDirty, resident) * KIB));
  }
}
