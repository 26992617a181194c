package io.refork.agent.memory;

import io.refork.agent.linux.Bytes;
import io.refork.agent.linux.ProcFs;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * What the container's control groups say, version 1, 2 or both. A limit counts wherever it stands
 * between our group and the topmost one that we can see: the smallest holds. Reading is cheap (some
 * files); not safe for several threads.
 */
public final class Cgroup {
  /** Version 1 writes "unlimited" as the largest multiple of a page; no machine has this much. */
  private static final long UNLIMITED = 1L << 60;

  private final ProcFs root;
  private final Optional<CgroupPath> memory;
  private final Optional<CgroupPath> cpu;

  private Cgroup(ProcFs root, Optional<CgroupPath> memory, Optional<CgroupPath> cpu) {
    this.root = root;
    this.memory = memory;
    this.cpu = cpu;
  }

  /**
   * This process's groups. {@code root} is {@code ""} for the real file system, or a test's
   * directory.
   */
  public static Cgroup of(String root) {
    var files = new ProcFs(root);
    return new Cgroup(files, CgroupPath.find(files, "memory"), CgroupPath.find(files, "cpu"));
  }

  /**
   * Bytes the container uses, page cache included: of the group that has the limit, so that the two
   * can be compared. Empty when there is no group of our own: the whole machine's usage would be a
   * wrong answer.
   */
  public OptionalLong memoryUsage() {
    if (memory.isEmpty()) {
      return OptionalLong.empty();
    }
    var limited = limitedGroup(memory.get());
    if (limited.isEmpty() && memory.get().top()) {
      return OptionalLong.empty();
    }
    return read(limited.orElse(memory.get().directories().getFirst()), usageFile(memory.get()));
  }

  /** The container's limit in bytes; empty when it has none. */
  public OptionalLong memoryLimit() {
    return memory
        .flatMap(path -> limitedGroup(path).map(group -> limit(path, group)))
        .orElse(OptionalLong.empty());
  }

  /** CPUs the container may use, for example 1.5; empty when it has no limit. */
  public OptionalDouble cpuLimit() {
    var limits = new ArrayList<Double>();
    cpu.ifPresent(
        path -> {
          for (var group : path.directories()) {
            var quota = path.unified() ? quota2(group) : quota1(group);
            quota.ifPresent(limits::add);
          }
        });
    return limits.stream().mapToDouble(Double::doubleValue).min();
  }

  /**
   * {@code --workers auto}: the CPU limit rounded up, else the usable CPUs; at least 2, or nothing
   * is shared.
   */
  public int workers(int usableCpus) {
    var cpus = cpuLimit().isPresent() ? (int) Math.ceil(cpuLimit().getAsDouble()) : usableCpus;
    return Math.max(2, Math.min(cpus, Math.max(1, usableCpus)));
  }

  private Optional<String> limitedGroup(CgroupPath path) {
    Optional<String> smallest = Optional.empty();
    var least = Long.MAX_VALUE;
    for (var group : path.directories()) {
      var limit = limit(path, group);
      if (limit.isPresent() && limit.getAsLong() < least) {
        least = limit.getAsLong();
        smallest = Optional.of(group);
      }
    }
    return smallest;
  }

  private OptionalLong limit(CgroupPath path, String group) {
    var limit = read(group, path.unified() ? "memory.max" : "memory.limit_in_bytes");
    return limit.isPresent() && limit.getAsLong() >= UNLIMITED ? OptionalLong.empty() : limit;
  }

  private static String usageFile(CgroupPath path) {
    return path.unified() ? "memory.current" : "memory.usage_in_bytes";
  }

  /** {@code cpu.max}: {@code "150000 100000"} or {@code "max 100000"}. */
  private OptionalDouble quota2(String group) {
    var text = root.bytes(group + "/cpu.max").orElse(new byte[0]);
    var quota = Bytes.number(text, 0, text.length);
    var at = 0;
    while (at < text.length && text[at] != ' ') {
      at++;
    }
    return ratio(quota, Bytes.number(text, at, text.length));
  }

  /** {@code cpu.cfs_quota_us} is −1 without a limit, which reads as no number. */
  private OptionalDouble quota1(String group) {
    var quota = read(group, "cpu.cfs_quota_us");
    var period = read(group, "cpu.cfs_period_us");
    return ratio(quota.orElse(-1), period.orElse(-1));
  }

  private static OptionalDouble ratio(long quota, long period) {
    return quota > 0 && period > 0
        ? OptionalDouble.of((double) quota / period)
        : OptionalDouble.empty();
  }

  /** A file of one number; {@code max} and whatever else is no number are empty. */
  private OptionalLong read(String group, String file) {
    var text = root.bytes(group + "/" + file);
    if (text.isEmpty()) {
      return OptionalLong.empty();
    }
    var value = Bytes.number(text.get(), 0, text.get().length);
    return value < 0 ? OptionalLong.empty() : OptionalLong.of(value);
  }

  /** For {@code refork check}: the directories that are read, ours first. */
  public List<String> memoryDirectories() {
    return memory.map(CgroupPath::directories).orElse(List.of());
  }
}
