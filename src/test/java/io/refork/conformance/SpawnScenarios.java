package io.refork.conformance;

import io.refork.agent.linux.Signal;
import io.refork.protocol.mold.ToProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** "Spawn": the double fork, and what may go wrong around it. */
final class SpawnScenarios {
  private static final int TRIES = 15;

  private SpawnScenarios() {}

  static void spawn(Stage stage) {
    var driver = stage.driver();
    var mold = stage.boot();
    var before = driver.board.written();
    stage.send(mold, Orders.spawn("a.1", 7, 0));
    var spawned = driver.expect(mold, "spawned");
    var worker = driver.hello("the newborn");
    var hello = worker.hello();
    stage.check(
        "spawn.spawned",
        "spawned with the id a.1 and the newborn's pid "
            + worker.pid
            + ", on the mold's connection",
        "a.1".equals(spawned.get("spawn")) && spawned.get("pid").equals(worker.pid),
        spawned);
    stage.check(
        "spawn.hello",
        "the newborn's hello: worker, spawn a.1, its own pid",
        "worker".equals(hello.get("role"))
            && "a.1".equals(hello.get("spawn"))
            && hello.get("pid").equals(worker.pid),
        hello);
    stage.check(
        "spawn.parent",
        "at its hello its parent is the agent, pid " + driver.processes.ownPid(),
        driver.processes.parent(worker.pid) == driver.processes.ownPid(),
        driver.processes.parent(worker.pid));
    stage.check(
        "spawn.comm",
        "until welcomed its name is rf:a.1",
        driver.processes.comm(worker.pid).equals("rf:a.1"),
        driver.processes.comm(worker.pid));
    stage.check(
        "spawn.group",
        "its own process group",
        group(worker.pid).equals(Integer.toString(worker.pid)),
        group(worker.pid));
    stage.check("spawn.waits", "nothing more before welcome", driver.quiet(worker), worker.said());
    stage.check(
        "spawn.no-row",
        "no row written before welcome",
        driver.board.written().equals(before),
        driver.board.written());
    driver.within(Driver.PATIENCE, () -> driver.processes.children(mold.pid).isEmpty());
    stage.check(
        "spawn.middle",
        "the middle process has ended and the mold has waited for it: no child is left",
        driver.processes.children(mold.pid).isEmpty(),
        driver.processes.children(mold.pid));
    driver.welcome(worker, 7, 0);
    driver.expect(worker, "ready");
    var reply = stage.reply();
    stage.check("spawn.serves", "after ready it serves", reply.whole(), reply);
    stage.check(
        "spawn.name",
        "its name is refork w7 g0",
        driver.processes.comm(worker.pid).equals("refork w7 g0"),
        driver.processes.comm(worker.pid));
    var row = driver.board.row(worker);
    stage.check(
        "spawn.row",
        "its row: format 1, accepting (2), generation 0, its pid, zeros where the table has them",
        row.format() == 1
            && row.state() == Row.ACCEPTING
            && row.generation() == 0
            && row.pid() == worker.pid
            && row.zero() == 0
            && row.restIsZero(),
        row);
    var second = stage.worker(mold, 2);
    stage.check(
        "spawn.second",
        "the mold forks on; workers are siblings",
        driver.processes.parent(second.pid) == driver.processes.ownPid()
            && driver.processes.alive(worker.pid),
        "parent " + driver.processes.parent(second.pid));
    var own = new ArrayList<>(List.of(mold.row, worker.row, second.row));
    own.containsAll(driver.board.written());
    stage.check(
        "spawn.rows",
        "each writes its own row and no other",
        own.containsAll(driver.board.written()),
        driver.board.written() + " of " + own);
    driver.processes.kill(mold.pid, Signal.KILL);
    driver.within(Driver.PATIENCE, () -> mold.closed);
    stage.check(
        "spawn.connection",
        "no worker holds a duplicate of the mold's connection: its end is seen when the mold dies",
        mold.closed,
        mold.closed ? "end of file" : "the connection is still open");
    var after = stage.reply();
    stage.check("spawn.mold-dead", "workers serve on without their mold", after.whole(), after);
  }

  static void names(Stage stage) {
    var driver = stage.driver();
    driver.start(stage.service().command());
    var mold = driver.hello("the boot mold");
    driver.welcome(mold, -1, 1234567);
    driver.expect(mold, "ready", Driver.BOOT);
    var worker = stage.worker(mold, 123);
    // "refork w123 g1234567" and even "rf w123 g1234567" are too long; the kernel keeps 15 bytes.
    stage.check(
        "spawn.generation",
        "its row carries generation 1234567",
        driver.board.row(worker).generation() == 1234567,
        driver.board.row(worker).generation());
    driver.hangUp(worker);
    driver.endsWithin(Driver.PATIENCE, worker.pid);
    mold.generation = 1234;
    var shorter = stage.worker(mold, 123);
    stage.check(
        "spawn.long-name",
        "refork w123 g1234 has more than 15 bytes, so: rf w123 g1234",
        driver.processes.comm(shorter.pid).equals("rf w123 g1234"),
        driver.processes.comm(shorter.pid));
  }

  static void late(Stage stage) {
    var driver = stage.driver();
    var mold = stage.boot();
    driver.processes.kill(mold.pid, Signal.STOP);
    stage.send(mold, Orders.spawn("late", 0, 0));
    driver.within(Driver.MOMENT, () -> false);
    driver.processes.kill(mold.pid, Signal.CONT);
    driver.expect(mold, "spawned");
    var newborn = driver.hello("the late newborn");
    stage.send(newborn, new ToProcess.Error("unknown-spawn", "nobody waits for it any more"));
    driver.hangUp(newborn);
    stage.check(
        "spawn.late",
        "a newborn that is answered by error (its spawn is no longer awaited) ends",
        driver.endsWithin(Driver.PATIENCE, newborn.pid),
        driver.processes.ending(newborn.pid));
    var unwelcome = stage.newborn(mold, "eof", 0);
    driver.hangUp(unwelcome);
    stage.check(
        "spawn.eof",
        "a newborn whose connection ends before welcome leaves",
        driver.endsWithin(Driver.PATIENCE, unwelcome.pid),
        driver.processes.ending(unwelcome.pid));
    var killed = stage.newborn(mold, "killed", 0);
    driver.processes.kill(killed.pid, Signal.KILL);
    driver.endsWithin(Driver.PATIENCE, killed.pid);
    stage.worker(mold, 0);
    stage.check(
        "spawn.after-losses",
        "the mold forks on after all that",
        stage.served(),
        "a worker that serves");
  }

  /** The middle process lives for a millisecond or so: it takes some tries to hit it. */
  static void middleKilled(Stage stage) {
    var driver = stage.driver();
    var mold = stage.boot();
    for (var i = 1; i <= TRIES; i++) {
      var id = "m" + i;
      stage.send(mold, Orders.spawn(id, 0, 0));
      if (hitMiddle(driver, mold)) {
        driver.within(Driver.PATIENCE, mold::saidSomething);
        // Killed after it has told the newborn's pid: then both are said.
        var first = mold.next().orElseThrow(() -> new Unmet("spawn-failed", mold.said()));
        var last =
            "spawned".equals(first.get("type")) ? driver.expect(mold, "spawn-failed") : first;
        stage.check(
            "spawn.middle-killed",
            "spawn-failed with the id " + id + " when the middle process is killed",
            "spawn-failed".equals(last.get("type")) && id.equals(last.get("spawn")),
            last);
        stage.worker(mold, 0);
        stage.check(
            "spawn.middle-after", "and the mold forks on", stage.served(), "a worker that serves");
        return;
      }
      driver.expect(mold, "spawned");
      driver.hangUp(driver.hello("a newborn"));
    }
    stage
        .report()
        .skip(
            "spawn.middle-killed",
            "the middle process was gone each time before it could be killed");
  }

  private static boolean hitMiddle(Driver driver, Peer mold) {
    var file = Path.of("/proc/" + mold.pid + "/task/" + mold.pid + "/children");
    while (!mold.saidSomething()) {
      try {
        // A fork is seen before the process has named itself; whose child it is tells enough.
        for (var child : Files.readString(file).strip().split(" ")) {
          if (!child.isEmpty()) {
            driver.processes.kill(Integer.parseInt(child), Signal.KILL);
            return killedByUs(driver, mold);
          }
        }
      } catch (IOException e) {
        return false;
      }
      if (driver.hasSaid(mold)) {
        return false;
      }
    }
    return false;
  }

  /**
   * It may have ended by itself between the look and the shot: then all is well, and no failure is
   * reported.
   */
  private static boolean killedByUs(Driver driver, Peer mold) {
    return driver.within(Driver.MOMENT, () -> mold.said().contains("spawn-failed"));
  }

  private static String group(int pid) {
    try {
      var stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
      return stat.substring(stat.lastIndexOf(')') + 2).split(" ")[2];
    } catch (IOException e) {
      return e.toString();
    }
  }
}
