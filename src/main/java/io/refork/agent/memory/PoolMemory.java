package io.refork.agent.memory;

import io.refork.agent.memory.MemoryReading.Measured;
import io.refork.agent.memory.MemoryReading.Reason;
import io.refork.agent.memory.MemoryReading.Unknown;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongFunction;

/**
 * The memory of a pool, made of its processes' readings; bytes of anonymous memory. Pure. Sums are
 * over the processes that could be measured, and {@code unknown} says how many could not: one
 * newborn must not blank the whole pool's numbers.
 *
 * @param proportional Σ over workers and molds
 * @param saved Σresident(workers) − Σproportional(workers and molds), at least 0: against the same
 *     workers without sharing. Not known while a mold is not measured, because its share would pass
 *     as saved; a worker that is not measured only makes it smaller
 * @param sharedRatio 1 − Σprivate ÷ Σresident over the workers, 0 to 1; not known below two of them
 * @param byRole sums of each role; of a role without processes 0
 * @param unknown number of processes that could not be measured, by reason
 */
public record PoolMemory(
    Figure proportional,
    Figure saved,
    Figure sharedRatio,
    Map<Role, Sum> byRole,
    Map<Reason, Integer> unknown) {

  /** What a process is to the pool. */
  public enum Role {
    MOLD,
    /** A worker of the newest generation. */
    CURRENT,
    /** A worker of an older one. */
    OLD;

    boolean isWorker() {
      return this != MOLD;
    }
  }

  /** One process of the pool. */
  public record Member(Role role, MemoryReading reading) {}

  /** Sums over processes. */
  public record Sum(Figure resident, Figure proportional, Figure privateOnly) {}

  private record Part(Role role, ProcessMemory memory) {}

  /** Sums up what was read. */
  public static PoolMemory of(List<Member> members) {
    var unknown = new EnumMap<Reason, Integer>(Reason.class);
    var parts = new ArrayList<Part>();
    for (var member : members) {
      switch (member.reading()) {
        case Measured m -> parts.add(new Part(member.role(), m.memory()));
        case Unknown u -> unknown.merge(u.reason(), 1, Integer::sum);
      }
    }
    var byRole = new EnumMap<Role, Sum>(Role.class);
    for (var role : Role.values()) {
      byRole.put(role, sum(members, parts, role));
    }
    var workers = parts.stream().filter(part -> part.role().isWorker()).toList();
    return new PoolMemory(
        parts.isEmpty() ? whyNot(members) : known(total(parts, ProcessMemory::proportionalBytes)),
        saved(members, parts, workers),
        sharedRatio(members, workers),
        Map.copyOf(byRole),
        Map.copyOf(unknown));
  }

  private static Sum sum(List<Member> members, List<Part> parts, Role role) {
    var mine = parts.stream().filter(part -> part.role() == role).toList();
    var all = members.stream().filter(member -> member.role() == role).toList();
    if (mine.isEmpty() && !all.isEmpty()) {
      var why = whyNot(all);
      return new Sum(why, why, why);
    }
    return new Sum(
        known(total(mine, ProcessMemory::residentBytes)),
        known(total(mine, ProcessMemory::proportionalBytes)),
        known(total(mine, ProcessMemory::privateBytes)));
  }

  private static Figure saved(List<Member> members, List<Part> parts, List<Part> workers) {
    for (var member : members) {
      if (member.role() == Role.MOLD && member.reading() instanceof Unknown u) {
        return new Figure.Unknown("mold-" + u.reason().word());
      }
    }
    if (workers.isEmpty()) {
      return whyNot(members.stream().filter(member -> member.role().isWorker()).toList());
    }
    return known(
        Math.max(
            0,
            total(workers, ProcessMemory::residentBytes)
                - total(parts, ProcessMemory::proportionalBytes)));
  }

  private static Figure sharedRatio(List<Member> members, List<Part> workers) {
    if (workers.size() < 2) {
      var all = members.stream().filter(member -> member.role().isWorker()).toList();
      return all.size() < 2 ? new Figure.Unknown("fewer-than-two-workers") : whyNot(all);
    }
    var resident = total(workers, ProcessMemory::residentBytes);
    return resident == 0
        ? new Figure.Unknown("no-anonymous-memory")
        : known(1 - (double) total(workers, ProcessMemory::privateBytes) / resident);
  }

  /** The first reason that keeps a process from being known. */
  private static Figure whyNot(List<Member> members) {
    for (var member : members) {
      if (member.reading() instanceof Unknown u) {
        return new Figure.Unknown(u.reason().word());
      }
    }
    return new Figure.Unknown("no-process");
  }

  private static long total(List<Part> parts, ToLongFunction<ProcessMemory> field) {
    return parts.stream().map(Part::memory).mapToLong(field).sum();
  }

  private static Figure known(double value) {
    return new Figure.Known(value);
  }
}
