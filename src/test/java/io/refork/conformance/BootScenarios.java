package io.refork.conformance;

import io.refork.agent.linux.ExitStatus;
import io.refork.protocol.mold.ToProcess;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** "Environment", "Transport" and "Boot". */
final class BootScenarios {
  private BootScenarios() {}

  static void boot(Stage stage) {
    var driver = stage.driver();
    driver.start(stage.service().command());
    var mold = driver.hello("the boot mold");
    var hello = mold.hello();
    stage.check(
        "boot.hello",
        "hello of protocol 1, role mold, its own pid " + mold.pid + ", no spawn",
        hello.get("role").equals("mold")
            && hello.get("pid").equals(mold.pid)
            && !hello.containsKey("spawn"),
        hello);
    stage.check("boot.waits", "nothing more before welcome", driver.quiet(mold), mold.said());
    stage.check(
        "boot.no-row",
        "no row written before welcome",
        driver.board.written().isEmpty(),
        driver.board.written());
    driver.welcome(mold, -1, 0);
    var ready = driver.expect(mold, "ready", Driver.BOOT);
    stage.check(
        "boot.ready", "ready once loaded, although welcome has an unknown field", true, ready);
    stage.check(
        "boot.threads",
        "ready names the mold's threads",
        ready.get("threads") instanceof List<?> names
            && names.stream().allMatch(String.class::isInstance),
        ready.get("threads"));
    stage.check(
        "boot.memory",
        "memory absent, or private, proportional and resident in bytes",
        ready.get("memory") == null || wellFormed(ready.get("memory")),
        ready.get("memory"));
    stage.check(
        "boot.row",
        "no row but its own, " + mold.row + ", written",
        List.of(mold.row).containsAll(driver.board.written()),
        driver.board.written());
    stage.send(mold, Orders.stop());
    stage.leaves("boot.stop", mold);
  }

  private static boolean wellFormed(Object memory) {
    return memory instanceof Map<?, ?> m
        && List.of("private", "proportional", "resident").stream()
            .allMatch(n -> m.get(n) instanceof Number bytes && bytes.longValue() >= 0);
  }

  static void turnedAway(Stage stage) {
    var driver = stage.driver();
    driver.start(stage.service().command());
    var mold = driver.hello("the boot mold");
    stage.send(mold, new ToProcess.Error("protocol", "this driver wants none"));
    driver.hangUp(mold);
    var ended = driver.endsWithin(Driver.PATIENCE, mold.pid);
    var failed =
        driver.processes.exit(mold.pid).map(s -> !s.equals(new ExitStatus.Code(0))).orElse(true);
    stage.check(
        "boot.turned-away",
        "a boot mold that is answered by error ends, not with exit code 0",
        ended && failed,
        driver.processes.ending(mold.pid));
  }

  static void behindAShell(Stage stage) {
    var driver = stage.driver();
    // The shell stays, as an entrypoint does that has something to do afterwards.
    var command = new ArrayList<>(List.of("sh", "-c", "\"$@\"; exit $?", "sh"));
    command.addAll(stage.service().command());
    var shell = driver.start(command);
    var mold = driver.hello("the boot mold behind a shell");
    driver.welcome(mold, -1, 0);
    driver.expect(mold, "ready", Driver.BOOT);
    stage.check(
        "boot.behind-a-shell",
        "the mold is the shell's child and says hello with its own pid",
        mold.pid != shell && mold.hello().get("pid").equals(mold.pid),
        mold.hello());
    var worker = stage.worker(mold, 0);
    stage.check(
        "boot.behind-a-shell-spawn",
        "its workers are the agent's children all the same",
        driver.processes.parent(worker.pid) == driver.processes.ownPid(),
        "parent " + driver.processes.parent(worker.pid));
    driver.hangUp(mold);
    stage.check(
        "boot.behind-a-shell-eof",
        "end of file: it leaves at once, and the shell after it",
        driver.endsWithin(Driver.KILL, mold.pid) && driver.endsWithin(Driver.KILL, shell),
        driver.processes.ending(mold.pid));
  }

  /** Lines in pieces, lines in one piece, long lines, and lines that no version knows. */
  static void wire(Stage stage) {
    var driver = stage.driver();
    var mold = stage.boot();
    var line = Driver.line(Orders.spawn("pieces", 0, 0));
    for (var at = 0; at < line.length(); at += 7) {
      driver.sendRaw(mold, line.substring(at, Math.min(at + 7, line.length())));
      driver.within(Duration.ofMillis(2), () -> false);
    }
    var spawned = driver.expect(mold, "spawned");
    stage.check("wire.pieces", "a line that comes in pieces is one line", true, spawned);
    var worker = driver.hello("the newborn");
    driver.welcome(worker, 0, 0);
    driver.expect(worker, "ready");
    driver.sendRaw(
        worker,
        Driver.line(Orders.resume())
            .replace("\"type\"", "\"long\":\"" + "x".repeat(60_000) + "\",\"type\""));
    stage.check(
        "wire.long-line",
        "a line of 60,000 bytes is read; a resume that finds nothing to resume changes nothing",
        stage.served() && driver.quiet(worker),
        worker.said());
    driver.sendRaw(worker, "{\"type\":\"from-a-later-version\"}\n");
    wrong(stage, "wire.unknown-type", worker, "an unknown type", "unknown-type");
    var other = stage.worker(mold, 0);
    driver.sendRaw(other, "\"no object\"\n");
    wrong(stage, "wire.malformed", other, "a line that is no object", "malformed");
    driver.sendRaw(mold, "{\"type\":\"spawn\",\"slot\":0,\"generation\":0}\n");
    wrong(stage, "wire.missing-field", mold, "a spawn without its id", "malformed");
  }

  private static void wrong(Stage stage, String id, Peer peer, String what, String code) {
    var driver = stage.driver();
    driver.within(Driver.PATIENCE, () -> peer.saidSomething() || peer.closed);
    var answer = peer.next().orElse(Map.of());
    stage.check(
        id,
        what + " is answered by error " + code,
        "error".equals(answer.get("type")) && code.equals(answer.get("code")),
        answer);
    stage.check(
        id + "-ends",
        "and the connection closed: that ends the process",
        driver.endsWithin(Driver.PATIENCE, peer.pid),
        driver.processes.ending(peer.pid));
  }
}
