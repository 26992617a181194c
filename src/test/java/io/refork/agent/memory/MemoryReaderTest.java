package io.refork.agent.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.refork.agent.linux.ProcFs;
import io.refork.agent.memory.MemoryReading.Measured;
import io.refork.agent.memory.MemoryReading.Reason;
import io.refork.agent.memory.MemoryReading.Unknown;
import java.io.BufferedReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MemoryReaderTest {
  private static final double MIB = 1 << 20;

  /**
   * A parent with 60 MB on its heap and two forks; the first writes 20 MB of it, the second 30 MB
   * of a file.
   */
  private static final String FAMILY =
      """
      import mmap, os, sys, time
      M = 1 << 20
      heap = mmap.mmap(-1, 60 * M, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
      for i in range(0, 60 * M, 4096): heap[i] = 1
      ready, write = os.pipe()
      pids = []
      for n in range(2):
          pid = os.fork()
          if pid == 0:
              if n == 0:
                  for i in range(0, 20 * M, 4096): heap[i] = 2
              else:
                  f = open(sys.argv[1], "w+b"); f.truncate(30 * M); m = mmap.mmap(f.fileno(), 30 * M)
                  for i in range(0, 30 * M, 4096): m[i] = 1
              os.write(write, b"x")
              sys.stdin.read()
              os._exit(0)
          os.read(ready, 1)
          pids.append(pid)
      print(*pids, flush=True)
      sys.stdin.read()
      """;

  @TempDir Path directory;
  private Process family;
  private int first;
  private int second;
  private final MemoryReader reader = new MemoryReader("/proc");

  private void startFamily() throws Exception {
    family =
        new ProcessBuilder("python3", "-c", FAMILY, directory.resolve("file").toString()).start();
    BufferedReader out = family.inputReader();
    var pids = out.readLine().split(" ");
    first = Integer.parseInt(pids[0]);
    second = Integer.parseInt(pids[1]);
  }

  @AfterEach
  void endFamily() throws Exception {
    if (family != null) {
      family.getOutputStream().close();
      assertThat(family.waitFor(10, TimeUnit.SECONDS)).isTrue();
    }
  }

  private static long startTime(int pid) {
    return new ProcFs("/proc").process(pid).orElseThrow().startTime();
  }

  private ProcessMemory measured(int pid) {
    return ((Measured) reader.read(pid, startTime(pid))).memory();
  }

  @Test
  @DisplayName(
      "MEM-02 of a fork that wrote 20 of 60 MB: resident all, private 20, proportional in between")
  void measuresForks() throws Exception {
    startFamily();
    var one = measured(first);
    assertThat(one.residentBytes() / MIB).isBetween(60.0, 75.0);
    assertThat(one.privateBytes() / MIB).isCloseTo(20, within(3.0));
    // 40 MB shared by three, 20 of its own, and its share of the interpreter's heap.
    assertThat(one.proportionalBytes() / MIB).isCloseTo(20 + 40 / 3.0 + 2, within(3.0));
  }

  @Test
  @DisplayName(
      "MEM-02 dirty pages of a file may pass as private, but never as more than what is resident")
  void boundsFilePages() throws Exception {
    startFamily();
    var two = measured(second);
    assertThat(two.residentBytes() / MIB).isBetween(60.0, 75.0);
    assertThat(two.privateBytes()).isLessThanOrEqualTo(two.residentBytes());
    assertThat(two.proportionalBytes() / MIB).as("no file pages").isLessThan(32);
  }

  @Test
  @DisplayName(
      "MEM-09 a process that vanished, a zombie, and another one with its pid are unknown, never zero")
  void vanished() throws Exception {
    startFamily();
    var pid = (int) family.pid();
    var start = startTime(pid);
    assertThat(reader.read(pid, start + 1))
        .as("another process")
        .isEqualTo(new Unknown(Reason.VANISHED));
    var zombieStart = startTime(first);
    new ProcessBuilder("kill", "-9", Integer.toString(first)).start().waitFor();
    org.awaitility.Awaitility.await()
        .until(() -> new ProcFs("/proc").process(first).orElseThrow().state() == 'Z');
    assertThat(reader.read(first, zombieStart))
        .as("zombie")
        .isEqualTo(new Unknown(Reason.VANISHED));
    endFamily();
    family = null;
    assertThat(reader.read(pid, start)).isEqualTo(new Unknown(Reason.VANISHED));
  }

  @Test
  @DisplayName(
      "MEM-09 PID-16 what cannot be read is unknown with its reason; a kernel without it likewise")
  void unreadable() throws Exception {
    var process = Files.createDirectories(directory.resolve("7"));
    Files.writeString(
        process.resolve("stat"), "7 (python3) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0\n");
    var fake = new MemoryReader(directory.toString());
    assertThat(fake.read(7, 4711)).isEqualTo(new Unknown(Reason.NOT_SUPPORTED));
    // A directory of that name cannot be read either, and unlike a mode it stops root, too.
    Files.createDirectory(process.resolve("smaps_rollup"));
    assertThat(fake.read(7, 4711)).isEqualTo(new Unknown(Reason.NOT_READABLE));
    Files.delete(process.resolve("smaps_rollup"));
    Files.writeString(
        process.resolve("smaps_rollup"),
        "Rss: 100 kB\nPss: 50 kB\nPrivate_Dirty: 10 kB\nAnonymous: 90 kB\n");
    assertThat(fake.read(7, 4711))
        .as("before Linux 5.4")
        .isEqualTo(new Unknown(Reason.NOT_SUPPORTED));
  }

  @Test
  @DisplayName("private memory is at most what is resident; numbers are KiB")
  void parses() {
    var rollup =
        "5581-7ffe ---p 00000000 00:00 0 [rollup]\nRss:  200 kB\nPss_Anon:  40 kB\nPrivate_Dirty: 130 kB\nAnonymous: 100 kB\n";
    assertThat(MemoryReader.parse(rollup.getBytes(StandardCharsets.US_ASCII)))
        .isEqualTo(new Measured(new ProcessMemory(100 * 1024, 40 * 1024, 100 * 1024)));
  }
}
