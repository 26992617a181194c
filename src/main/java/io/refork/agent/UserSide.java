package io.refork.agent;

import io.refork.agent.config.ConfigWatcher;
import io.refork.agent.config.RunSettings;
import io.refork.agent.linux.Kernel;
import io.refork.agent.linux.Listeners;
import io.refork.agent.linux.Scoreboard;
import io.refork.agent.linux.StateDirectory;
import io.refork.agent.log.Log;
import io.refork.agent.pool.Event;
import io.refork.agent.pool.Pool;
import java.time.Duration;
import java.util.List;

/** The loop's other half: what users see and say. */
final class UserSide implements EventLoop.Side {

  private static final long LOOK_AT_CONFIG = Duration.ofSeconds(1).toNanos();

  private final Log log;
  private final EventLoop loop;
  private final ConfigWatcher watcher;
  private long nextConfig;

  UserSide(
      Kernel kernel,
      Log log,
      Pool pool,
      EventLoop loop,
      Scoreboard board,
      Listeners listeners,
      RunSettings settings,
      ConfigWatcher watcher,
      StateDirectory state) {
    this.log = log;
    this.loop = loop;
    this.watcher = watcher;
  }

  @Override
  public List<Integer> readable() {
    return List.of();
  }

  @Override
  public void read(int fd) {}

  @Override
  public void turned(long now, boolean changed) {
    if (now >= nextConfig) {
      nextConfig = now + LOOK_AT_CONFIG;
      switch (watcher.look()) {
        case ConfigWatcher.Change.None() -> {}
        case ConfigWatcher.Change.Settings s -> {
          s.warnings().forEach(w -> log.warn("settings", "warning", w));
          log.info("settings changed");
          loop.ask(new Event.Desired(s.pool()));
        }
        case ConfigWatcher.Change.Broken b -> log.warn("settings", "warning", b.sentence());
      }
    }
  }
}
