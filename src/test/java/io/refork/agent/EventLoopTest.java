package io.refork.agent;

import static org.assertj.core.api.Assertions.assertThat;

import io.refork.agent.linux.Kernel;
import io.refork.agent.linux.Scoreboard;
import io.refork.agent.log.Log;
import io.refork.agent.pool.Pool;
import io.refork.agent.pool.PoolSettings;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The loop on a kernel that can start no command; one stray lives for a moment. */
class EventLoopTest {
  private static final int NOT_FOUND = 127;
  private static final long STRAY_ENDS = Duration.ofMillis(300).toNanos();

  @TempDir Path dir;
  private final List<Duration> waits = new ArrayList<>();
  private final List<String> lines = new CopyOnWriteArrayList<>();
  private long now;

  private Kernel kernel() {
    return (Kernel)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {Kernel.class},
            (proxy, method, arguments) ->
                switch (method.getName()) {
                  case "pid", "uid", "signalFd" -> 3;
                  case "monotonicNanos" -> now;
                  case "spawn" -> new Kernel.SpawnResult.Failed(2, "no such command");
                  case "poll" -> {
                    waits.add((Duration) arguments[2]);
                    now += Duration.ofMillis(20).toNanos();
                    yield new Kernel.Ready(List.of(), List.of(), false);
                  }
                  case "signals", "reap" -> List.of();
                  case "processes" ->
                      now > STRAY_ENDS
                          ? Map.of()
                          : Map.of(9, new Kernel.ProcessInfo(9, 3, "stray", 'S', 0));
                  case "kill" -> true;
                  default -> throw new UnsupportedOperationException(method.getName());
                });
  }

  private static PoolSettings settings() {
    var second = Duration.ofSeconds(1);
    return new PoolSettings(
        1,
        new PoolSettings.ReforkPolicy(List.of(), false, OptionalInt.empty(), second),
        new PoolSettings.Rollout(new PoolSettings.Unavailable.Count(0), 0, second, 1),
        new PoolSettings.Timeouts(second, second, second, second, second, second, second, second),
        new PoolSettings.Recycle(0, 0));
  }

  /** Runs until the first boot has failed and the loop has ended by that; its exit code. */
  private int run(EventLoop.Side side) throws Exception {
    var facts = new Hands.Facts(List.of("x"), Map.of(), List.of(), 1, List.of(), List.of());
    try (var log =
            Log.start(
                Log.Format.TEXT, line -> lines.add(new String(line, StandardCharsets.UTF_8)));
        var board = Scoreboard.create(dir.resolve("board"), 8)) {
      var pool = new Pool(settings(), new Random(1));
      return new EventLoop(kernel(), log, pool, board, 4, facts).run(side);
    }
  }

  @Test
  @DisplayName("PID-14 a defect in what users see is said, and ends nothing")
  void defect() throws Exception {
    var code =
        run(
            new Idle() {
              @Override
              public void turned(long poolNow, boolean changed) {
                throw new IllegalStateException("the status cannot be made");
              }
            });
    assertThat(code).isEqualTo(NOT_FOUND);
    assertThat(lines)
        .filteredOn(l -> l.contains("a defect of the agent"))
        .singleElement()
        .asString()
        .contains("the status cannot be made at io.refork.agent.EventLoopTest");
  }

  @Test
  @DisplayName(
      "PID-07 a status that is held back for a moment is not held back until the next tick")
  void due() throws Exception {
    run(
        new Idle() {
          private long last;

          @Override
          public long due() {
            return last + Duration.ofMillis(7).toNanos();
          }

          @Override
          public void turned(long poolNow, boolean changed) {
            last = poolNow;
          }
        });
    assertThat(waits).last().isEqualTo(Duration.ofMillis(7));
  }

  private static class Idle implements EventLoop.Side {
    @Override
    public List<Integer> readable() {
      return List.of();
    }

    @Override
    public void read(int fd) {}

    @Override
    public long due() {
      return Long.MAX_VALUE;
    }

    @Override
    public void turned(long poolNow, boolean changed) {}
  }
}
