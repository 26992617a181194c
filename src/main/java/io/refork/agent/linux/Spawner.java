package io.refork.agent.linux;

import io.refork.agent.linux.Kernel.SpawnResult;
import java.io.File;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;

/**
 * {@code posix_spawnp} with everything that an application may expect of its start: empty signal
 * mask, default dispositions, a process group of its own, and no descriptor but stdio and its
 * listeners. The JVM is never forked.
 */
final class Spawner {
  private static final short SETPGROUP = 0x02;
  private static final short SETSIGDEF = 0x04;
  private static final short SETSIGMASK = 0x08;

  /**
   * posix_spawnattr_t has 336 bytes in glibc, posix_spawn_file_actions_t 80, sigset_t 128; room for
   * another libc.
   */
  private static final int STRUCT = 1024;

  private static final int FIRST_INHERITED = 3;

  /**
   * Listeners are parked from here on ({@link Descriptors#PARKED}), so dup2 to 3, 4, … never hits
   * one of them.
   */
  static final int MOST_LISTENERS = Descriptors.PARKED - FIRST_INHERITED;

  private final Native os;
  private final ByteBuffer attributes = Native.allocate(STRUCT);
  private final ByteBuffer actions = Native.allocate(STRUCT);
  private final ByteBuffer noSignals = Native.allocate(STRUCT);
  private final ByteBuffer allSignals = Native.allocate(STRUCT);
  private final ByteBuffer pid = Native.allocate(Integer.BYTES);

  Spawner(Native os) {
    this.os = os;
    os.c.sigemptyset(noSignals);
    // Not sigfillset: it leaves out the C library's own two, and the application would ignore them.
    allSignals.putLong(0, -1L);
  }

  SpawnResult spawn(
      List<String> command, Map<String, String> environment, List<Integer> listeners) {
    if (command.isEmpty() || listeners.size() > MOST_LISTENERS) {
      throw new IllegalArgumentException(
          "a command and at most "
              + MOST_LISTENERS
              + " listeners, not "
              + command
              + " and "
              + listeners.size());
    }
    os.c.posix_spawnattr_init(attributes);
    os.c.posix_spawn_file_actions_init(actions);
    try {
      os.c.posix_spawnattr_setflags(attributes, (short) (SETPGROUP | SETSIGDEF | SETSIGMASK));
      os.c.posix_spawnattr_setpgroup(attributes, 0);
      os.c.posix_spawnattr_setsigmask(attributes, noSignals);
      os.c.posix_spawnattr_setsigdefault(attributes, allSignals);
      os.c.posix_spawn_file_actions_addopen(actions, 0, "/dev/null", Descriptors.O_RDONLY, 0);
      for (var i = 0; i < listeners.size(); i++) {
        os.c.posix_spawn_file_actions_adddup2(actions, listeners.get(i), FIRST_INHERITED + i);
      }
      closeTheRest(FIRST_INHERITED + listeners.size());
      var block = new StringBlock(os, command, environment);
      var errno =
          os.c.posix_spawnp(pid, block.file(), actions, attributes, block.argv(), block.envp());
      block.keep();
      return errno == 0
          ? new SpawnResult.Started(pid.getInt(0))
          : new SpawnResult.Failed(errno, explain(errno, command.getFirst()));
    } finally {
      os.c.posix_spawn_file_actions_destroy(actions);
      os.c.posix_spawnattr_destroy(attributes);
    }
  }

  /**
   * The JVM's own descriptors are not close-on-exec: without this the application would hold its
   * jars and sockets.
   */
  private void closeTheRest(int from) {
    try {
      if (os.c.posix_spawn_file_actions_addclosefrom_np(actions, from) == 0) {
        return;
      }
    } catch (UnsatisfiedLinkError older) {
      // glibc < 2.34: mark them instead. What dup2 makes in the child is not marked, so listeners
      // survive.
    }
    Descriptors.closeAllOnExec(os, FIRST_INHERITED);
  }

  private String explain(int errno, String file) {
    var path = file.indexOf('/') >= 0;
    return switch (errno) {
      case Errno.ENOENT -> {
        if (path && new File(file).exists()) {
          yield "cannot start '"
              + file
              + "': the interpreter that its first line names does not exist";
        }
        yield path
            ? "cannot start '" + file + "': no such file"
            : "cannot start '"
                + file
                + "': no such command in PATH="
                + System.getenv().getOrDefault("PATH", "");
      }
      case Errno.ENOTDIR -> "cannot start '" + file + "': no such file";
      case Errno.EACCES ->
          "cannot start '"
              + file
              + "': not executable (it needs mode x and directories that this user may enter, in a file system mounted without noexec)";
      case Errno.ENOEXEC ->
          "cannot start '"
              + file
              + "': neither a program for this machine nor a script with a #! line";
      case Errno.EAGAIN ->
          "cannot start '"
              + file
              + "': process limit reached (ulimit -u, or pids.max of the cgroup)";
      case Errno.E2BIG ->
          "cannot start '" + file + "': arguments and environment are too long together";
      default -> "cannot start '" + file + "': " + os.explain(errno) + " (error " + errno + ")";
    };
  }
}
