package io.refork.agent;

import io.refork.agent.linux.Kernel;
import io.refork.agent.linux.Kernel.ProcessInfo;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;

/** Who descends from whom, from one look at /proc. */
final class Strays {
  private Strays() {}

  /** Living descendants of the agent; zombies do not count. */
  static List<ProcessInfo> of(Kernel kernel) {
    var all = kernel.processes();
    int ancestor = kernel.pid();
    var known = new HashMap<Integer, Boolean>();
    known.put(ancestor, true);
    return all.values().stream()
        .filter(p -> p.pid() != ancestor && p.state() != 'Z' && p.state() != 'X')
        .filter(p -> descends(p.pid(), all, known))
        .toList();
  }

  /** Whether {@code pid} is {@code ancestor} or one of its descendants. */
  static boolean descends(Kernel kernel, int pid, int ancestor) {
    var known = new HashMap<Integer, Boolean>();
    known.put(ancestor, true);
    return descends(pid, kernel.processes(), known);
  }

  private static boolean descends(
      int pid, Map<Integer, ProcessInfo> all, Map<Integer, Boolean> known) {
    var path = new HashSet<Integer>();
    int at = pid;
    // The set ends a walk that /proc, read while processes come and go, could send in a circle.
    while (!known.containsKey(at) && path.add(at)) {
      var info = all.get(at);
      if (info == null) {
        break;
      }
      at = info.parent();
    }
    boolean result = known.getOrDefault(at, false);
    path.forEach(p -> known.put(p, result));
    return result;
  }
}
