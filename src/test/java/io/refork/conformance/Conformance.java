package io.refork.conformance;

import io.refork.agent.linux.KernelException;
import io.refork.agent.linux.LinuxKernel;
import io.refork.agent.linux.ProcessSetup;
import io.refork.conformance.Stage.Service;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Plays the agent against any shim: {@code Conformance [--slow PATH] [--failing PATH] [--only NAME]
 * COMMAND…}. One line per check; exit code 0 when all hold, 1 when one does not, 2 for a wrong
 * call. docs/protocol.md, "Conformance", says what the command's service has to be.
 */
public final class Conformance {
  private static final int LOG_LINES = 40;

  private static final Map<String, Consumer<Stage>> SCENARIOS = scenarios();

  private Conformance() {}

  private static Map<String, Consumer<Stage>> scenarios() {
    var all = new LinkedHashMap<String, Consumer<Stage>>();
    all.put("boot", BootScenarios::boot);
    all.put("turned-away", BootScenarios::turnedAway);
    all.put("behind-a-shell", BootScenarios::behindAShell);
    all.put("spawn", SpawnScenarios::spawn);
    all.put("names", SpawnScenarios::names);
    all.put("late", SpawnScenarios::late);
    all.put("middle-killed", SpawnScenarios::middleKilled);
    all.put("scoreboard", ServeScenarios::scoreboard);
    all.put("signals", ServeScenarios::signals);
    all.put("promote", PromoteScenarios::promote);
    all.put("promote-busy", PromoteScenarios::busy);
    all.put("resume", PromoteScenarios::resumed);
    all.put("refuse", PromoteScenarios::refused);
    all.put("stop", LeaveScenarios::stop);
    all.put("stop-busy", LeaveScenarios::stopBusy);
    all.put("eof", LeaveScenarios::endOfFile);
    all.put("wire", BootScenarios::wire);
    return all;
  }

  public static void main(String[] arguments) throws KernelException {
    var options = new LinkedHashMap<String, String>();
    var rest = new ArrayList<>(List.of(arguments));
    while (rest.size() > 1 && rest.getFirst().startsWith("--")) {
      options.put(rest.removeFirst(), rest.removeFirst());
    }
    options.values().removeIf(String::isEmpty);
    var only = Optional.ofNullable(options.remove("--only"));
    var service =
        new Service(
            rest,
            Optional.ofNullable(options.remove("--slow")),
            Optional.ofNullable(options.remove("--failing")));
    if (rest.isEmpty()
        || !options.isEmpty()
        || only.isPresent() && !SCENARIOS.containsKey(only.get())) {
      System.err.println(
          "usage: conformance [--slow PATH] [--failing PATH] [--only SCENARIO] COMMAND...\n"
              + "scenarios: "
              + String.join(", ", SCENARIOS.keySet()));
      System.exit(2);
    }
    ProcessSetup.becomeSubreaper();
    var kernel = LinuxKernel.open();
    var report = new Report(System.out);
    SCENARIOS.forEach(
        (name, scenario) -> {
          if (only.isEmpty() || only.get().equals(name)) {
            play(name, scenario, kernel, report, service);
          }
        });
    report.summary();
    System.exit(report.passed() ? 0 : 1);
  }

  private static void play(
      String name, Consumer<Stage> scenario, LinuxKernel kernel, Report report, Service service) {
    try (var driver = new Driver(kernel)) {
      var failures = report.failures();
      try {
        scenario.accept(new Stage(driver, report, service));
      } catch (Unmet e) {
        report.check(name, e.expected(), false, e.seen());
      }
      if (report.failures() > failures) {
        var lines = driver.log().lines().toList();
        report.detail(lines.subList(Math.max(0, lines.size() - LOG_LINES), lines.size()));
      }
    } catch (KernelException | IOException e) {
      report.check(name, "sockets, files and processes for the scenario", false, e.getMessage());
    }
  }
}
