package io.refork.conformance;

import io.refork.agent.linux.Signal;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** "Promotion": a worker becomes the mold's parent, or serves on. */
final class PromoteScenarios {
  private static final Set<String> REASONS =
      Set.of(
          "threads",
          "children",
          "descriptors",
          "not-fork-safe",
          "hook-failed",
          "fork-failed",
          "timeout");

  private PromoteScenarios() {}

  static void promote(Stage stage) {
    var driver = stage.driver();
    var old = stage.boot();
    var worker = stage.worker(old, 3);
    stage.served();
    stage.send(worker, Orders.promote("p.1", 1, Orders.PLENTY));
    driver.expect(worker, "promoting");
    stage.check(
        "promote.promoting",
        "promoting; its row says promoting (3)",
        driver.board.row(worker).state() == Row.PROMOTING,
        driver.board.row(worker).state());
    var waiting = Client.ask(driver.port(), "/");
    var spawned = driver.expect(worker, "spawned", Orders.PLENTY);
    var mold = driver.newborn("p.1");
    stage.check(
        "promote.spawned",
        "spawned with the id p.1 and the new mold's pid, on the worker's connection",
        "p.1".equals(spawned.get("spawn")) && spawned.get("pid").equals(mold.pid),
        spawned);
    stage.check(
        "promote.hello",
        "the newborn's hello: mold, spawn p.1",
        "mold".equals(mold.hello().get("role")) && "p.1".equals(mold.hello().get("spawn")),
        mold.hello());
    stage.check(
        "promote.parent",
        "its parent is the agent, its name rf:p.1",
        driver.processes.parent(mold.pid) == driver.processes.ownPid()
            && driver.processes.comm(mold.pid).equals("rf:p.1"),
        driver.processes.parent(mold.pid) + ", " + driver.processes.comm(mold.pid));
    var rows = driver.board.written();
    stage.check(
        "promote.waits",
        "nothing more before welcome",
        driver.quiet(mold) && driver.board.written().equals(rows),
        mold.said());
    driver.welcome(mold, -1, 1);
    var ready = driver.expect(mold, "ready", Driver.BOOT);
    stage.check(
        "promote.ready",
        "ready, with the names of its threads",
        ready.get("threads") instanceof List,
        ready);
    stage.check(
        "promote.name",
        "its name is refork mold g1",
        driver.processes.comm(mold.pid).equals("refork mold g1"),
        driver.processes.comm(mold.pid));
    stage.check(
        "promote.verdict",
        "the worker waits for the agent's verdict and begins no request meanwhile",
        driver.quiet(worker) && driver.processes.alive(worker.pid) && !waiting.isDone(),
        waiting.isDone() ? "it has served" : worker.said());
    stage.send(worker, Orders.stop());
    stage.leaves("promote.stop", worker);
    var next = stage.worker(mold, 3);
    driver.within(Driver.PATIENCE, waiting::isDone);
    stage.check(
        "promote.queue",
        "a connection that came meanwhile is served by a worker of the new mold",
        waiting.isDone() && waiting.join().whole(),
        waiting.isDone() ? waiting.join() : "no reply");
    stage.check(
        "promote.generation",
        "that worker is refork w3 g1, its row generation 1, served counted from its fork",
        driver.processes.comm(next.pid).equals("refork w3 g1")
            && driver.board.row(next).generation() == 1
            && driver.within(Driver.PATIENCE, () -> driver.board.row(next).served() == 1),
        driver.processes.comm(next.pid) + ", " + driver.board.row(next));
    stage.worker(old, 4);
    stage.check(
        "promote.old-mold",
        "the old mold still forks",
        driver.processes.alive(old.pid),
        driver.processes.ending(old.pid));
    stage.send(old, Orders.stop());
    stage.leaves("promote.old-stop", old);
    var second = stage.promoted(next, "p.2", 2);
    stage.send(next, Orders.stop());
    driver.expect(next, "leaving");
    stage.send(mold, Orders.stop());
    stage.leaves("promote.forked-mold-stop", mold);
    var last = stage.worker(second, 0);
    var reply = stage.reply();
    stage.check(
        "promote.again",
        "and once more: a worker of generation 2 serves",
        reply.whole() && driver.processes.comm(last.pid).equals("refork w0 g2"),
        driver.processes.comm(last.pid) + ", " + reply);
  }

  static void resumed(Stage stage) {
    var driver = stage.driver();
    var worker = stage.worker(stage.boot(), 0);
    var newborn = stage.forkedMold(worker, "r.1", 1);
    driver.hangUp(newborn);
    stage.check(
        "resume.newborn",
        "a forked mold whose connection ends before welcome leaves",
        driver.endsWithin(Driver.PATIENCE, newborn.pid),
        driver.processes.ending(newborn.pid));
    stage.send(worker, Orders.resume());
    stage.servesOn("resume.unready", worker);
    var mold = stage.promoted(worker, "r.2", 2);
    driver.processes.kill(mold.pid, Signal.KILL);
    driver.endsWithin(Driver.PATIENCE, mold.pid);
    stage.send(worker, Orders.resume());
    stage.servesOn("resume.dead", worker);
    // In one piece: whether it has forked before it reads the second line is its own affair.
    stage.send(worker, Orders.promote("r.3", 3, Orders.PLENTY), Orders.resume());
    takeBack(stage, worker);
    stage.servesOn("resume.early", worker);
    var next = stage.promoted(worker, "r.4", 4);
    stage.send(worker, Orders.stop());
    stage.leaves("resume.then-promoted", worker);
    stage.worker(next, 0);
    stage.check(
        "resume.then-serves",
        "the mold of the last try forks",
        stage.served(),
        "a worker that serves");
  }

  /**
   * As an agent does with a promotion that it has given up: a late newborn is ended, and resume
   * sent again.
   */
  private static void takeBack(Stage stage, Peer worker) {
    var driver = stage.driver();
    while (driver.within(Driver.MOMENT.multipliedBy(3), worker::saidSomething)) {
      var message = worker.next().orElseThrow();
      if ("spawned".equals(message.get("type"))) {
        driver.hangUp(driver.newborn("r.3"));
        stage.send(worker, Orders.resume());
      }
      stage.check(
          "resume.early-answers",
          "at most promoting, and spawned when it had forked already",
          Set.of("promoting", "spawned").contains(message.get("type")),
          message);
    }
  }

  static void refused(Stage stage) {
    var driver = stage.driver();
    var worker = stage.worker(stage.boot(), 0);
    var sent = driver.now() - Duration.ofSeconds(10).toNanos();
    driver.sendRaw(
        worker,
        Driver.line(Orders.promote("t.1", 1, Duration.ofMillis(100)), Map.of("sent", sent)));
    stage.check(
        "refuse.late",
        "a promotion whose timeout has passed since sent is refused: timeout, with a detail",
        refusal(stage, worker, "timeout"),
        "refused");
    stage.servesOn("refuse.serves", worker);
    var old = driver.board.row(worker).served();
    var mold = stage.promoted(worker, "t.2", 2);
    stage.check(
        "refuse.again",
        "the next promotion of the same worker succeeds",
        driver.processes.alive(mold.pid),
        "served " + old);
    driver.processes.kill(mold.pid, Signal.KILL);
    stage.send(worker, Orders.resume());
    busyTooLong(stage, worker);
  }

  private static void busyTooLong(Stage stage, Peer worker) {
    if (stage.service().slow().isEmpty()) {
      stage.report().skip("refuse.busy", "no slow path was given");
      return;
    }
    var driver = stage.driver();
    var slow = Client.ask(driver.port(), stage.service().slow().get());
    driver.within(Driver.PATIENCE, () -> driver.board.row(worker).busy() > 0);
    stage.send(worker, Orders.promote("t.3", 3, Driver.MOMENT));
    stage.check(
        "refuse.busy",
        "a request that outlasts the timeout: refused, timeout",
        refusal(stage, worker, "timeout"),
        "refused");
    driver.within(Driver.PATIENCE, slow::isDone);
    stage.check(
        "refuse.busy-finishes", "and that request is finished", slow.join().whole(), slow.join());
    stage.servesOn("refuse.busy-serves", worker);
  }

  /** Perhaps promoting, then refused. */
  private static boolean refusal(Stage stage, Peer worker, String reason) {
    var driver = stage.driver();
    driver.within(Driver.PATIENCE, worker::saidSomething);
    var first = worker.next().orElseThrow(() -> new Unmet("refused", worker.said()));
    var message = "promoting".equals(first.get("type")) ? driver.expect(worker, "refused") : first;
    if (!"refused".equals(message.get("type")) || !REASONS.contains(message.get("reason"))) {
      throw new Unmet("refused, reason one of " + REASONS, message.toString());
    }
    return reason.equals(message.get("reason")) && message.get("detail") instanceof String;
  }

  static void busy(Stage stage) {
    if (stage.service().slow().isEmpty()) {
      stage.report().skip("promote.busy", "no slow path was given");
      return;
    }
    var driver = stage.driver();
    var mold = stage.boot();
    var worker = stage.worker(mold, 0);
    var slow = Client.ask(driver.port(), stage.service().slow().get());
    driver.within(Driver.PATIENCE, () -> driver.board.row(worker).busy() > 0);
    stage.send(worker, Orders.promote("b.1", 1, Orders.PLENTY));
    driver.expect(worker, "promoting");
    driver.expect(worker, "spawned", Orders.PLENTY);
    driver.within(Driver.MOMENT, slow::isDone);
    stage.check(
        "promote.busy",
        "what is in flight is finished before the fork",
        slow.isDone() && slow.join().whole(),
        slow.isDone() ? slow.join() : "it runs");
    driver.hangUp(driver.newborn("b.1"));
    stage.send(worker, Orders.resume());
    driver.within(Driver.PATIENCE, () -> driver.board.row(worker).state() == Row.ACCEPTING);
    var other = Client.ask(driver.port(), stage.service().slow().get());
    driver.within(Driver.PATIENCE, () -> driver.board.row(worker).busy() > 0);
    stage.send(worker, Orders.promote("b.2", 2, Orders.PLENTY), Orders.stop());
    driver.within(Driver.PATIENCE, worker::saidSomething);
    var first = worker.next().orElseThrow(() -> new Unmet("leaving", worker.said()));
    var last = "promoting".equals(first.get("type")) ? driver.expect(worker, "leaving") : first;
    stage.check(
        "promote.stop-wins",
        "stop before the fork wins: leaving, no spawned",
        "leaving".equals(last.get("type")),
        last);
    driver.within(Driver.MOMENT, other::isDone);
    stage.check(
        "promote.stop-finishes",
        "after the request was finished",
        other.isDone() && other.join().whole(),
        other.isDone() ? other.join() : "it runs");
  }
}
