package io.refork.agent;

import static org.assertj.core.api.Assertions.assertThat;

import io.refork.agent.Members.Member;
import io.refork.agent.linux.Kernel;
import io.refork.agent.linux.Kernel.PidFd;
import io.refork.agent.linux.Kernel.ProcessInfo;
import io.refork.agent.linux.Signal;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Whom a signal may reach. */
class MembersTest {
  private static final int AGENT = 7;

  private final Map<Integer, ProcessInfo> processes =
      Map.of(
          1,
          new ProcessInfo(1, 0, "init", 'S', 0),
          AGENT,
          new ProcessInfo(AGENT, 1, "refork", 'S', 0),
          20,
          new ProcessInfo(20, AGENT, "python3", 'S', 0),
          21,
          new ProcessInfo(21, 20, "rf:0.a", 'S', 0),
          22,
          new ProcessInfo(22, 20, "postgres", 'S', 0));
  private final List<Object> signalled = new ArrayList<>();
  private final Members members = new Members(kernel());

  private Kernel kernel() {
    return (Kernel)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {Kernel.class},
            (proxy, method, arguments) ->
                switch (method.getName()) {
                  case "pid" -> AGENT;
                  case "process" -> Optional.ofNullable(processes.get(arguments[0]));
                  case "kill" -> signalled.add(arguments[0]);
                  default -> throw new UnsupportedOperationException(method.getName());
                });
  }

  @Test
  @DisplayName(
      "FORK-12 a newborn is killed by the pid its mold told; init, the agent and strangers are not")
  void newborns() {
    for (int pid : new int[] {1, AGENT, 20, 21, 22, 99}) {
      members.kill(pid, Signal.KILL);
    }
    assertThat(signalled).containsExactly(20, 21);
  }

  @Test
  @DisplayName("PID-02 a pid that was just reaped may be another's: nobody is signalled by it")
  void reaped() {
    members.add(new Member(20, 5, 0, 0, 0, Optional.empty(), 0));
    members.reaped(List.of(20));
    members.kill(20, Signal.KILL);
    assertThat(signalled).isEmpty();
    members.reaped(List.of());
    members.kill(20, Signal.KILL);
    assertThat(signalled).containsExactly(20);
  }

  @Test
  @DisplayName("FORK-16 a member that is not our child is signalled through its pidfd")
  void watched() {
    var fd = new PidFd(22, 9);
    members.add(new Member(22, 5, 0, -1, 0, Optional.of(fd), 0));
    members.kill(22, Signal.TERM);
    assertThat(signalled).containsExactly(fd);
  }
}
