package io.refork.demo;

import io.refork.process.Proc;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * What a container of this machine uses, in bytes, read from outside in the same way whoever runs
 * in it; the pod's own sandbox process is left out.
 *
 * @param processes how many
 * @param proportional ΣPSS of its processes, anonymous memory
 * @param all ΣPSS with code and libraries
 * @param resident ΣRSS of its processes' anonymous memory: as if nothing were shared
 * @param workingSet what the cgroup is charged with but for what can be dropped at once: what
 *     {@code kubectl top} shows, and evictions go by
 */
record PodMemory(
    int processes, double proportional, double all, double resident, double workingSet) {

  /** Of the container of a pod. */
  static PodMemory of(String podUid) {
    var pids =
        Proc.all().stream()
            .filter(pid -> Proc.file(pid, "cgroup").filter(g -> g.contains(podUid)).isPresent())
            .filter(pid -> !Proc.comm(pid).equals("pause"))
            .toList();
    if (pids.isEmpty()) {
      throw new IllegalStateException("no process of the pod " + podUid + " on this machine");
    }
    return new PodMemory(
        pids.size(),
        sum(pids, "Pss_Anon"),
        sum(pids, "Pss"),
        sum(pids, "Anonymous"),
        workingSet(pids.getFirst()));
  }

  private static double sum(List<Integer> pids, String field) {
    return pids.stream().mapToLong(p -> Proc.smaps(p, field)).sum();
  }

  /** Version 1 has a line of its own for memory and counts the groups below by "total". */
  private static double workingSet(int pid) {
    var lines = Proc.file(pid, "cgroup").orElse("").lines().toList();
    var first =
        lines.stream().filter(l -> l.split(":", 3)[1].equals("memory")).findFirst().orElse("");
    var group =
        Path.of(
            first.isEmpty()
                ? "/sys/fs/cgroup" + lines.getFirst().split(":", 3)[2]
                : "/sys/fs/cgroup/memory" + first.split(":", 3)[2]);
    var usage = first.isEmpty() ? "memory.current" : "memory.usage_in_bytes";
    var droppable = first.isEmpty() ? "inactive_file " : "total_inactive_file ";
    try {
      long used = Long.parseLong(Files.readString(group.resolve(usage)).strip());
      return used
          - Files.readAllLines(group.resolve("memory.stat")).stream()
              .filter(l -> l.startsWith(droppable))
              .mapToLong(l -> Long.parseLong(l.substring(droppable.length())))
              .sum();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
