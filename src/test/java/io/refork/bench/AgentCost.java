package io.refork.bench;

import io.refork.process.AgentProcess;
import io.refork.process.Proc;
import io.refork.process.SteeredAgent;
import java.io.File;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * What the agent itself costs: private memory, start, CPU while idle, while it drains, while it
 * samples.
 */
final class AgentCost {
  private static final int STARTS = 15;
  private static final long IDLE_MILLIS = 60_000;
  private static final double TICKS_PER_SECOND = 100;
  private static final double MIB = 1 << 20;

  private AgentCost() {}

  static List<Figure> measure() throws Exception {
    var figures = new ArrayList<Figure>();
    figures.add(start());
    idle(figures);
    steered(figures);
    figures.add(drain());
    sampling(figures);
    return figures;
  }

  /** From exec of the launcher to exec of the application: a command that prints its time. */
  private static Figure start() throws Exception {
    var values = new double[STARTS];
    for (int i = 0; i < STARTS; i++) {
      var stamp = Files.createTempFile("refork-bench", "stamp");
      long before = micros();
      try (var agent = AgentProcess.of("sh", "-c", "date +%s%6N > " + stamp).start()) {
        agent.exitCode(AgentProcess.LONG);
      }
      values[i] = (Long.parseLong(Files.readString(stamp).strip()) - before) / 1000.0;
    }
    return Figure.atMost(
        300,
        "agent: start to the application's first instruction (a shell and date included)",
        Traffic.median(values),
        Figure.spread(values),
        "ms");
  }

  private static long micros() {
    var now = java.time.Instant.now();
    return now.getEpochSecond() * 1_000_000 + now.getNano() / 1000;
  }

  private static void idle(List<Figure> figures) throws Exception {
    try (var agent = AgentProcess.gunicornApp("gthread").options("--workers", "8").start()) {
      agent.awaitReady(8);
      Thread.sleep(20_000); // the JVM's start is over, what was used in it has gone back
      double before = cpuSeconds(agent.pid());
      long begun = System.nanoTime();
      Thread.sleep(IDLE_MILLIS);
      double share = (cpuSeconds(agent.pid()) - before) / ((System.nanoTime() - begun) / 1e9);
      figures.add(
          Figure.atMost(
              24,
              "agent: private memory, 8 workers, idle",
              Proc.smaps(agent.pid(), "Private_Dirty") / MIB,
              "",
              "MiB"));
      figures.add(
          Figure.recorded(
              "agent: anonymous memory (the same without pages of files)",
              Proc.smaps(agent.pid(), "Anonymous") / MIB,
              "",
              "MiB"));
      figures.add(
          Figure.atMost(
              0.5, "agent: CPU while idle, 8 workers (PID-14)", share * 100, "over 60 s", "%"));
    }
  }

  /** An operator that sends a signed desired state every ten seconds and reads the report. */
  static List<Figure> steered() throws Exception {
    var figures = new ArrayList<Figure>();
    steered(figures);
    return figures;
  }

  private static void steered(List<Figure> figures) throws Exception {
    try (var pod =
        SteeredAgent.start(
            AgentProcess.loopApp().options("--workers", "8", "--refork-after", "off"))) {
      var agent = pod.agent();
      agent.awaitReady(8);
      pod.put(pod.token());
      Thread.sleep(20_000);
      double before = cpuSeconds(agent.pid());
      long begun = System.nanoTime();
      int refused = 0;
      for (int i = 0; i < 6; i++) {
        refused += pod.put(pod.token()).code() == 200 ? 0 : 1;
        Thread.sleep(10_000);
      }
      double share = (cpuSeconds(agent.pid()) - before) / ((System.nanoTime() - begun) / 1e9);
      figures.add(
          Figure.atMost(
              24,
              "agent: private memory, 8 workers, steered every 10 s",
              Proc.smaps(agent.pid(), "Private_Dirty") / MIB,
              refused + " requests refused",
              "MiB"));
      figures.add(
          Figure.atMost(
              1, "agent: CPU, 8 workers, steered every 10 s", share * 100, "over 60 s", "%"));
    }
  }

  /** A request that runs for longer than the drain: ten seconds in which the agent only waits. */
  private static Figure drain() throws Exception {
    try (var agent =
        AgentProcess.gunicornApp("gthread", "--threads", "4")
            .options("--workers", "4", "--drain-timeout", "11s")
            .start()) {
      agent.awaitReady(4);
      Thread.ofPlatform()
          .daemon()
          .start(
              () -> {
                try {
                  io.refork.process.Load.get(agent.port(), "/sleep/20000");
                } catch (java.io.IOException e) {
                  // cut at the end of the drain, as it should be
                }
              });
      agent.awaitStatus(
          "the slow request runs",
          s -> s.list("workers").stream().anyMatch(w -> w.integer("busy") > 0));
      agent.signal("TERM");
      Thread.sleep(500);
      double before = cpuSeconds(agent.pid());
      Thread.sleep(10_000);
      double share = (cpuSeconds(agent.pid()) - before) / 10;
      agent.exitCode(AgentProcess.LONG);
      return Figure.atMost(2, "agent: CPU during a drain of 10 s (PID-14)", share * 100, "", "%");
    }
  }

  /** 32 workers that each have 1 GiB resident (shared, so that it fits), two minutes. */
  private static void sampling(List<Figure> figures) throws Exception {
    try (var agent =
        AgentProcess.loopApp()
            .options("--workers", "32", "--boot-timeout", "120s")
            .env("APP_LOAD_MB", "1024")
            .start()) {
      agent.awaitReady(32);
      Thread.sleep(10_000);
      int sampler = sampler(agent.pid());
      double before = cpuSeconds(agent.pid());
      double samplerBefore = cpuSeconds(sampler);
      Thread.sleep(120_000);
      double share = (cpuSeconds(agent.pid()) - before) / 120;
      double samplerShare = (cpuSeconds(sampler) - samplerBefore) / 120;
      var known =
          agent.status().list("workers").stream()
              .filter(w -> !w.object("memory").isNull("residentBytes"))
              .count();
      figures.add(
          Figure.atMost(
              0.5,
              "agent: CPU of sampling, 32 workers of 1 GiB (MEM-06)",
              samplerShare * 100,
              known + " of 32 measured after 130 s",
              "%"));
      figures.add(Figure.recorded("agent: CPU of all its threads meanwhile", share * 100, "", "%"));
    }
  }

  /** The id of the sampler's thread; the kernel shows it like a process. */
  private static int sampler(int pid) {
    return Arrays.stream(Objects.requireNonNull(new File("/proc/" + pid + "/task").list()))
        .map(Integer::parseInt)
        .filter(t -> Proc.comm(t).startsWith("refork-sampler"))
        .findFirst()
        .orElseThrow();
  }

  /** utime + stime. */
  static double cpuSeconds(int pid) {
    var stat = Proc.file(pid, "stat").orElseThrow();
    var fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
    return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / TICKS_PER_SECOND;
  }
}
