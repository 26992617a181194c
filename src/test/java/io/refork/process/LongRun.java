package io.refork.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.util.ArrayList;
import java.util.Set;
import java.util.TreeMap;

/**
 * Many reforks of a small pool under load, looked at early and at the end: what grows would end a
 * pool that lives for months. For GEN-14's test and its figure.
 */
public final class LongRun {
  /** Objects of the cyclic cache that each request replaces. */
  private static final int CACHE = 500;

  /**
   * Generations whose median is taken for what the processes have: that of a single one differs by
   * a twentieth and more, as its garbage waits to be collected or was.
   */
  private static final int LOOKS = 9;

  /** Replacements of all workers by which the fork is timed. */
  private static final int ROUNDS = 12;

  /** A pool at rest, each process by its role. */
  public record Snapshot(
      TreeMap<String, Integer> descriptors,
      TreeMap<String, Integer> threads,
      long agentAnonymous,
      long poolProportional,
      long pageTables,
      long mappings,
      double forkMicros) {}

  private LongRun() {}

  /** The pool at the first generation looked at and at the last. */
  public record Result(Snapshot first, Snapshot last) {}

  /**
   * Runs it; fails when a request fails.
   *
   * @param from the generation of the first look, at least {@value #LOOKS}
   * @param to that of the last one, at least {@value #LOOKS} later
   */
  public static Result run(App app, int from, int to) throws Exception {
    try (var agent = app.agent().options("--workers", "2", "--canary-soak", "0s").start()) {
      agent.awaitReady(2);
      reforkUntil(agent, 0, from - LOOKS);
      var first = snapshot(agent, from);
      reforkUntil(agent, from, to - LOOKS);
      var last = snapshot(agent, to);
      System.out.println(
          "GEN-14: " + app + " generation " + from + " " + first + "\n  " + to + " " + last);
      assertThat(agent.stop()).isZero();
      return new Result(first, last);
    }
  }

  /** In bytes. */
  private static long pageTables(int pid) {
    return Proc.file(pid, "status").stream()
        .flatMap(String::lines)
        .filter(l -> l.startsWith("VmPTE:"))
        .mapToLong(l -> Long.parseLong(l.replaceAll("\\D+", "")) * 1024)
        .sum();
  }

  private static void reforkUntil(AgentProcess agent, int from, int generation) {
    try (var load = Load.newConnections(agent.port(), "/replace/" + CACHE, 2)) {
      for (int next = from + 1; next <= generation; next++) {
        agent.signal("USR2");
        agent.awaitGeneration(2, next);
      }
      assertThat(load.stop().failures()).isEmpty();
    }
  }

  /** When this generation is reached, from {@value #LOOKS} before it. */
  private static Snapshot snapshot(AgentProcess agent, int generation) throws Exception {
    var proportional = new ArrayList<Long>();
    for (int next = generation - LOOKS + 1; next <= generation; next++) {
      reforkUntil(agent, next - 1, next);
      // Fresh ones: how many requests of the load each had, and so how much garbage, is chance.
      replaceWorkers(agent);
      proportional.add(
          processes(agent).entrySet().stream()
              .filter(e -> !e.getKey().equals("agent"))
              .mapToLong(e -> Proc.smaps(e.getValue(), "Pss_Anon"))
              .sum());
    }
    var processes = processes(agent);
    int mold = processes.get("mold");
    var descriptors = new TreeMap<String, Integer>();
    var threads = new TreeMap<String, Integer>();
    processes.forEach(
        (role, pid) -> {
          descriptors.put(role, Proc.descriptors(pid).size());
          threads.put(role, Proc.threads(pid));
        });
    return new Snapshot(
        descriptors,
        threads,
        Proc.smaps(agent.pid(), "Anonymous"),
        proportional.stream().sorted().toList().get(LOOKS / 2),
        pageTables(mold),
        Proc.file(mold, "maps").stream().flatMap(String::lines).count(),
        forkMicros(agent));
  }

  /** By role, after the same few requests to each worker: what differs is what has piled up. */
  private static TreeMap<String, Integer> processes(AgentProcess agent) {
    agent.awaitStatus(
        "each worker has a cache of its own",
        s -> s.list("workers").stream().allMatch(w -> w.number("served") >= 20) || serve(agent));
    var status = agent.awaitReady(2);
    var processes = new TreeMap<String, Integer>();
    processes.put("agent", agent.pid());
    processes.put("mold", status.object("mold").integer("pid"));
    for (var worker : status.list("workers")) {
      processes.put("worker " + worker.integer("slot"), worker.integer("pid"));
    }
    return processes;
  }

  /** Never enough by itself: the next look tells. */
  private static boolean serve(AgentProcess agent) {
    for (int i = 0; i < 10; i++) {
      Load.later(agent.port(), "/replace/" + CACHE).join();
    }
    return false;
  }

  private static void replaceWorkers(AgentProcess agent) {
    var before = Set.copyOf(agent.workerPids());
    agent.signal("HUP");
    agent.awaitStatus(
        "all workers replaced and ready",
        s ->
            s.list("workers").size() == 2
                && s.list("workers").stream()
                    .allMatch(
                        w ->
                            w.text("state").equals("ready") && !before.contains(w.integer("pid"))));
  }

  /**
   * From the mold's before_fork to the worker's after_fork, the mean of the quicker half of some
   * replacements of all workers: the machine does other things too.
   */
  private static double forkMicros(AgentProcess agent) {
    var took = new TreeMap<String, Integer>();
    for (int round = 0; round < ROUNDS; round++) {
      replaceWorkers(agent);
      var known = took.size();
      await()
          .atMost(AgentProcess.LONG)
          .until(
              () -> {
                var reply = Load.get(agent.port(), "/forked");
                took.put(reply, Integer.parseInt(reply.replaceAll(".* in (\\d+) us", "$1")));
                return took.size() >= known + 2;
              });
    }
    return took.values().stream()
        .sorted()
        .limit(took.size() / 2)
        .mapToInt(i -> i)
        .average()
        .orElseThrow();
  }
}
