package io.refork.conformance;

import java.time.Duration;

/** "Stop", "Leaving" and the end of the agent. */
final class LeaveScenarios {
  private LeaveScenarios() {}

  static void stop(Stage stage) {
    var driver = stage.driver();
    var mold = stage.boot();
    var worker = stage.worker(mold, 0);
    stage.served();
    stage.send(worker, Orders.stop());
    stage.leaves("stop.worker", worker);
    var queued = Client.ask(driver.port(), "/");
    var next = stage.worker(mold, 0);
    driver.within(Driver.PATIENCE, queued::isDone);
    stage.check(
        "stop.queue",
        "a connection that came meanwhile waits for the next worker",
        queued.isDone() && queued.join().whole(),
        queued.isDone() ? queued.join() : "no reply");
    stage.send(mold, Orders.stop());
    stage.leaves("stop.mold", mold);
    var reply = stage.reply();
    stage.check(
        "stop.mold-workers",
        "its workers serve on",
        reply.whole() && driver.processes.alive(next.pid),
        reply);
  }

  static void stopBusy(Stage stage) {
    if (stage.service().slow().isEmpty()) {
      stage.report().skip("stop.busy", "no slow path was given");
      return;
    }
    var driver = stage.driver();
    var mold = stage.boot();
    var worker = stage.worker(mold, 0);
    var slow = Client.ask(driver.port(), stage.service().slow().get());
    driver.within(Driver.PATIENCE, () -> driver.board.row(worker).busy() > 0);
    stage.send(worker, Orders.stop());
    driver.within(Driver.MOMENT, () -> false);
    var late = Client.ask(driver.port(), "/");
    driver.expect(worker, "leaving", Orders.PLENTY);
    driver.within(Driver.MOMENT, slow::isDone);
    stage.check(
        "stop.busy",
        "what is in flight is finished before leaving",
        slow.isDone() && slow.join().whole(),
        slow.isDone() ? slow.join() : "not finished");
    stage.check(
        "stop.busy-exits",
        "then it exits",
        driver.endsWithin(Driver.KILL, worker.pid),
        driver.processes.ending(worker.pid));
    stage.worker(mold, 0);
    driver.within(Driver.PATIENCE, late::isDone);
    stage.check(
        "stop.busy-queue",
        "a connection of that time is not lost",
        late.isDone() && late.join().whole(),
        late.isDone() ? late.join() : "no reply");
  }

  static void endOfFile(Stage stage) {
    var driver = stage.driver();
    var mold = stage.boot();
    var worker = stage.worker(mold, 0);
    var other = stage.worker(mold, 1);
    driver.hangUp(worker);
    gone(stage, "eof.worker", worker);
    stage.check(
        "eof.others",
        "nobody else does",
        driver.processes.alive(mold.pid) && driver.processes.alive(other.pid),
        driver.processes.ending(mold.pid));
    driver.hangUp(mold);
    gone(stage, "eof.mold", mold);
    var next = stage.promotedFrom(other);
    driver.hangUp(other);
    gone(stage, "eof.waiting", other);
    driver.hangUp(next);
    gone(stage, "eof.forked-mold", next);
  }

  private static void gone(Stage stage, String id, Peer peer) {
    var driver = stage.driver();
    var begin = System.nanoTime();
    var gone = driver.endsWithin(Driver.KILL, peer.pid);
    var took = Duration.ofNanos(System.nanoTime() - begin).toMillis();
    stage.check(
        id,
        "end of file: it leaves at once (here: within " + Driver.KILL + ")",
        gone,
        driver.processes.ending(peer.pid) + " after " + took + " ms");
  }
}
