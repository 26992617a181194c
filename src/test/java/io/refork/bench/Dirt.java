package io.refork.bench;

import io.refork.process.Proc;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/** Where a process has private dirty pages: what it shares with nobody any more. */
final class Dirt {
  /** A kind of mapping. */
  enum Kind {
    /** malloc's main arena. */
    HEAP,
    /** malloc's other arenas, one for some of the threads. */
    ARENA,
    /** Anonymous mappings: the arenas of CPython's own allocator, large blocks of malloc. */
    ANONYMOUS,
    STACK,
    /** Data of the program and its libraries. */
    LIBRARY
  }

  private static final long ARENA_SIZE = 64 << 20;
  private static final Pattern HEAD =
      Pattern.compile("([0-9a-f]+)-([0-9a-f]+) (\\S+) \\S+ \\S+ (\\d+)\\s*(.*)");

  private Dirt() {}

  /** Bytes by kind, over all of these processes. */
  static Map<Kind, Long> of(List<Integer> pids) {
    var sums = new EnumMap<Kind, Long>(Kind.class);
    pids.forEach(pid -> Proc.file(pid, "smaps").ifPresent(text -> add(sums, text)));
    return sums;
  }

  private static void add(Map<Kind, Long> sums, String smaps) {
    var kind = Kind.LIBRARY;
    boolean afterGuard = false;
    for (var line : smaps.split("\n")) {
      var head = HEAD.matcher(line);
      if (head.matches()) {
        long start = Long.parseUnsignedLong(head.group(1), 16);
        var name = head.group(5);
        kind =
            switch (name) {
              case "[heap]" -> Kind.HEAP;
              case "[stack]" -> Kind.STACK;
              case "" ->
                  afterGuard && start % ARENA_SIZE != 0
                      ? Kind.STACK
                      : start % ARENA_SIZE == 0 ? Kind.ARENA : Kind.ANONYMOUS;
              default -> Kind.LIBRARY;
            };
        // A thread's stack has a page that nobody may touch in front of it.
        afterGuard =
            name.isEmpty()
                && head.group(3).startsWith("---")
                && Long.parseUnsignedLong(head.group(2), 16) - start <= 1 << 16;
      } else if (line.startsWith("Private_Dirty:")) {
        sums.merge(kind, Long.parseLong(line.replaceAll("\\D+", "")) << 10, Long::sum);
      }
    }
  }
}
