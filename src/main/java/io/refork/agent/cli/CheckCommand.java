package io.refork.agent.cli;

import io.refork.agent.cli.InstallCommand.Failure;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;

/**
 * {@code refork check}: rows of ok, warn and fail with what to do. Exit code 1 when anything fails.
 */
final class CheckCommand {
  private static final String PROC = "/proc";

  private final PrintStream out;
  private final PrintStream err;

  /** {@code err} takes what an application writes that is started for the check. */
  CheckCommand(PrintStream out, PrintStream err) {
    this.out = out;
    this.err = err;
  }

  /** Only the machine. */
  int machine() {
    return report("machine", machineFindings()) ? Cli.FAILED : 0;
  }

  /** The machine and a running process with all below it. */
  int process(int pid) throws Failure {
    var application = ApplicationCheck.of(PROC, pid);
    if (application.isEmpty()) {
      throw new Failure(
          "there is no process "
              + pid
              + "; give the pid of the application, or nothing to check the machine");
    }
    boolean machine = report("machine", machineFindings());
    out.println();
    return report(application.get().heading(), application.get().findings()) || machine
        ? Cli.FAILED
        : 0;
  }

  /** The machine, and the command as a pool of two workers that is reforked once under load. */
  int command(List<String> command, TrialLoadPlan plan) throws Failure {
    boolean machine = report("machine", machineFindings());
    out.println();
    out.flush();
    try (var run = TrialRun.start(command, err)) {
      var findings = new ArrayList<Finding>();
      findings.add(run.awaitReady());
      if (!Finding.anyFails(findings)) {
        findings.addAll(TrialFindings.of(new Trial(PROC, run, plan).seen()));
      }
      return report("application: " + String.join(" ", command), findings) || machine
          ? Cli.FAILED
          : 0;
    }
  }

  private boolean report(String heading, List<Finding> findings) {
    Finding.print(out, heading, findings);
    return Finding.anyFails(findings);
  }

  private static List<Finding> machineFindings() {
    var findings = new ArrayList<>(new MachineCheck("").findings());
    findings.addAll(MachineCheck.trials());
    return findings;
  }
}
