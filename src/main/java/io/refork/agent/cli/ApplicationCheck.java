package io.refork.agent.cli;

import io.refork.agent.linux.Kernel.ProcessInfo;
import io.refork.agent.linux.ProcFs;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Is a running application fork-safe? Looks at the process and all its descendants: threads,
 * connections that several of them hold, files that several write, and processes that workers have
 * started. Reads below {@code root}; a test brings its own.
 */
final class ApplicationCheck {
  /** Names in one row; more would not be read. */
  /**
   * What each worker of gunicorn alone has in common with its master; under Refork there is none.
   */
  private static final Pattern HEARTBEAT = Pattern.compile(".*/wgunicorn-\\w+ \\(deleted\\)");

  private static final int SHOWN = 8;

  /** As the shim names it; a high generation shortens the first word. */
  private static final Pattern MOLD = Pattern.compile("(refork|rf) mold g\\d*");

  /** A pair's ends have no path; a client's end of a connection has none either. */
  private static final String UNIX_WITHOUT_PATH = "a connected Unix socket (";

  private final OpenDescriptors descriptors;
  private final List<ProcessInfo> tree;
  private final int pid;

  /** Without the agent, when it is the root: its threads and descriptors are nobody's trouble. */
  private final List<ProcessInfo> application;

  private ApplicationCheck(String root, int pid, List<ProcessInfo> tree) {
    this.descriptors = new OpenDescriptors(root);
    this.pid = pid;
    this.tree = tree;
    this.application = descriptors.isAgent(pid) ? tree.subList(1, tree.size()) : tree;
  }

  /** Empty when there is no such process. */
  static Optional<ApplicationCheck> of(String root, int pid) {
    var all = new ProcFs(root).processes();
    var first = all.get(pid);
    if (first == null) {
      return Optional.empty();
    }
    all.remove(
        (int) ProcessHandle.current().pid()); // this very check, when it runs below the application
    var tree = new ArrayList<ProcessInfo>();
    tree.add(first);
    for (int i = 0; i < tree.size(); i++) {
      int parent = tree.get(i).pid();
      all.values().stream()
          .filter(
              p ->
                  p.parent() == parent
                      && p.state() != 'Z'
                      && tree.stream().noneMatch(t -> t.pid() == p.pid()))
          .sorted(Comparator.comparingInt(ProcessInfo::pid))
          .forEach(tree::add);
    }
    return Optional.of(new ApplicationCheck(root, pid, tree));
  }

  /** What the heading of the rows says. */
  String heading() {
    var name = tree.getFirst().comm();
    return "application: pid "
        + pid
        + " ("
        + name
        + ")"
        + (tree.size() == 1 ? "" : " and " + (tree.size() - 1) + " below it");
  }

  /** Whether there is anything but an agent. */
  boolean hasProcesses() {
    return !application.isEmpty();
  }

  List<Finding> findings() {
    var findings = new ArrayList<Finding>();
    findings.add(threads());
    findings.addAll(withoutThreads());
    return findings;
  }

  /** For a trial, which sees by the refork what threads matter. */
  List<Finding> withoutThreads() {
    var findings = new ArrayList<Finding>(connections());
    findings.add(files());
    findings.add(children());
    // Only now: it is filled by looking.
    var unseen = descriptors.unreadable();
    if (!unseen.isEmpty()) {
      findings.add(
          Finding.warn(
              "not seen",
              "descriptors of " + pids(unseen),
              "run 'refork check' as the application's user or as root"));
    }
    return findings;
  }

  /** A fork keeps one thread: what the others held stays locked, what they did stops. */
  private Finding threads() {
    var rows = new ArrayList<String>();
    for (var process : application) {
      var names = descriptors.threads(process.pid());
      if (names.size() > 1) {
        var others =
            names.subList(1, names.size()).stream()
                // Python names no thread for the kernel: such a one has its process's name.
                .map(n -> n.equals(process.comm()) ? "unnamed" : n)
                .collect(Collectors.groupingBy(n -> n, TreeMap::new, Collectors.counting()));
        rows.add(
            who(process)
                + ": "
                + others.entrySet().stream()
                    .map(e -> e.getValue() + "× " + e.getKey())
                    .collect(Collectors.joining(", ")));
      }
    }
    return rows.isEmpty()
        ? Finding.ok("threads", "one in each process")
        : Finding.warn(
            "threads",
            shown(rows, "; "),
            "a fork keeps none of them; those that answer requests end by themselves, which others are in the way 'refork check -- COMMAND' tells");
  }

  private List<Finding> connections() {
    var shared = new TreeMap<String, TreeSet<Integer>>();
    for (var process : application) {
      for (var socket : descriptors.sockets(process.pid())) {
        shared.computeIfAbsent(socket, s -> new TreeSet<>()).add(process.pid());
      }
    }
    shared.values().removeIf(holders -> holders.size() < 2);
    var looked = new TreeSet<String>();
    var peers = new TreeMap<String, String>();
    for (var holders : shared.values()) {
      if (looked.add(descriptors.network(holders.first()))) {
        peers.putAll(descriptors.peers(holders.first(), shared.keySet()));
      }
    }
    var findings = new ArrayList<Finding>();
    peers.forEach(
        (socket, peer) -> {
          if (peer.startsWith(UNIX_WITHOUT_PATH) && isPair(socket, shared)) {
            if (findings.stream().noneMatch(f -> f.verdict() == Finding.Verdict.WARN)) {
              findings.add(
                  Finding.warn(
                      "socket pair",
                      "both ends are held by "
                          + pids(shared.getOrDefault(socket, new TreeSet<>()))
                          + ", as an event loop made while loading has one",
                      "make it in after_fork: each process would wake the others"));
            }
          } else if (findings.size() < SHOWN) {
            findings.add(
                Finding.fail(
                    "shared socket",
                    peer + " is held by " + pids(shared.getOrDefault(socket, new TreeSet<>())),
                    "answers would reach the wrong process: close it in before_fork, or open it in after_fork"));
          }
        });
    return findings.isEmpty()
        ? List.of(Finding.ok("sockets", "no connection is shared"))
        : findings;
  }

  /**
   * Both ends of a pair are made at once: their numbers follow each other, a connection's do not.
   */
  private static boolean isPair(String socket, Map<String, TreeSet<Integer>> shared) {
    long inode = Long.parseLong(socket.substring(8, socket.length() - 1));
    var holders = shared.get(socket);
    return Stream.of(inode - 1, inode + 1)
        .anyMatch(other -> Objects.equals(holders, shared.get("socket:[" + other + "]")));
  }

  private Finding files() {
    var writers = new TreeMap<String, TreeSet<Integer>>();
    for (var process : application) {
      for (var file : descriptors.writtenFiles(process.pid())) {
        writers.computeIfAbsent(file, f -> new TreeSet<>()).add(process.pid());
      }
    }
    var rows =
        writers.entrySet().stream()
            .filter(e -> e.getValue().size() > 1 && !HEARTBEAT.matcher(e.getKey()).matches())
            .filter(e -> isInherited(e.getValue()))
            .map(e -> e.getKey() + " by " + pids(e.getValue()))
            .toList();
    return rows.isEmpty()
        ? Finding.ok("files", "none is written by several processes")
        : Finding.warn(
            "files",
            shown(rows, "; "),
            "opened before the fork they share one position and one set of locks (SQLite is corrupted by it): open them in after_fork");
  }

  /**
   * In a pool of ours a worker inherits from a mold only: what no mold has, each has opened for
   * itself, such as a database. Elsewhere that cannot be told.
   */
  private boolean isInherited(Set<Integer> holders) {
    var molds =
        application.stream()
            .filter(p -> MOLD.matcher(p.comm()).matches())
            .map(ProcessInfo::pid)
            .toList();
    return molds.isEmpty() || molds.stream().anyMatch(holders::contains);
  }

  /** A worker may not be promoted while it has children: they would stay the old process's. */
  private Finding children() {
    var byPid = tree.stream().collect(Collectors.toMap(ProcessInfo::pid, p -> p));
    var rows = new ArrayList<String>();
    for (var process : tree) {
      var parent = byPid.get(process.parent());
      if (process.pid() != pid && parent != null && parent.pid() != pid) {
        rows.add(who(process) + " of " + who(parent));
      }
    }
    return rows.isEmpty()
        ? Finding.ok("children", "no worker has a child process")
        : Finding.warn(
            "children",
            shown(rows, ", "),
            "a worker with children is not promoted: end them in before_promote");
  }

  private static String who(ProcessInfo process) {
    return "pid " + process.pid() + " (" + process.comm() + ")";
  }

  private static String pids(java.util.Collection<Integer> pids) {
    return (pids.size() == 1 ? "pid " : "pids ")
        + shown(pids.stream().map(String::valueOf).toList(), ", ");
  }

  private static String shown(List<String> rows, String between) {
    var text = rows.stream().limit(SHOWN).collect(Collectors.joining(between));
    return rows.size() <= SHOWN ? text : text + between + (rows.size() - SHOWN) + " more";
  }
}
