package io.refork.conformance;

import io.refork.agent.linux.ListenAddress.Endpoint;
import io.refork.protocol.mold.ToProcess;
import io.refork.protocol.mold.ToProcess.ListenerFact;
import io.refork.protocol.mold.ToProcess.PoolFacts;
import io.refork.protocol.mold.ToProcess.Timeouts;
import java.time.Duration;
import java.util.List;

/** What the driver tells processes, with values that suit a short test. */
final class Orders {
  /** What the driver gives a promotion, and a stopped worker, to finish in. */
  static final Duration PLENTY = Duration.ofSeconds(20);

  private Orders() {}

  static ToProcess welcome(int slot, int generation, int row, Endpoint address) {
    var timeouts =
        new Timeouts(
            Driver.BOOT,
            Duration.ofSeconds(10),
            PLENTY,
            Duration.ofSeconds(60),
            PLENTY,
            Driver.KILL);
    var listeners = List.of(new ListenerFact("http", address.toString()));
    return new ToProcess.Welcome(
        slot, generation, row, timeouts, new PoolFacts(2, 128, 0, listeners, List.of()));
  }

  static ToProcess spawn(String id, int slot, int generation) {
    return new ToProcess.Spawn(id, slot, generation);
  }

  static ToProcess promote(String id, int generation, Duration timeout) {
    return new ToProcess.Promote(generation, id, timeout);
  }

  static ToProcess resume() {
    return new ToProcess.Resume("the new mold did not become ready");
  }

  static ToProcess stop() {
    return stop(PLENTY);
  }

  static ToProcess stop(Duration grace) {
    return new ToProcess.Stop(grace);
  }
}
