package io.refork.process;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** /proc as the tests read it, independent of the agent's own reading. */
public final class Proc {
  private Proc() {}

  /** A process that a recycled pid is not mistaken for. */
  public record Id(int pid, String startTime) {}

  /** A file of /proc/pid, or empty when the process is gone. */
  public static Optional<String> file(int pid, String name) {
    try {
      return Optional.of(Files.readString(Path.of("/proc/" + pid + "/" + name)));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** Alive and no zombie. */
  public static boolean alive(int pid) {
    return stat(pid).filter(s -> !s[0].equals("Z") && !s[0].equals("X")).isPresent();
  }

  public static Optional<Integer> parent(int pid) {
    return stat(pid).map(s -> Integer.parseInt(s[1]));
  }

  /** Its process group. */
  public static Optional<Integer> group(int pid) {
    return stat(pid).map(s -> Integer.parseInt(s[2]));
  }

  public static String comm(int pid) {
    return file(pid, "comm").map(String::strip).orElse("");
  }

  /** The fields of stat from the third on: state, parent, group, … */
  private static Optional<String[]> stat(int pid) {
    return file(pid, "stat").map(s -> s.substring(s.lastIndexOf(')') + 2).split(" "));
  }

  /** All pids of the machine. */
  public static List<Integer> all() {
    try (Stream<Path> entries = Files.list(Path.of("/proc"))) {
      return entries
          .map(p -> p.getFileName().toString())
          .filter(n -> n.chars().allMatch(Character::isDigit))
          .map(Integer::parseInt)
          .toList();
    } catch (IOException e) {
      return List.of();
    }
  }

  public static List<Integer> children(int pid) {
    return all().stream().filter(p -> parent(p).equals(Optional.of(pid))).toList();
  }

  /** Zombies among the children of a process. */
  public static List<Integer> zombies(int parent) {
    return children(parent).stream().filter(p -> !alive(p)).toList();
  }

  /** A process and all below it. */
  public static List<Id> tree(int root) {
    var found = new ArrayList<Id>();
    var queue = new ArrayList<>(List.of(root));
    while (!queue.isEmpty()) {
      int pid = queue.removeLast();
      id(pid).ifPresent(found::add);
      queue.addAll(children(pid));
    }
    return found;
  }

  public static Optional<Id> id(int pid) {
    return stat(pid).map(s -> new Id(pid, s[19]));
  }

  /** Kills a leftover of a test, if it still is the one that was meant. */
  public static void killIfSame(Id id) {
    if (id(id.pid()).equals(Optional.of(id))) {
      kill(id.pid(), "KILL");
    }
  }

  /** Sends a signal to one process. */
  public static void kill(int pid, String signal) {
    try {
      var kill =
          new ProcessBuilder("kill", "-" + signal, Integer.toString(pid))
              .redirectErrorStream(true)
              .start();
      kill.waitFor();
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Descriptors and what they are. */
  public static List<String> descriptors(int pid) {
    try (Stream<Path> entries = Files.list(Path.of("/proc/" + pid + "/fd"))) {
      return entries
          .map(
              p -> {
                try {
                  return p.getFileName() + " " + Files.readSymbolicLink(p);
                } catch (IOException e) {
                  return "";
                }
              })
          .filter(d -> !d.isEmpty())
          .toList();
    } catch (IOException e) {
      return List.of();
    }
  }

  /** Native threads. */
  public static int threads(int pid) {
    return file(pid, "status").stream()
        .flatMap(String::lines)
        .filter(l -> l.startsWith("Threads:"))
        .mapToInt(l -> Integer.parseInt(l.replaceAll("\\D+", "")))
        .sum();
  }

  /** A field of smaps_rollup in bytes, 0 when there is none. */
  public static long smaps(int pid, String field) {
    return file(pid, "smaps_rollup").stream()
        .flatMap(String::lines)
        .filter(l -> l.startsWith(field + ":"))
        .mapToLong(l -> Long.parseLong(l.replaceAll("\\D+", "")) * 1024)
        .sum();
  }

  /**
   * The pid out here of a process that is called {@code inner} in the namespace whose first process
   * is {@code init}.
   */
  static int outer(int init, int inner) {
    return tree(init).stream()
        .filter(
            id ->
                file(id.pid(), "status").stream()
                    .flatMap(String::lines)
                    .filter(l -> l.startsWith("NSpid:"))
                    .anyMatch(l -> l.endsWith("\t" + inner)))
        .map(Id::pid)
        .findFirst()
        .orElseThrow(() -> new AssertionError("no process is " + inner + " in that namespace"));
  }
}
