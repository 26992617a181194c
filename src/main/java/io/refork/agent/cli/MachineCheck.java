package io.refork.agent.cli;

import io.refork.agent.linux.KernelException;
import io.refork.agent.linux.ProcessSetup;
import io.refork.agent.memory.Cgroup;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Is this machine, or this container, fit for reforking? Reads files below {@code root}; a test
 * brings its own.
 */
final class MachineCheck {
  /** Molds and workers of both generations, helpers and the agent's threads. */
  private static final long PROCESSES = 100;

  private static final long DESCRIPTORS = 1024;

  /** A scoreboard of 512 workers with room for their successors. */
  private static final long SHARED_MEMORY = 256 * 1024;

  private final String root;

  /** {@code ""} for the real machine. */
  MachineCheck(String root) {
    this.root = root;
  }

  List<Finding> findings() {
    var findings = new ArrayList<Finding>();
    findings.add(libc());
    findings.add(controlGroup());
    findings.add(memoryLimit());
    findings.add(cpus());
    findings.add(sharing());
    findings.add(hugePages());
    findings.add(seccomp());
    findings.add(sharedMemory());
    findings.add(
        limit(
            "processes",
            "Max processes",
            PROCESSES,
            "raise it: ulimit -u, or the container's pids limit"));
    findings.add(limit("descriptors", "Max open files", DESCRIPTORS, "raise it: ulimit -n"));
    return findings;
  }

  /** What can only be tried on this very process. */
  static List<Finding> trials() {
    var findings = new ArrayList<Finding>();
    try {
      ProcessSetup.becomeSubreaper();
      findings.add(Finding.ok("subreaper", "orphans come to the agent"));
    } catch (KernelException e) {
      findings.add(
          Finding.fail(
              "subreaper", String.valueOf(e.getMessage()), "allow prctl in the seccomp profile"));
    }
    try {
      ProcessSetup.disableHugePages();
      findings.add(
          Finding.ok("THP switch", "transparent huge pages can be turned off for the application"));
    } catch (KernelException e) {
      findings.add(
          Finding.warn(
              "THP switch",
              String.valueOf(e.getMessage()),
              "turn transparent huge pages off on the machine, or allow prctl"));
    }
    return findings;
  }

  /** The banner that is compiled into every glibc; the file's name stopped telling at 2.34. */
  private Finding libc() {
    var banner = "GNU C Library ";
    var library =
        text("/proc/self/maps")
            .orElse("")
            .lines()
            .map(line -> line.substring(line.lastIndexOf(' ') + 1))
            .filter(f -> f.contains("/libc.so.6") || f.contains("/libc-2."))
            .findFirst();
    var content = library.flatMap(this::text).orElse("");
    int at = content.indexOf(banner);
    if (at < 0) {
      return Finding.warn(
          "C library",
          "not recognised",
          "the agent needs glibc; on musl (Alpine) it does not start");
    }
    int end = Math.max(at, content.indexOf('\n', at));
    var text = content.substring(at, Math.min(end, at + 100));
    int version = text.indexOf("version ");
    return Finding.ok(
        "C library",
        version < 0
            ? text
            : "glibc "
                + text.substring(version + 8)
                    .replaceAll("[^0-9.].*|\\.$", "")
                    .replaceAll("\\.$", ""));
  }

  private Finding controlGroup() {
    boolean unified = Files.exists(Path.of(root, "/sys/fs/cgroup/cgroup.controllers"));
    var groups = Cgroup.of(root).memoryDirectories();
    return groups.isEmpty()
        ? Finding.warn(
            "control group",
            "no memory controller can be seen",
            "the container's usage and limit stay unknown; mount /sys/fs/cgroup")
        : Finding.ok("control group", "version " + (unified ? 2 : 1) + ", " + groups.getFirst());
  }

  private Finding memoryLimit() {
    var cgroup = Cgroup.of(root);
    var usage =
        cgroup.memoryUsage().stream()
            .mapToObj(n -> StatusText.bytes(n) + " in use")
            .findFirst()
            .orElse("usage unknown");
    return cgroup.memoryLimit().isPresent()
        ? Finding.ok(
            "memory limit", StatusText.bytes(cgroup.memoryLimit().getAsLong()) + ", " + usage)
        : Finding.ok("memory limit", "none, " + usage);
  }

  private Finding cpus() {
    var cgroup = Cgroup.of(root);
    int usable = Runtime.getRuntime().availableProcessors();
    var limit =
        cgroup.cpuLimit().isPresent()
            ? String.format(Locale.ROOT, "limit %.2f", cgroup.cpuLimit().getAsDouble())
            : "no limit";
    int workers = cgroup.workers(usable);
    var found = limit + ", " + usage(usable) + ": --workers auto is " + workers;
    return workers < 4
        ? Finding.warn(
            "CPUs",
            found,
            "with fewer than about 4 workers there is little memory to share; a worker may also wait: give --workers N")
        : Finding.ok("CPUs", found);
  }

  private static String usage(int usable) {
    return usable == 1 ? "1 usable CPU" : usable + " usable CPUs";
  }

  private Finding sharing() {
    var rollup = text("/proc/self/smaps_rollup");
    return rollup.isPresent() && rollup.get().contains("Pss_Anon:")
        ? Finding.ok("shared memory", "smaps_rollup can be read")
        : Finding.warn(
            "shared memory",
            rollup.isEmpty()
                ? "/proc/self/smaps_rollup cannot be read"
                : "smaps_rollup has no Pss_Anon (Linux before 5.4)",
            "reforking works, but the shared ratio stays unknown and --refork-below never fires (as in gVisor)");
  }

  private Finding hugePages() {
    var enabled = text("/sys/kernel/mm/transparent_hugepage/enabled").orElse("");
    int open = enabled.indexOf('[');
    int close = enabled.indexOf(']');
    var mode = open >= 0 && close > open ? enabled.substring(open + 1, close) : "unknown";
    return Finding.ok(
        "huge pages",
        "transparent huge pages are set to "
            + mode
            + (mode.equals("always") ? "; --thp off, the default, matters" : ""));
  }

  private Finding seccomp() {
    var mode = field("/proc/self/status", "Seccomp:").orElse("unknown");
    return Finding.ok(
        "seccomp",
        switch (mode) {
          case "0" -> "no filter";
          case "1" -> "strict";
          case "2" -> "a filter is active; what it must allow is tried below";
          default -> "unknown";
        });
  }

  private Finding sharedMemory() {
    var path = Path.of(root, "/dev/shm");
    var advice = "give --state-dir a tmpfs, such as an emptyDir with medium: Memory";
    try {
      if (!Files.isWritable(path)) {
        return Finding.warn("/dev/shm", "not there, or not writable", advice);
      }
      var store = Files.getFileStore(path);
      var size =
          StatusText.bytes(store.getTotalSpace())
              + ", "
              + StatusText.bytes(store.getUsableSpace())
              + " free";
      if (!store.type().equals("tmpfs") && root.isEmpty()) {
        return Finding.warn("/dev/shm", "not a tmpfs but " + store.type(), advice);
      }
      return store.getUsableSpace() < SHARED_MEMORY
          ? Finding.warn("/dev/shm", size, "free 256 KiB for the scoreboard, or " + advice)
          : Finding.ok("/dev/shm", size);
    } catch (IOException e) {
      return Finding.warn("/dev/shm", "cannot be looked into: " + e.getMessage(), advice);
    }
  }

  /** A row of {@code /proc/self/limits}: name, soft limit, hard limit, unit. */
  private Finding limit(String what, String row, long enough, String advice) {
    var soft = field("/proc/self/limits", row).orElse("unknown");
    var number = number(soft);
    return number.isPresent() && number.getAsLong() < enough
        ? Finding.warn(what, "at most " + soft, advice)
        : Finding.ok(what, "at most " + soft);
  }

  private static OptionalLong number(String text) {
    try {
      return OptionalLong.of(Long.parseLong(text));
    } catch (NumberFormatException e) {
      return OptionalLong.empty();
    }
  }

  /** The first word after {@code name} at a line's begin. */
  private Optional<String> field(String file, String name) {
    return text(file)
        .flatMap(
            content ->
                content
                    .lines()
                    .filter(line -> line.startsWith(name))
                    .map(line -> line.substring(name.length()).strip().split("\\s+")[0])
                    .findFirst());
  }

  private Optional<String> text(String file) {
    try {
      return Optional.of(Files.readString(Path.of(root, file), StandardCharsets.ISO_8859_1));
    } catch (IOException e) {
      return Optional.empty();
    }
  }
}
