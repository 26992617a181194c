package io.refork.conformance;

import io.refork.protocol.mold.ToProcess;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What scenarios stand on: the driver, the report, the service, and the conversations that most of
 * them begin with.
 */
record Stage(Driver driver, Report report, Service service) {
  /**
   * The command, and what its service can do.
   *
   * @param slow a path that takes 1 to 5 seconds
   * @param failing a path whose reply counts as an error
   */
  record Service(List<String> command, Optional<String> slow, Optional<String> failing) {}

  /** The boot mold, ready. */
  Peer boot() {
    driver.start(service.command());
    var mold = driver.hello("the boot mold");
    driver.welcome(mold, -1, 0);
    driver.expect(mold, "ready", Driver.BOOT);
    return mold;
  }

  /** A worker of this mold that has said hello and waits for its welcome. */
  Peer newborn(Peer mold, String id, int slot) {
    driver.send(mold, Orders.spawn(id, slot, mold.generation));
    driver.expect(mold, "spawned");
    return driver.newborn(id);
  }

  /** A worker of this mold, accepting. */
  Peer worker(Peer mold, int slot) {
    mold.spawns++;
    var worker = newborn(mold, "s" + mold.pid % 1000 + "." + mold.spawns, slot);
    driver.welcome(worker, slot, mold.generation);
    driver.expect(worker, "ready");
    return worker;
  }

  /** Asks a worker to promote; the mold that it has forked, which waits for its welcome. */
  Peer forkedMold(Peer worker, String id, int generation) {
    driver.send(worker, Orders.promote(id, generation, Orders.PLENTY));
    driver.expect(worker, "promoting");
    driver.expect(worker, "spawned", Orders.PLENTY);
    return driver.newborn(id);
  }

  /** The mold that a worker has forked, ready; the worker waits for its verdict. */
  Peer promoted(Peer worker, String id, int generation) {
    var mold = forkedMold(worker, id, generation);
    driver.welcome(mold, -1, generation);
    driver.expect(mold, "ready", Driver.BOOT);
    return mold;
  }

  Peer promotedFrom(Peer worker) {
    return promoted(worker, "n.1", worker.generation + 1);
  }

  void send(Peer peer, ToProcess... messages) {
    driver.send(peer, messages);
  }

  Map<String, Object> expect(Peer peer, String type) {
    return driver.expect(peer, type);
  }

  /** One request and its reply, which must be whole. */
  boolean served() {
    return reply().whole();
  }

  Client.Reply reply() {
    var asked = Client.ask(driver.port(), "/");
    driver.within(Driver.PATIENCE, asked::isDone);
    return asked.getNow(new Client.Reply("", 0, "no reply within " + Driver.PATIENCE));
  }

  void check(String id, String expected, boolean holds, Object seen) {
    report.check(id, expected, holds, seen);
  }

  /** Whether the worker serves on, as it does after a refusal or a resume. */
  void servesOn(String id, Peer worker) {
    var reply = reply();
    check(id, "the worker serves on", reply.whole() && driver.processes.alive(worker.pid), reply);
    driver.within(Driver.PATIENCE, () -> driver.board.row(worker).state() == Row.ACCEPTING);
    check(
        id + "-row",
        "its row says accepting (2) again",
        driver.board.row(worker).state() == Row.ACCEPTING,
        driver.board.row(worker).state());
    check(id + "-quiet", "no second ready, nothing else", driver.quiet(worker), worker.said());
  }

  /** That a process leaves by itself: `leaving`, end of file, end. */
  void leaves(String id, Peer peer) {
    var last = driver.expect(peer, "leaving", Orders.PLENTY);
    check(id + "-last-line", "leaving, with a reason", true, last);
    var ended = driver.endsWithin(Driver.KILL, peer.pid);
    check(
        id + "-exits",
        "it exits at once, by itself, with code 0",
        ended && byItself(peer),
        driver.processes.ending(peer.pid));
  }

  private boolean byItself(Peer peer) {
    return driver
        .processes
        .exit(peer.pid)
        .map(s -> s.equals(new io.refork.agent.linux.ExitStatus.Code(0)))
        .orElse(true);
  }
}
