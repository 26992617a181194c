package io.refork.conformance;

import io.refork.agent.linux.Signal;
import java.time.Duration;

/** "The scoreboard" and "Signals", while the service serves. */
final class ServeScenarios {
  private static final int REQUESTS = 5;

  /** A loop beats at least this often, or the agent's default would end its worker. */
  private static final Duration BEAT = Duration.ofSeconds(30);

  private ServeScenarios() {}

  static void scoreboard(Stage stage) {
    var driver = stage.driver();
    var worker = stage.worker(stage.boot(), 0);
    var replies = 0;
    for (var i = 0; i < REQUESTS; i++) {
      replies += stage.served() ? 1 : 0;
    }
    stage.check(
        "serve.replies",
        REQUESTS
            + " whole replies, each with the end of its connection: no other process holds a duplicate",
        replies == REQUESTS,
        replies);
    driver.within(Driver.PATIENCE, () -> driver.board.row(worker).served() == REQUESTS);
    var row = driver.board.row(worker);
    stage.check(
        "serve.counted",
        "served " + REQUESTS + ", errors 0, busy 0, no oldest request",
        row.served() == REQUESTS && row.errors() == 0 && row.busy() == 0 && row.oldest() == 0,
        row);
    heartbeat(stage, worker);
    busy(stage, worker);
    errors(stage, worker);
  }

  private static void heartbeat(Stage stage, Peer worker) {
    var driver = stage.driver();
    var first = driver.board.row(worker).heartbeat();
    if (first == 0) {
      stage.check(
          "serve.heartbeat", "0 (none, then it is not judged), or a time that moves on", true, 0);
      return;
    }
    var moves = driver.within(BEAT, () -> driver.board.row(worker).heartbeat() > first);
    var age = driver.now() - driver.board.row(worker).heartbeat();
    stage.check(
        "serve.heartbeat",
        "0, or a time of CLOCK_MONOTONIC in nanoseconds that moves on while idle",
        moves && age >= 0 && age < BEAT.toNanos(),
        "it " + (moves ? "moves" : "stands") + ", " + age / 1_000_000 + " ms ago");
  }

  private static void busy(Stage stage, Peer worker) {
    var driver = stage.driver();
    if (stage.service().slow().isEmpty()) {
      stage.report().skip("serve.busy", "no slow path was given");
      return;
    }
    var before = driver.now();
    var reply = Client.ask(driver.port(), stage.service().slow().get());
    driver.within(Driver.PATIENCE, () -> driver.board.row(worker).busy() > 0);
    var row = driver.board.row(worker);
    stage.check(
        "serve.busy",
        "while a request runs: busy 1, and when it began",
        row.busy() == 1 && row.oldest() >= before && row.oldest() <= driver.now(),
        row);
    driver.within(Driver.PATIENCE, () -> reply.isDone() && driver.board.row(worker).busy() == 0);
    var after = driver.board.row(worker);
    stage.check(
        "serve.idle",
        "afterwards: busy 0, no oldest request, served one more",
        after.busy() == 0 && after.oldest() == 0 && after.served() == row.served() + 1,
        after);
  }

  private static void errors(Stage stage, Peer worker) {
    var driver = stage.driver();
    if (stage.service().failing().isEmpty()) {
      stage.report().skip("serve.errors", "no failing path was given");
      return;
    }
    var before = driver.board.row(worker);
    var reply = Client.ask(driver.port(), stage.service().failing().get());
    driver.within(
        Driver.PATIENCE,
        () -> reply.isDone() && driver.board.row(worker).served() > before.served());
    var row = driver.board.row(worker);
    stage.check(
        "serve.errors",
        "a request that fails counts as served and as an error",
        row.served() == before.served() + 1 && row.errors() == before.errors() + 1,
        row);
  }

  static void signals(Stage stage) {
    var driver = stage.driver();
    var mold = stage.boot();
    var worker = stage.worker(mold, 0);
    var written = driver.log().length();
    driver.processes.kill(worker.pid, Signal.URG);
    stage
        .report()
        .advise(
            "signal.urg-traceback",
            "SIGURG writes a traceback to standard error",
            driver.within(Driver.MOMENT.multipliedBy(5), () -> driver.log().length() > written),
            driver.log().length() - written + " characters");
    var reply = stage.reply();
    stage.check(
        "signal.urg",
        "a worker that got SIGURG goes on",
        reply.whole() && driver.processes.alive(worker.pid),
        reply);
    driver.processes.kill(worker.pid, Signal.TERM);
    stage.check(
        "signal.term",
        "an idle worker that got SIGTERM is gone within timeouts.kill, " + Driver.KILL,
        driver.endsWithin(Driver.KILL, worker.pid),
        driver.processes.ending(worker.pid));
    if (stage.service().slow().isPresent()) {
      var busy = stage.worker(mold, 0);
      var slow = Client.ask(driver.port(), stage.service().slow().get());
      driver.within(Driver.PATIENCE, () -> driver.board.row(busy).busy() > 0);
      driver.processes.kill(busy.pid, Signal.TERM);
      var gone = driver.endsWithin(Driver.KILL, busy.pid);
      driver.within(Driver.PATIENCE, slow::isDone);
      stage.check(
          "signal.term-busy",
          "SIGTERM cuts what is in flight",
          gone && !slow.join().whole(),
          driver.processes.ending(busy.pid) + ", the client saw " + slow.join());
    } else {
      stage.report().skip("signal.term-busy", "no slow path was given");
    }
    stage.worker(mold, 0);
    stage.check("signal.mold", "the mold forks on", stage.served(), "a worker that serves");
  }
}
