package io.refork.agent.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.refork.agent.linux.Kernel.PidFd;
import io.refork.agent.linux.Kernel.Read;
import io.refork.agent.linux.Kernel.SpawnResult;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class LinuxKernelTest {
  private static final int[] NONE = {};

  // --- starting a command

  @Test
  @InOwnJvm
  @DisplayName(
      "PID-13 the command sees an empty mask, default dispositions, its own group and stdio only")
  void startsClean(LinuxKernel kernel) throws Exception {
    // This JVM was started with URG ignored, as nohup and others do with other signals: exec would
    // keep that.
    var ignored =
        Long.parseUnsignedLong(field(Files.readString(Path.of("/proc/self/status")), "SigIgn"), 16);
    assertThat(ignored >> (Signal.URG.number() - 1) & 1).isEqualTo(1);
    var pid = started(kernel.spawn(List.of("sleep", "60"), env(), List.of()));
    await(kernel, () -> kernel.process(pid).orElseThrow().comm().equals("sleep"));
    var status = Files.readString(Path.of("/proc/" + pid + "/status"));
    assertThat(field(status, "SigBlk")).isEqualTo("0000000000000000");
    // Also 32 and 33, which the C library would have ignored in whatever it spawns.
    assertThat(field(status, "SigIgn")).isEqualTo("0000000000000000");
    assertThat(field(status, "NSpgid")).isEqualTo(Integer.toString(pid));
    assertThat(Path.of("/proc/" + pid + "/fd").toFile().list())
        .containsExactlyInAnyOrder("0", "1", "2");
    assertThat(Files.readSymbolicLink(Path.of("/proc/" + pid + "/fd/0"))).hasToString("/dev/null");
    for (var output : List.of("1", "2")) {
      assertThat(Files.readSymbolicLink(Path.of("/proc/" + pid + "/fd/" + output)))
          .as("as the agent has it")
          .isEqualTo(Files.readSymbolicLink(Path.of("/proc/self/fd/" + output)));
    }
    kernel.kill(pid, Signal.KILL);
    awaitExit(kernel, pid);
  }

  @Test
  @InOwnJvm
  @DisplayName("PID-13 listeners become descriptors 3, 4, … in order; nothing else is inherited")
  void handsListenersOver(LinuxKernel kernel) throws Exception {
    var directory = Files.createTempDirectory("refork");
    var listeners = new ArrayList<Integer>();
    for (var name : List.of("a", "b", "c")) {
      listeners.add(
          Descriptors.park(Native.get(), kernel.listenUnix(directory.resolve(name).toString(), 1)));
    }
    assertThat(listeners).allMatch(fd -> fd >= Descriptors.PARKED);
    var out = directory.resolve("out");
    start(kernel, List.of("sh", "-c", "ls -l /proc/self/fd"), listeners, out);
    var descriptors = new HashMap<Integer, String>();
    for (var line : Files.readAllLines(out)) {
      var words = line.split(" +");
      if (words.length > 8) {
        descriptors.put(Integer.parseInt(words[8]), words[10]);
      }
    }
    assertThat(descriptors.keySet()).containsExactlyInAnyOrder(0, 1, 2, 3, 4, 5, 6);
    for (var i = 0; i < 3; i++) {
      assertThat(descriptors.get(3 + i))
          .isEqualTo(
              Files.readSymbolicLink(Path.of("/proc/self/fd/" + listeners.get(i))).toString());
    }
  }

  @Test
  @InOwnJvm
  @DisplayName("PID-13 without closefrom in the C library, close-on-exec does the same")
  void closesOnExec(LinuxKernel kernel) throws Exception {
    Descriptors.closeAllOnExec(Native.get(), 3);
    var out = Files.createTempFile("refork", "out");
    // A descriptor that was opened before the call, by somebody who did not care: gone after exec.
    var started =
        new ProcessBuilder("sh", "-c", "ls /proc/self/fd").redirectOutput(out.toFile()).start();
    assertThat(started.waitFor()).isZero();
    assertThat(Files.readString(out)).isEqualTo("0\n1\n2\n3\n");
  }

  @Test
  @InOwnJvm
  @DisplayName(
      "PID-05 not found, not executable, no interpreter, no program: an errno at once and a sentence")
  void tellsWhyItCannotStart(LinuxKernel kernel) throws Exception {
    var directory = Files.createTempDirectory("refork");
    var plain = Files.writeString(directory.resolve("plain"), "hello");
    var noInterpreter = Files.writeString(directory.resolve("script"), "#!/no/such/python\n");
    var noProgram = Files.writeString(directory.resolve("garbage"), "hello");
    noInterpreter.toFile().setExecutable(true);
    noProgram.toFile().setExecutable(true);

    assertThat(failed(kernel, "no-such-command")).isEqualTo(Errno.ENOENT);
    assertThat(message(kernel, "no-such-command"))
        .contains("'no-such-command'", "no such command in PATH=");
    assertThat(failed(kernel, "/no/such/file")).isEqualTo(Errno.ENOENT);
    assertThat(message(kernel, "/no/such/file")).contains("no such file");
    assertThat(failed(kernel, plain.toString())).isEqualTo(Errno.EACCES);
    assertThat(message(kernel, plain.toString())).contains("not executable");
    assertThat(failed(kernel, noInterpreter.toString())).isEqualTo(Errno.ENOENT);
    assertThat(message(kernel, noInterpreter.toString())).contains("interpreter");
    assertThat(failed(kernel, noProgram.toString())).isEqualTo(Errno.ENOEXEC);
    assertThat(message(kernel, noProgram.toString())).contains("#! line");
    assertThat(kernel.reap()).as("a spawn that failed leaves nothing to reap").isEmpty();
  }

  @Test
  @InOwnJvm
  @DisplayName("arguments and environment reach the command byte for byte, also what is not UTF-8")
  void keepsBytes(LinuxKernel kernel) throws Exception {
    var out = Files.createTempFile("refork", "out");
    var odd = OsText.decode(new byte[] {'x', (byte) 0xff, (byte) 0xc3, 'y'});
    var pid =
        started(
            kernel.spawn(
                List.of(
                    "sh",
                    "-c",
                    "printf '%s|%s|%s' \"$1\" \"$2\" \"$ODD\" > " + out,
                    "sh",
                    "grün 漢 🦀",
                    odd),
                Map.of("PATH", "/bin:/usr/bin", "ODD", odd),
                List.of()));
    awaitExit(kernel, pid);
    assertThat(OsText.decode(Files.readAllBytes(out))).isEqualTo("grün 漢 🦀|" + odd + "|" + odd);
  }

  // --- reaping

  @Test
  @InOwnJvm
  @DisplayName("exit codes, deaths by signal and stops are told apart")
  void tellsEndsApart(LinuxKernel kernel) {
    var exits = started(kernel.spawn(List.of("sh", "-c", "exit 255"), env(), List.of()));
    assertThat(awaitExit(kernel, exits)).isEqualTo(new ExitStatus.Code(255));
    var dies = started(kernel.spawn(List.of("sh", "-c", "kill -SEGV $$"), env(), List.of()));
    assertThat(awaitExit(kernel, dies).shellCode()).isEqualTo(128 + 11);

    var stops = started(kernel.spawn(List.of("sleep", "60"), env(), List.of()));
    assertThat(kernel.kill(stops, Signal.STOP)).isTrue();
    var events = new ArrayList<ChildEvent>();
    await(kernel, () -> events.addAll(kernel.reap()));
    assertThat(events).containsExactly(new ChildEvent.Stopped(stops));
    assertThat(kernel.process(stops).orElseThrow().state()).isEqualTo('T');
    assertThat(kernel.kill(stops, Signal.KILL)).isTrue();
    assertThat(awaitExit(kernel, stops)).isEqualTo(new ExitStatus.Killed(9));
    assertThat(kernel.kill(stops, Signal.TERM)).as("gone").isFalse();
  }

  @Test
  @InOwnJvm
  @DisplayName(
      "PID-02 3,000 orphans come to the subreaper and are all reaped, though their signals coalesce")
  void reapsStorm(LinuxKernel kernel) throws Exception {
    ProcessSetup.becomeSubreaper();
    var script =
        """
        import os
        for i in range(60):
            middle = os.fork()
            if middle == 0:
                for i in range(50):
                    if os.fork() == 0:
                        os._exit(3)
                os._exit(0)
            os.waitpid(middle, 0)
        """;
    var parent = started(kernel.spawn(List.of("python3", "-ISc", script), env(), List.of()));
    await(kernel, () -> kernel.process(parent).orElseThrow().state() == 'Z');
    await(kernel, () -> zombies(kernel) == 3001);
    var first = kernel.reap();
    assertThat(first).as("one turn of the loop stays bounded").hasSize(Reaper.MOST);
    kernel.signals();
    assertThat(kernel.poll(NONE, NONE, Duration.ofSeconds(30)).woken())
        .as("the rest is not forgotten")
        .isTrue();
    var all = new HashMap<Integer, ChildEvent>();
    for (var some = first; !some.isEmpty(); some = kernel.reap()) {
      some.forEach(event -> all.put(event.pid(), event));
    }
    assertThat(all).hasSize(3001);
    assertThat(all.remove(parent)).isEqualTo(new ChildEvent.Exited(parent, new ExitStatus.Code(0)));
    assertThat(all.values())
        .allMatch(
            event -> event.equals(new ChildEvent.Exited(event.pid(), new ExitStatus.Code(3))));
    assertThat(kernel.processes().values()).noneMatch(p -> p.parent() == kernel.pid());
  }

  @Test
  @InOwnJvm
  @DisplayName("a pid that is not one process is never signalled")
  void refusesGroups(LinuxKernel kernel) {
    for (var pid : List.of(0, -1, -7)) {
      assertThatThrownBy(() -> kernel.kill(pid, Signal.KILL))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  // --- signals

  @Test
  @InOwnJvm
  @DisplayName(
      "PID-06 signals that arrived before the first look are not lost; each kind once, QUIT and USR2 too")
  void losesNoSignal(LinuxKernel kernel) {
    for (var signal : Signals.HANDLED) {
      if (signal != Signal.CHLD) {
        kernel.kill(kernel.pid(), signal);
        kernel.kill(kernel.pid(), signal);
      }
    }
    var ready = kernel.poll(new int[] {kernel.signalFd()}, NONE, Duration.ofSeconds(5));
    assertThat(ready.readable()).containsExactly(kernel.signalFd());
    assertThat(kernel.signals())
        .containsExactlyInAnyOrder(
            Signal.HUP,
            Signal.INT,
            Signal.QUIT,
            Signal.TERM,
            Signal.USR1,
            Signal.USR2,
            Signal.TTIN,
            Signal.TTOU,
            Signal.WINCH);
    assertThat(kernel.signals()).isEmpty();
  }

  @Test
  @InOwnJvm(blocked = false)
  @DisplayName(
      "PID-06 a plain java executes itself once more with the signals blocked, and keeps its arguments and environment")
  void executesItselfAgain() throws Exception {
    var environment = ProcessSetup.environment();
    if (!ProcessSetup.signalsBlocked()) {
      assertThat(environment).doesNotContainKey(ProcessSetup.REEXEC_GUARD);
      throw new AssertionError(ProcessSetup.reexec(environment));
    }
    assertThat(environment).containsEntry(ProcessSetup.REEXEC_GUARD, "1");
    assertThat(Files.readString(Path.of("/proc/self/comm"))).isEqualTo("java\n");
    assertThat(ProcessSetup.withoutReexec(environment))
        .isNotEmpty()
        .doesNotContainKeys(ProcessSetup.REEXEC_GUARD, "_JAVA_SR_SIGNUM");
    assertThat(ProcessSetup.reexec(environment)).as("once only").contains("bin/refork");
    losesNoSignal(LinuxKernel.open());
  }

  @Test
  @InOwnJvm(blocked = false)
  @DisplayName("the launcher's work is seen in SigBlk")
  void seesMask() {
    assertThat(ProcessSetup.signalsBlocked()).isFalse();
    assertThat(
            ProcessSetup.allBlocked(
                "Name:\tjava\nSigBlk:\t0000000008314a07\n".getBytes(StandardCharsets.US_ASCII)))
        .isTrue();
    assertThat(
            ProcessSetup.allBlocked(
                "SigBlk:\t0000000008304a07\n".getBytes(StandardCharsets.US_ASCII)))
        .isFalse();
    assertThat(ProcessSetup.allBlocked("Name:\tjava\n".getBytes(StandardCharsets.US_ASCII)))
        .isFalse();
  }

  // --- own process

  @Test
  @InOwnJvm
  @DisplayName(
      "MEM-03 huge pages off and not dumpable: children have the first, exec ends the second")
  void setsUp(LinuxKernel kernel) throws Exception {
    ProcessSetup.disableHugePages();
    ProcessSetup.becomeUndumpable();
    var out = Files.createTempFile("refork", "out");
    start(
        kernel,
        "sh",
        "-c",
        "cat /proc/self/status; stat -c 'Owner: %u' /proc/self/environ; wc -l < /proc/self/smaps_rollup",
        out);
    var text = Files.readString(out);
    assertThat(field(text, "THP_enabled")).isEqualTo("0");
    assertThat(field(text, "Owner")).isEqualTo(Integer.toString(kernel.uid()));
    assertThat(text.strip().lines().reduce((a, b) -> b).orElseThrow()).matches("[1-9][0-9]*");
    var get = 3L;
    assertThat(Native.get().c.prctl((int) get, 0, 0, 0, 0)).as("PR_GET_DUMPABLE").isZero();
  }

  @Test
  @InOwnJvm
  @DisplayName("the scoreboard's clock is CLOCK_MONOTONIC")
  void readsTheClock(LinuxKernel kernel) throws Exception {
    var before = kernel.monotonicNanos();
    var uptime = Double.parseDouble(Files.readString(Path.of("/proc/uptime")).split(" ")[0]);
    var monotonic =
        started(
            kernel.spawn(
                List.of(
                    "python3",
                    "-c",
                    "import sys, time; sys.exit(0 if %d <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) <= %d + 60*10**9 else 1)"
                        .formatted(before, before)),
                env(),
                List.of()));
    assertThat(awaitExit(kernel, monotonic)).isEqualTo(new ExitStatus.Code(0));
    assertThat(uptime).isPositive();
  }

  // --- /proc

  @Test
  @InOwnJvm
  @DisplayName("/proc tells parent, name and state, also of a name with brackets and of a zombie")
  void readsProcesses(LinuxKernel kernel) throws Exception {
    var script =
        Files.writeString(
            Files.createTempDirectory("refork").resolve("a) S 1 (b"), "#!/bin/sh\nexec sleep 60\n");
    script.toFile().setExecutable(true);
    var odd =
        started(
            kernel.spawn(
                List.of("sh", "-c", "printf 'rf:1.x) Z 1' > /proc/self/comm; read x < /dev/zero"),
                env(),
                List.of()));
    await(kernel, () -> kernel.process(odd).orElseThrow().comm().equals("rf:1.x) Z 1"));
    var zombie = started(kernel.spawn(List.of("true"), env(), List.of()));
    await(kernel, () -> kernel.process(zombie).orElseThrow().state() == 'Z');
    var all = kernel.processes();
    assertThat(all.get(odd).parent()).isEqualTo(kernel.pid());
    assertThat(all.get(zombie).state()).isEqualTo('Z');
    assertThat(all.get(zombie).startTime())
        .isPositive()
        .isEqualTo(kernel.process(zombie).orElseThrow().startTime());
    kernel.kill(odd, Signal.KILL);
    awaitExit(kernel, odd);
    assertThat(kernel.process(odd)).isEmpty();
  }

  @Test
  @InOwnJvm
  @DisplayName("FORK-16 a process that is not our child is watched and ended through its pidfd")
  void watchesByPidfd(LinuxKernel kernel) throws Exception {
    var out = Files.createTempFile("refork", "pid");
    var parent =
        started(
            kernel.spawn(
                List.of("sh", "-c", "sleep 60 & echo $! > %s; wait; exit 5".formatted(out)),
                env(),
                List.of()));
    await(kernel, () -> read(out).endsWith("\n"));
    var pid = Integer.parseInt(read(out).strip());
    var pidfd = new PidFd(pid, kernel.openPidfd(pid).orElseThrow());
    assertThat(kernel.poll(new int[] {pidfd.fd()}, NONE, Duration.ZERO).readable()).isEmpty();
    assertThat(kernel.kill(pidfd, Signal.TERM)).isTrue();
    await(
        kernel,
        () ->
            kernel
                .poll(new int[] {pidfd.fd()}, NONE, Duration.ofSeconds(1))
                .readable()
                .contains(pidfd.fd()));
    await(kernel, () -> !kernel.kill(pidfd, Signal.TERM));
    awaitExit(kernel, parent);
    kernel.close(pidfd.fd());
    assertThat(kernel.openPidfd(pid)).isEmpty();
  }

  // --- sockets and poll

  @Test
  @InOwnJvm
  @DisplayName(
      "FORK-12 the kernel tells who connects; data, a full pipe and the end are told apart")
  void talks(LinuxKernel kernel) throws Exception {
    var path = Files.createTempDirectory("refork").resolve("socket");
    var listener = kernel.listenUnix(path.toString(), 16);
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
        .isEqualTo("rw-------");
    assertThat(kernel.accept(listener)).isEmpty();
    try (var client = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      client.connect(UnixDomainSocketAddress.of(path));
      assertThat(kernel.poll(new int[] {listener}, NONE, Duration.ofSeconds(5)).readable())
          .containsExactly(listener);
      var accepted = kernel.accept(listener).orElseThrow();
      assertThat(accepted.peer().pid()).isEqualTo(kernel.pid());
      assertThat(accepted.peer().uid()).isEqualTo(kernel.uid());
      var fd = accepted.fd();
      assertThat(kernel.read(fd)).isEqualTo(new Read.Nothing());

      client.write(ByteBuffer.wrap("hello\n".getBytes(StandardCharsets.US_ASCII)));
      assertThat(kernel.poll(new int[] {fd}, new int[] {fd}, Duration.ofSeconds(5)))
          .isEqualTo(new Kernel.Ready(List.of(fd), List.of(fd), false));
      assertThat(((Read.Data) kernel.read(fd)).bytes())
          .asString(StandardCharsets.US_ASCII)
          .isEqualTo("hello\n");

      var block = new byte[200_000];
      var written = 0;
      for (int count; (count = kernel.write(fd, block, 7, block.length - 7)) > 0; ) {
        written += count;
      }
      assertThat(written).isPositive();
      assertThat(kernel.poll(NONE, new int[] {fd}, Duration.ZERO).writable()).isEmpty();
      client.close();
      assertThat(kernel.poll(new int[] {fd}, NONE, Duration.ofSeconds(5)).readable())
          .containsExactly(fd);
      assertThat(kernel.read(fd)).isEqualTo(new Read.Closed());
      assertThat(kernel.write(fd, block, 0, 1)).isEqualTo(-1);
      kernel.close(fd);
    }
  }

  @Test
  @InOwnJvm
  @DisplayName(
      "PID-17 a socket that nobody listens on is taken over, one with a listener is not, a file is not touched")
  void takesStaleSocketsOver(LinuxKernel kernel) throws Exception {
    var path = Files.createTempDirectory("refork").resolve("socket").toString();
    var first = kernel.listenUnix(path, 1);
    assertThatThrownBy(() -> kernel.listenUnix(path, 1))
        .isInstanceOf(KernelException.class)
        .hasMessageContaining("another process listens");
    kernel.close(first);
    var second = kernel.listenUnix(path, 1);
    kernel.close(second);
    Files.delete(Path.of(path));
    Files.writeString(Path.of(path), "precious");
    assertThatThrownBy(() -> kernel.listenUnix(path, 1)).hasMessageContaining("not a socket");
    assertThat(Files.readString(Path.of(path))).isEqualTo("precious");
    assertThatThrownBy(() -> kernel.listenUnix("/" + "x".repeat(108), 1))
        .hasMessageContaining("109 bytes, the kernel allows 107");
  }

  @Test
  @InOwnJvm
  @DisplayName(
      "FORK-12 without descriptors left, a connection is turned away instead of keeping poll awake")
  void turnsAway(LinuxKernel kernel) throws Exception {
    var path = Files.createTempDirectory("refork").resolve("socket");
    var listener = kernel.listenUnix(path.toString(), 64);
    var script =
        "import socket, time\ns = [socket.socket(socket.AF_UNIX) for _ in range(5)]\n[x.connect('%s') for x in s]\ns[-1].recv(1)"
            .formatted(path);
    var os = Native.get();
    // Before the hoard: spawning needs no descriptor of ours.
    var child = started(kernel.spawn(List.of("python3", "-c", script), env(), List.of()));
    kernel.poll(new int[] {listener}, NONE, Duration.ofSeconds(10));
    kernel.kill(child, Signal.STOP);
    await(kernel, () -> !kernel.reap().isEmpty());
    kernel.kill(child, Signal.CONT);
    // A JVM without descriptors loads no class: what the rest needs is loaded now.
    kernel.spawn(List.of("true"), env(), List.of());
    await(kernel, () -> !kernel.reap().isEmpty());
    var hoard = new ArrayList<Integer>();
    for (int fd; (fd = os.c.open("/dev/null", 0, 0)) >= 0; ) {
      hoard.add(fd);
    }
    await(
        kernel,
        () -> {
          assertThat(kernel.accept(listener)).isEmpty();
          return kernel.reap().stream().anyMatch(event -> event.pid() == child);
        });
    assertThat(kernel.poll(new int[] {listener}, NONE, Duration.ZERO).readable()).isEmpty();
    hoard.forEach(kernel::close);
  }

  @Test
  @InOwnJvm
  @DisplayName("poll waits no longer than asked, rounds up, and any thread can wake it once")
  void waits(LinuxKernel kernel) throws Exception {
    var before = System.nanoTime();
    assertThat(kernel.poll(NONE, NONE, Duration.ofNanos(20_000_001)))
        .isEqualTo(new Kernel.Ready(List.of(), List.of(), false));
    assertThat(System.nanoTime() - before).isGreaterThanOrEqualTo(21_000_000);
    assertThat(Poller.millis(Duration.ofDays(1000))).isEqualTo(Integer.MAX_VALUE);
    assertThat(Poller.millis(Duration.ofMillis(-5))).isZero();
    assertThat(Poller.millis(Duration.ofNanos(1))).isEqualTo(1);

    var waker =
        new Thread(
            () -> {
              kernel.wake();
              kernel.wake();
            });
    waker.start();
    assertThat(kernel.poll(NONE, NONE, Duration.ofSeconds(30)).woken()).isTrue();
    waker.join();
    kernel.poll(NONE, NONE, Duration.ZERO);
    assertThat(kernel.poll(NONE, NONE, Duration.ZERO).woken()).isFalse();
  }

  @Test
  @InOwnJvm
  @DisplayName("a descriptor that is closed is told as ready, so that the loop drops it")
  void tellsClosedDescriptors(LinuxKernel kernel) {
    assertThat(kernel.poll(new int[] {999}, new int[] {998}, Duration.ofSeconds(5)))
        .isEqualTo(new Kernel.Ready(List.of(999), List.of(998), false));
  }

  // --- helpers

  private static long zombies(LinuxKernel kernel) {
    return kernel.processes().values().stream()
        .filter(p -> p.parent() == kernel.pid() && p.state() == 'Z')
        .count();
  }

  private static Map<String, String> env() {
    return ProcessSetup.environment();
  }

  private static int started(SpawnResult result) {
    return ((SpawnResult.Started) result).pid();
  }

  private static int failed(LinuxKernel kernel, String command) {
    return ((SpawnResult.Failed) kernel.spawn(List.of(command), env(), List.of())).errno();
  }

  private static String message(LinuxKernel kernel, String command) {
    return ((SpawnResult.Failed) kernel.spawn(List.of(command), env(), List.of())).message();
  }

  /** Runs a shell command to its end with its output in a file; its pid. */
  private static int start(
      LinuxKernel kernel, String shell, String option, String script, Path out) {
    return start(kernel, List.of(shell, option, script), List.of(), out);
  }

  private static int start(
      LinuxKernel kernel, List<String> command, List<Integer> listeners, Path out) {
    var shell = new ArrayList<>(command);
    shell.set(2, "exec > " + out + "; " + command.get(2));
    var pid = started(kernel.spawn(shell, env(), listeners));
    assertThat(awaitExit(kernel, pid)).isEqualTo(new ExitStatus.Code(0));
    return pid;
  }

  private static ExitStatus awaitExit(LinuxKernel kernel, int pid) {
    var status = new ExitStatus[1];
    await(
        kernel,
        () -> {
          for (var event : kernel.reap()) {
            if (event instanceof ChildEvent.Exited exited && exited.pid() == pid) {
              status[0] = exited.status();
            }
          }
          return status[0] != null;
        });
    return status[0];
  }

  /** Waits as the loop does, by poll; a minute at most. */
  private static void await(LinuxKernel kernel, BooleanSupplier condition) {
    var end = System.nanoTime() + Duration.ofSeconds(50).toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("in time").isLessThan(end);
      kernel.poll(new int[] {kernel.signalFd()}, NONE, Duration.ofMillis(10));
      kernel.signals();
    }
  }

  private static String field(String text, String name) {
    return text.lines()
        .filter(line -> line.startsWith(name + ":"))
        .findFirst()
        .orElseThrow(() -> new AssertionError(name + " in " + text))
        .substring(name.length() + 1)
        .strip();
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      return "";
    }
  }
}
