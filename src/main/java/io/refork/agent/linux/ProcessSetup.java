package io.refork.agent.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What the agent makes of its own process once at start, before it opens or starts anything. */
public final class ProcessSetup {
  /** Set by {@link #reexec}: one try only, or a kernel that will not block would exec for ever. */
  public static final String REEXEC_GUARD = "REFORK_REEXEC";

  /** HotSpot unblocks USR2, its suspend/resume signal, unless it is told to use another. */
  private static final String SUSPEND_SIGNAL = "_JAVA_SR_SIGNUM";

  private static final int PR_SET_DUMPABLE = 4;
  private static final int PR_SET_CHILD_SUBREAPER = 36;
  private static final int PR_SET_THP_DISABLE = 41;

  /**
   * What a plain {@code java -jar} lacks. Without -Xrs the VM unblocks HUP, INT, TERM and QUIT in
   * its own thread and eats them; -Xrs leaves no way to attach, so the mechanism is off; the
   * application must not inherit a raised file limit.
   */
  private static final List<String> FLAGS =
      List.of(
          "-Xrs",
          "-XX:+DisableAttachMechanism",
          "-XX:-MaxFDLimit",
          "--enable-native-access=ALL-UNNAMED",
          "--sun-misc-unsafe-memory-access=allow");

  private ProcessSetup() {}

  /** Orphans of the application come to us, whether or not we are PID 1. */
  public static void becomeSubreaper() throws KernelException {
    prctl(
        PR_SET_CHILD_SUBREAPER, 1, "cannot become the parent of orphans (PR_SET_CHILD_SUBREAPER)");
  }

  /**
   * Nobody of our user can trace us or read our memory. What we exec is dumpable again, so its
   * {@code smaps_rollup} can be read. Afterwards /proc/self/environ and /proc/self/fd belong to
   * root: read them first.
   */
  public static void becomeUndumpable() throws KernelException {
    prctl(PR_SET_DUMPABLE, 0, "cannot protect the agent's memory (PR_SET_DUMPABLE)");
  }

  /**
   * No transparent huge pages for us and all we start, also through exec: one write would copy 2
   * MiB.
   */
  public static void disableHugePages() throws KernelException {
    prctl(PR_SET_THP_DISABLE, 1, "cannot switch transparent huge pages off (PR_SET_THP_DISABLE)");
  }

  private static void prctl(int option, long value, String failure) throws KernelException {
    var os = Native.get();
    if (os.c.prctl(option, value, 0, 0, 0) < 0) {
      throw os.failure(os.errno(), failure);
    }
  }

  /**
   * Whether every signal of the agent is blocked in the calling thread; then the launcher has done
   * its work.
   */
  public static boolean signalsBlocked() {
    var status = new ProcFs("/proc").bytes("thread-self/status");
    return status.isPresent() && allBlocked(status.get());
  }

  static boolean allBlocked(byte[] status) {
    var mask = Bytes.hexField(status, status.length, "SigBlk");
    for (var signal : Signals.HANDLED) {
      if ((mask & (1L << (signal.number() - 1))) == 0) {
        return false;
      }
    }
    return mask != -1;
  }

  /**
   * The environment of this process, byte for byte as it was at its start (see {@link OsText}), in
   * its order.
   */
  public static Map<String, String> environment() {
    var environment = new LinkedHashMap<String, String>();
    for (var entry : zeroTerminated("self/environ")) {
      var equals = entry.indexOf('=');
      if (equals > 0) {
        environment.putIfAbsent(entry.substring(0, equals), entry.substring(equals + 1));
      }
    }
    return environment;
  }

  /**
   * The last {@code count} arguments byte for byte: the user's command, which {@code main} got with
   * every letter beyond ASCII lost when the container has no locale.
   */
  public static List<String> lastArguments(int count) {
    var all = commandLine();
    return all.subList(all.size() - count, all.size());
  }

  /** The command line of this process, the JVM's own arguments included, byte for byte. */
  public static List<String> commandLine() {
    return zeroTerminated("self/cmdline");
  }

  private static List<String> zeroTerminated(String file) {
    var bytes = new ProcFs("/proc").bytes(file).orElse(new byte[0]);
    var strings = new ArrayList<String>();
    var from = 0;
    for (var at = 0; at < bytes.length; at++) {
      if (bytes[at] == 0) {
        strings.add(OsText.decode(bytes, from, at - from));
        from = at + 1;
      }
    }
    return strings;
  }

  /**
   * The fallback for a plain {@code java -jar}: blocks the signals in this thread and executes the
   * same command line once more, so that the new JVM's threads are all born with them blocked (+120
   * ms). Returns only when it did not: because it has been done before, or because exec failed; the
   * sentence says which.
   */
  public static String reexec(Map<String, String> environment) throws KernelException {
    if (environment.containsKey(REEXEC_GUARD)) {
      return "signals are not blocked, although the agent has executed itself again: start it by bin/refork";
    }
    var os = Native.get();
    Signals.block(os);
    Descriptors.closeAllOnExec(os, 3);
    var old = commandLine();
    var command = new ArrayList<String>();
    command.add(old.getFirst());
    command.addAll(FLAGS);
    command.addAll(old.subList(1, old.size()));
    var changed = new LinkedHashMap<>(environment);
    changed.put(REEXEC_GUARD, "1");
    changed.put(SUSPEND_SIGNAL, "50");
    var path = new StringBlock(os, List.of(executable()), Map.of());
    var block = new StringBlock(os, command, changed);
    os.c.execve(path.file(), block.argv(), block.envp());
    var errno = os.errno();
    block.keep();
    path.keep();
    return "the agent cannot execute itself again to block signals: " + os.explain(errno);
  }

  /** Its own path: executed as /proc/self/exe the process would be called "exe" in every list. */
  private static String executable() {
    var itself = Path.of("/proc/self/exe");
    try {
      var path = Files.readSymbolicLink(itself);
      return Files.exists(path) ? path.toString() : itself.toString();
    } catch (IOException e) {
      return itself.toString();
    }
  }

  /** The environment without what {@link #reexec} added: the application must not see it. */
  public static Map<String, String> withoutReexec(Map<String, String> environment) {
    var clean = new LinkedHashMap<>(environment);
    if (clean.remove(REEXEC_GUARD) != null) {
      clean.remove(SUSPEND_SIGNAL);
    }
    return clean;
  }
}
