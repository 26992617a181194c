package io.refork.agent.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.refork.agent.cli.Finding.Verdict;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Against directories that look like /proc and /sys. */
class CheckTest {
  @TempDir private Path root;

  private void file(String path, String text) throws IOException {
    var file = root.resolve(path);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }

  private void process(int pid, int parent, String comm, String... threads) throws IOException {
    file(
        pid + "/stat",
        pid + " (" + comm + ") S " + parent + " 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 7 0 0");
    file(pid + "/task/" + pid + "/comm", comm + "\n");
    for (int i = 0; i < threads.length; i++) {
      file(pid + "/task/" + (pid * 100 + i) + "/comm", threads[i] + "\n");
    }
    Files.createDirectories(root.resolve(pid + "/fd"));
  }

  private void open(int pid, int fd, String target, String flags) throws IOException {
    Files.createSymbolicLink(root.resolve(pid + "/fd/" + fd), Path.of(target));
    file(pid + "/fdinfo/" + fd, "pos:\t0\nflags:\t" + flags + "\n");
  }

  private void connections(int pid, String... rows) throws IOException {
    file(
        pid + "/net/tcp",
        "  sl  local_address rem_address   st\n" + String.join("\n", rows) + "\n");
  }

  private static String row(String remote, String state, int inode) {
    return "   0: 0100007F:8D02 "
        + remote
        + " "
        + state
        + " 00000000:00000000 00:00000000 00000000  1000        0 "
        + inode
        + " 1";
  }

  private List<String> found(int pid) {
    return ApplicationCheck.of(root.toString(), pid).orElseThrow().findings().stream()
        .map(f -> f.verdict() + " " + f.what() + ": " + f.found())
        .toList();
  }

  @Test
  @DisplayName("a clean pool of a mold and two workers is found fork-safe")
  void clean() throws IOException {
    process(10, 1, "gunicorn");
    process(11, 10, "worker");
    process(12, 10, "worker");
    for (int pid = 10; pid < 13; pid++) {
      open(pid, 2, "socket:[5]", "02"); // standard error may be a socket
      open(pid, 3, "socket:[6]", "02");
      open(pid, 4, "/var/log/shop", "0102001");
      open(pid, 5, "/dev/shm/refork-1", "02");
      open(pid, 6, "/etc/shop", "0100000");
      open(pid, 7, "socket:[" + (100 + pid) + "]", "02");
      connections(
          pid,
          row("00000000:0000", "0A", 6),
          row("0A00000A:1538", "01", 111),
          row("0A00000A:1538", "01", 112),
          row("0100007F:1538", "01", 5));
    }
    assertThat(ApplicationCheck.of(root.toString(), 10).orElseThrow().heading())
        .isEqualTo("application: pid 10 (gunicorn) and 2 below it");
    assertThat(found(10))
        .containsExactly(
            "OK threads: one in each process",
            "OK sockets: no connection is shared",
            "OK files: none is written by several processes",
            "OK children: no worker has a child process");
    assertThat(ApplicationCheck.of(root.toString(), 99)).isEmpty();
  }

  @Test
  @DisplayName("FORK-10 a connection that siblings share is named with its peer and its holders")
  void sharedConnection() throws IOException {
    process(10, 1, "gunicorn");
    process(11, 10, "worker");
    process(12, 10, "worker");
    for (int pid = 11; pid < 13; pid++) {
      open(pid, 7, "socket:[111]", "02");
      open(pid, 8, "socket:[222]", "02");
      connections(pid, row("0A00000A:1538", "01", 111));
      file(
          pid + "/net/unix",
          "Num RefCount Protocol Flags Type St Inode Path\n0000: 00000003 00000000 00000000 0001 03 222\n");
    }
    assertThat(found(10))
        .contains(
            "FAIL shared socket: the connection to 10.0.0.10:5432 is held by pids 11, 12",
            "FAIL shared socket: a connected Unix socket (inode 222) is held by pids 11, 12");
  }

  @Test
  @DisplayName(
      "a socket pair, such as an event loop's, is a warning: there is no peer whose answers could go astray")
  void socketPair() throws IOException {
    process(10, 1, "gunicorn");
    process(11, 10, "worker");
    for (int pid = 10; pid < 12; pid++) {
      for (int inode : List.of(111, 112, 222, 223)) {
        open(pid, inode, "socket:[" + inode + "]", "02");
      }
      connections(pid, row("0A00000A:1538", "01", 111), row("0A00000A:1538", "01", 112));
      file(
          pid + "/net/unix",
          "Num RefCount Protocol Flags Type St Inode Path\n"
              + "0000: 00000003 00000000 00000000 0001 03 222\n"
              + "0000: 00000003 00000000 00000000 0001 03 223\n");
    }
    assertThat(found(10))
        .contains(
            "FAIL shared socket: the connection to 10.0.0.10:5432 is held by pids 10, 11",
            "WARN socket pair: both ends are held by pids 10, 11, as an event loop made while loading has one");
  }

  @Test
  @DisplayName("threads, files with one position, children and what cannot be seen are warned of")
  void warnings() throws IOException {
    process(10, 1, "gunicorn", "grpc", "grpc", "poll\u001b[2J");
    process(11, 10, "worker");
    process(12, 11, "ffmpeg");
    open(10, 7, "/data/shop.db", "02");
    open(11, 9, "/data/shop.db", "0100002");
    Files.delete(root.resolve("12/fd"));
    assertThat(found(10))
        .containsExactly(
            "WARN threads: pid 10 (gunicorn): 2× grpc, 1× poll\u001b[2J",
            "OK sockets: no connection is shared",
            "WARN files: /data/shop.db by pids 10, 11",
            "WARN children: pid 12 (ffmpeg) of pid 11 (worker)",
            "WARN not seen: descriptors of pid 12");
    var out = new ByteArrayOutputStream();
    Finding.print(
        new PrintStream(out, true, UTF_8),
        "h",
        ApplicationCheck.of(root.toString(), 10).orElseThrow().findings());
    assertThat(out.toString(UTF_8))
        .contains("  warn  threads           pid 10 (gunicorn): 2× grpc, 1× poll\\u001b[2J\n")
        .doesNotContain("\u001b");
  }

  @Test
  @DisplayName(
      "of gunicorn alone, its request threads are unnamed and its heartbeat files no trouble")
  void gunicornAlone() throws IOException {
    process(10, 1, "gunicorn");
    process(11, 10, "gunicorn", "gunicorn", "gunicorn");
    open(10, 7, "/tmp/wgunicorn-mr77fbv6 (deleted)", "02");
    open(11, 9, "/tmp/wgunicorn-mr77fbv6 (deleted)", "02");
    assertThat(found(10))
        .contains(
            "WARN threads: pid 11 (gunicorn): 2× unnamed",
            "OK files: none is written by several processes");
  }

  @Test
  @DisplayName("the agent itself, with its threads, is not part of the application")
  void agent() throws IOException {
    process(1, 0, "java", "VM Thread", "refork-log");
    file("1/cmdline", "refork\0-jar\0/refork/lib/refork.jar\0run\0");
    process(11, 1, "worker");
    assertThat(found(1)).contains("OK threads: one in each process");
  }

  @Test
  @DisplayName("addresses of the kernel's tables are read in the machine's order")
  void addresses() {
    assertThat(OpenDescriptors.address("0100007F:1F40")).isEqualTo("127.0.0.1:8000");
    assertThat(OpenDescriptors.address("00000000000000000000000001000000:0050"))
        .isEqualTo("[0:0:0:0:0:0:0:1]:80");
    assertThat(OpenDescriptors.address("nonsense")).isEqualTo("nonsense");
  }

  @Test
  @DisplayName(
      "PID-16 a machine on which sharing cannot be seen is a warning; this machine has no failure")
  void machine() throws IOException {
    file(
        "proc/self/limits",
        "Limit                     Soft Limit           Hard Limit           Units\nMax processes             64                   64                   processes\nMax open files            unlimited            4096                 files\n");
    file("proc/self/status", "Name:\tx\nSeccomp:\t2\n");
    file("sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n");
    file("dev/shm/.keep", "");
    var findings = new MachineCheck(root.toString()).findings();
    assertThat(findings.stream().map(f -> f.verdict() + " " + f.what() + ": " + f.found()))
        .contains(
            "WARN shared memory: /proc/self/smaps_rollup cannot be read",
            "WARN control group: no memory controller can be seen",
            "OK huge pages: transparent huge pages are set to always; --thp off, the default, matters",
            "OK seccomp: a filter is active; what it must allow is tried below",
            "WARN processes: at most 64",
            "OK descriptors: at most unlimited");
    assertThat(new MachineCheck("").findings()).noneMatch(f -> f.verdict() == Verdict.FAIL);
  }
}
