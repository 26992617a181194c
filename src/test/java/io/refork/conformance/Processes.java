package io.refork.conformance;

import io.refork.agent.linux.ChildEvent;
import io.refork.agent.linux.ExitStatus;
import io.refork.agent.linux.Kernel;
import io.refork.agent.linux.Kernel.ProcessInfo;
import io.refork.agent.linux.Signal;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What the kernel says of the processes under test. */
final class Processes {
  private final Kernel kernel;
  private final Map<Integer, ExitStatus> exits = new HashMap<>();

  Processes(Kernel kernel) {
    this.kernel = kernel;
  }

  void reap() {
    for (var event : kernel.reap()) {
      if (event instanceof ChildEvent.Exited e) {
        exits.put(e.pid(), e.status());
      }
    }
  }

  /** Alive and no zombie. */
  boolean alive(int pid) {
    return !exits.containsKey(pid) && kernel.process(pid).filter(p -> p.state() != 'Z').isPresent();
  }

  /** How it ended, in words; it was reaped by us or by its parent. */
  String ending(int pid) {
    reap();
    if (alive(pid)) {
      return "it lives";
    }
    var status = Optional.ofNullable(exits.get(pid));
    return status.map(Object::toString).orElse("it has ended");
  }

  /** Empty when it lives, or was not our child. */
  Optional<ExitStatus> exit(int pid) {
    reap();
    return Optional.ofNullable(exits.get(pid));
  }

  void kill(int pid, Signal signal) {
    kernel.kill(pid, signal);
  }

  int ownPid() {
    return kernel.pid();
  }

  /** −1 when it is gone. */
  int parent(int pid) {
    return kernel.process(pid).map(ProcessInfo::parent).orElse(-1);
  }

  String comm(int pid) {
    return kernel.process(pid).map(ProcessInfo::comm).orElse("(gone)");
  }

  List<Integer> children(int pid) {
    return kernel.processes().values().stream()
        .filter(p -> p.parent() == pid)
        .map(ProcessInfo::pid)
        .toList();
  }
}
