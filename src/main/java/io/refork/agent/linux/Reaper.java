package io.refork.agent.linux;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * {@code waitpid} for every child and adopted orphan. Signals coalesce, so it asks until there is
 * nothing left.
 */
final class Reaper {
  private static final int WNOHANG = 1;
  private static final int WUNTRACED = 2;

  /**
   * Keeps one turn of the loop bounded (about 25 ms interpreted, with what the loop does about
   * each) while thousands end at once: a worker that is among them is replaced meanwhile, not
   * afterwards.
   */
  static final int MOST = 256;

  private final Native os;
  private final ByteBuffer status = Native.allocate(Integer.BYTES);

  Reaper(Native os) {
    this.os = os;
  }

  /** At most {@link #MOST} events; exactly as many when there may be more. */
  List<ChildEvent> reap() {
    var events = new ArrayList<ChildEvent>();
    while (events.size() < MOST) {
      var pid = os.c.waitpid(-1, status, WNOHANG | WUNTRACED);
      if (pid < 0 && os.errno() == Errno.EINTR) {
        continue;
      }
      if (pid <= 0) {
        break;
      }
      events.add(event(pid, status.getInt(0)));
    }
    return events;
  }

  static ChildEvent event(int pid, int status) {
    if ((status & 0xff) == 0x7f) {
      return new ChildEvent.Stopped(pid);
    }
    var signal = status & 0x7f;
    return new ChildEvent.Exited(
        pid,
        signal == 0 ? new ExitStatus.Code((status >> 8) & 0xff) : new ExitStatus.Killed(signal));
  }
}
