package io.refork.agent;

import io.refork.agent.linux.Kernel;
import io.refork.agent.linux.Kernel.PidFd;
import io.refork.agent.linux.Signal;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The processes that were welcomed, by pid: their connection, their scoreboard row, and how to
 * signal them without ever hitting another process that got the same pid.
 */
final class Members {
  /**
   * One of them.
   *
   * @param link the descriptor of its connection; −1 once that is closed
   * @param row of the scoreboard
   * @param slot −1 for a mold
   * @param watched when it is not our child
   * @param startTime clock ticks since boot: with the pid it names one process for ever
   */
  record Member(
      int pid,
      int link,
      int row,
      int slot,
      int generation,
      Optional<PidFd> watched,
      long startTime) {
    Member without(int closed) {
      return closed == link ? new Member(pid, -1, row, slot, generation, watched, startTime) : this;
    }
  }

  private final Kernel kernel;
  private final Map<Integer, Member> byPid = new HashMap<>();
  private final Map<Integer, Integer> pidByLink = new HashMap<>();
  private final Set<Integer> reaped = new HashSet<>();

  Members(Kernel kernel) {
    this.kernel = kernel;
  }

  void add(Member member) {
    byPid.put(member.pid(), member);
    pidByLink.put(member.link(), member.pid());
  }

  Optional<Member> byPid(int pid) {
    return Optional.ofNullable(byPid.get(pid));
  }

  Optional<Member> byLink(int fd) {
    return Optional.ofNullable(pidByLink.get(fd)).flatMap(this::byPid);
  }

  Optional<Member> byPidFd(int fd) {
    return byPid.values().stream()
        .filter(m -> m.watched().isPresent() && m.watched().get().fd() == fd)
        .findFirst();
  }

  List<Member> all() {
    return List.copyOf(byPid.values());
  }

  /** Descriptors that tell the death of members who are not our children. */
  List<Integer> pidFds() {
    return byPid.values().stream().flatMap(m -> m.watched().stream()).map(PidFd::fd).toList();
  }

  void linkClosed(int fd) {
    var pid = pidByLink.remove(fd);
    if (pid != null) {
      byPid.computeIfPresent(pid, (p, m) -> m.without(fd));
    }
  }

  /** Forgets a process that is dead. */
  void remove(Member member) {
    byPid.remove(member.pid());
    pidByLink.remove(member.link());
    member.watched().ifPresent(w -> kernel.close(w.fd()));
  }

  /**
   * What waitpid has just returned: these pids are free, and must not be signalled on behalf of the
   * dead.
   */
  void reaped(List<Integer> pids) {
    reaped.clear();
    reaped.addAll(pids);
  }

  boolean wasReaped(int pid) {
    return reaped.contains(pid);
  }

  void kill(int pid, Signal signal) {
    var member = byPid(pid);
    var watched = member.flatMap(Member::watched);
    if (watched.isPresent()) {
      kernel.kill(watched.get(), signal);
    } else if (!reaped.contains(pid) && (member.isPresent() || isNewborn(pid))) {
      kernel.kill(pid, signal);
    }
  }

  /**
   * Of a process that has not said hello only its mold's word is known, and a wrong word must not
   * end a stranger, or the agent itself. A newborn is our child, or bears the name of its spawn.
   */
  private boolean isNewborn(int pid) {
    return pid != kernel.pid()
        && kernel
            .process(pid)
            .filter(p -> p.parent() == kernel.pid() || p.comm().startsWith("rf:"))
            .isPresent();
  }
}
