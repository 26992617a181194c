package io.refork.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * MEM: what a refork saves, and whether the agent's figures are true; the test reads /proc itself.
 */
class MemoryTest {
  private static final double MIB = 1024 * 1024;
  private static final Duration FULL_ROUND = Duration.ofSeconds(120);

  @Test
  @DisplayName(
      "MEM-01 8 workers with the same 150 MB cache: one refork leaves at most a third, also after a full collection in each")
  void aThird() throws Exception {
    try (var agent =
        AgentProcess.loopApp()
            .options("--workers", "8", "--refork-min-interval", "0s", "--canary-soak", "200ms")
            .options("--max-unavailable", "4")
            .start()) {
      agent.awaitReady(8);
      eachWorker(agent, "/cache/150");
      var before = proportional(agent);
      assertThat(before / MIB).as("MB with 8 caches").isGreaterThan(8 * 150);

      agent.signal("USR2");
      agent.awaitGeneration(8, 1);
      agent.awaitStatus("the old mold is gone", s -> Proc.children(agent.pid()).size() == 9);
      var after = proportional(agent);
      assertThat(Load.get(agent.port(), "/cache/150")).contains("cached");
      eachWorker(agent, "/collect");
      var collected = proportional(agent);
      System.out.printf(
          "MEM-01: %.0f MB before, %.0f after the refork (1/%.1f), %.0f after collections (1/%.1f)%n",
          before / MIB, after / MIB, before / after, collected / MIB, before / collected);
      assertThat(before / after).as("times less after the refork").isGreaterThanOrEqualTo(3);
      assertThat(before / collected).as("times less, collected").isGreaterThanOrEqualTo(3);
      assertThat(agent.stop()).isZero();
    }
  }

  @Test
  @DisplayName(
      "MEM-02 private, proportional, shared ratio and saved are within 2 % of the test's own reading")
  void figuresAreTrue() throws Exception {
    try (var agent =
        AgentProcess.loopApp().env("APP_LOAD_MB", "40").options("--workers", "3").start()) {
      agent.awaitReady(3);
      // Unequal on purpose: what one worker has must not pass as another's.
      Load.get(agent.port(), "/cache/30");
      Load.get(agent.port(), "/cache/20");
      await()
          .atMost(FULL_ROUND)
          .pollInterval(Duration.ofMillis(500))
          .untilAsserted(() -> compare(agent.status()));
    }
  }

  private static void compare(Json status) {
    long resident = 0;
    long proportional = Proc.smaps(status.object("mold").integer("pid"), "Pss_Anon");
    long privateOnly = 0;
    for (var worker : status.list("workers")) {
      int pid = worker.integer("pid");
      var memory = worker.object("memory");
      near(memory, "residentBytes", Proc.smaps(pid, "Anonymous"));
      near(memory, "proportionalBytes", Proc.smaps(pid, "Pss_Anon"));
      near(memory, "privateBytes", Proc.smaps(pid, "Private_Dirty"));
      resident += Proc.smaps(pid, "Anonymous");
      proportional += Proc.smaps(pid, "Pss_Anon");
      privateOnly += Proc.smaps(pid, "Private_Dirty");
    }
    var pool = status.object("memory");
    near(pool, "proportionalBytes", proportional);
    near(pool, "savedBytes", resident - proportional);
    near(pool, "sharedRatio", 1 - (double) privateOnly / resident);
  }

  private static void near(Json reported, String name, double own) {
    assertThat(own).as("own reading of " + name).isPositive();
    assertThat(reported.real(name) / own).as(name + " / own reading").isBetween(0.98, 1.02);
  }

  @ParameterizedTest(name = "MEM-03 huge pages with --thp {0}: THP_enabled {1} in mold and workers")
  @CsvSource({"default,0", "off,0", "keep,1"})
  void hugePages(String option, String enabled) {
    assumeTrue(
        hugePages((int) ProcessHandle.current().pid()).equals("1"),
        "transparent huge pages are switched off for this test, or the kernel does not tell");
    var builder = AgentProcess.loopApp();
    if (!option.equals("default")) {
      builder.options("--thp", option);
    }
    builder.options("--workers", "2", "--refork-min-interval", "0s", "--canary-soak", "200ms");
    try (var agent = builder.start()) {
      var boot = agent.awaitReady(2);
      var seen = new ArrayList<>(List.of(hugePages(boot.object("mold").integer("pid"))));
      agent.signal("USR2");
      var later = agent.awaitGeneration(2, 1);
      seen.add(hugePages(later.object("mold").integer("pid")));
      agent.workerPids().forEach(pid -> seen.add(hugePages(pid)));
      assertThat(seen).hasSize(4).containsOnly(enabled);
    }
  }

  private static String hugePages(int pid) {
    return Proc.file(pid, "status").stream()
        .flatMap(String::lines)
        .filter(l -> l.startsWith("THP_enabled:"))
        .map(l -> l.substring(12).strip())
        .findFirst()
        .orElse("not told");
  }

  /** Asks until every worker has answered: a busy one leaves the next request to others. */
  private static void eachWorker(AgentProcess agent, String path) {
    var pids = Set.copyOf(agent.workerPids());
    Set<Integer> answered = ConcurrentHashMap.newKeySet();
    await(path + " in each worker")
        .atMost(FULL_ROUND)
        .until(
            () -> {
              var clients = new ArrayList<Thread>();
              for (var i = 0; i < pids.size(); i++) {
                clients.add(Thread.ofPlatform().start(() -> ask(agent, path, answered)));
              }
              for (var client : clients) {
                client.join();
              }
              return answered.containsAll(pids);
            });
  }

  private static void ask(AgentProcess agent, String path, Set<Integer> answered) {
    try {
      answered.add(Integer.parseInt(Load.get(agent.port(), path).split(" ")[1]));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** ΣPSS of everything that the agent has started: workers and molds. */
  private static double proportional(AgentProcess agent) {
    return Proc.children(agent.pid()).stream().mapToLong(pid -> Proc.smaps(pid, "Pss")).sum();
  }
}
