package io.refork.agent;

import io.refork.agent.config.ConfigWatcher;
import io.refork.agent.config.Options;
import io.refork.agent.config.RunSettings;
import io.refork.agent.control.ControlServer;
import io.refork.agent.control.DesiredSink;
import io.refork.agent.control.LocalRequests;
import io.refork.agent.linux.KernelException;
import io.refork.agent.linux.LinuxKernel;
import io.refork.agent.linux.Listeners;
import io.refork.agent.linux.ProcessSetup;
import io.refork.agent.linux.Scoreboard;
import io.refork.agent.linux.ScoreboardPlace;
import io.refork.agent.linux.StateDirectory;
import io.refork.agent.log.Log;
import io.refork.agent.memory.Cgroup;
import io.refork.agent.memory.MemoryReader;
import io.refork.agent.pool.Pool;
import io.refork.agent.steer.SteeredFile;
import io.refork.protocol.mold.MoldCodec;
import io.refork.protocol.mold.ToProcess;
import java.io.IOException;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Puts the agent together, runs it on the calling thread, and takes it apart. */
public final class Agent {
  /**
   * What could not be had at the start: an address, the state directory. The user can mend it, as a
   * wrong option.
   */
  private static final int CANNOT_START = 2;

  /**
   * Connections that wait for the loop to accept them: every process of the largest pool at once.
   */
  private static final int SOCKET_BACKLOG = 1024;

  /**
   * The scoreboard's: a slot holds one process at a time, its number is below workers and surge
   * together, and either may be raised while the agent runs; and molds, of two generations and
   * those that are being tried or end.
   */
  private static final int ROWS = 2 * Options.MAX_WORKERS + 16;

  private Agent() {}

  /**
   * Runs a pool until it has ended. Must be called on the main thread, which then is the event
   * loop's: the boot mold's death signal follows it.
   *
   * @return the exit code of the process
   */
  public static int run(RunSettings settings, List<String> command, ConfigWatcher watcher) {
    // Read before we become undumpable: afterwards they are root's.
    var environment = ProcessSetup.environment();
    try {
      if (!ProcessSetup.signalsBlocked()) {
        System.err.println("refork: " + ProcessSetup.reexec(environment));
        return CANNOT_START;
      }
      var exactly = ProcessSetup.lastArguments(command.size());
      return run(settings, exactly, watcher, ProcessSetup.withoutReexec(environment));
    } catch (KernelException | IOException e) {
      System.err.println("refork run: " + e.getMessage());
      return CANNOT_START;
    }
  }

  private static int run(
      RunSettings settings, List<String> command, ConfigWatcher watcher, Map<String, String> agents)
      throws KernelException, IOException {
    try (var state = StateDirectory.open(settings.stateDir());
        var listeners = Listeners.open(settings.listen(), settings.backlog());
        var log = Log.start(settings.logFormat())) {
      ProcessSetup.becomeSubreaper();
      ProcessSetup.becomeUndumpable();
      if (settings.hugePages() == RunSettings.HugePages.OFF) {
        ProcessSetup.disableHugePages();
      }
      var kernel = LinuxKernel.open();
      var place = ScoreboardPlace.choose(state.path());
      try (var board = Scoreboard.create(place.file(), ROWS)) {
        settings.warnings().forEach(w -> log.warn("settings", "warning", w));
        place.warning().ifPresent(w -> log.warn("scoreboard", "warning", w));
        var moldPath = state.resolve("mold.sock").toString();
        var moldSocket = kernel.listenUnix(moldPath, SOCKET_BACKLOG);
        var facts =
            new Hands.Facts(
                command,
                applicationEnvironment(agents, moldPath, board, listeners),
                listeners.descriptors(),
                settings.backlog(),
                listeners.all().stream()
                    .map(l -> new ToProcess.ListenerFact(l.name(), l.address().toString()))
                    .toList(),
                List.copyOf(settings.allowedThreads()));
        var random = new SecureRandom();
        var file = new SteeredFile(state.path());
        var left =
            settings
                .steering()
                .map(s -> Steering.left(file, s.podUid(), watcher, settings.pool(), log));
        var pool =
            left.map(l -> Pool.steered(l.pool(), random))
                .orElseGet(() -> new Pool(settings.pool(), random));
        log.info(
            "agent started",
            "version",
            Version.text(),
            "pid",
            kernel.pid(),
            "workers",
            pool.settings().workers(),
            "takenOver",
            state.takenOver());
        var loop = new EventLoop(kernel, log, pool, board, moldSocket, facts);
        var session = Long.toHexString(random.nextLong());
        var maker = new StatusMaker(session, pool, loop.members(), listeners, Cgroup.of("/"));
        var local = kernel.listenUnix(state.resolve(LocalRequests.SOCKET).toString(), 16);
        var side =
            new UserSide(
                kernel,
                log,
                loop,
                maker,
                local,
                watcher,
                left.isPresent(),
                new MemoryReader("/proc")::read);
        var steering =
            left.map(
                l -> new Steering(log, side, file, l.steered(), session, InstantSource.system()));
        steering.ifPresent(s -> loop.reforkEnded(s::ended));
        try (var control =
            ControlServer.start(
                settings.control(),
                side::status,
                side::lastTurn,
                steeredBy(settings, steering, log))) {
          loop.observe(new TransitionMetrics(control.metrics()));
          return loop.run(side);
        } catch (RuntimeException | Error e) {
          // Nobody is watched any more: whoever is left sees the end of its connection, and leaves.
          log.error(
              "the agent ends by a defect of its own, and the application with it", "error", e);
          throw e;
        } finally {
          steering.ifPresent(Steering::save);
          side.close();
        }
      }
    }
  }

  private static ControlServer.Steering steeredBy(
      RunSettings settings, Optional<Steering> steering, Log log) {
    DesiredSink nobody = body -> new DesiredSink.Answer(403, new byte[0]);
    return new ControlServer.Steering(
        settings.steering().map(RunSettings.Steering::keys),
        settings.steering().map(RunSettings.Steering::podUid).orElse(""),
        steering.<DesiredSink>map(s -> s).orElse(nobody),
        log);
  }

  private static Map<String, String> applicationEnvironment(
      Map<String, String> agents, String moldSocket, Scoreboard board, Listeners listeners)
      throws IOException {
    var folder = AgentFolder.ofThisProcess();
    var prepends = folder.isPresent() ? folder.get().prepends() : Map.<String, String>of();
    var environment = new HashMap<>(AppEnvironment.of(agents, folder.isPresent(), prepends));
    environment.put("REFORK_SOCKET", moldSocket);
    environment.put("REFORK_SCOREBOARD", board.file().toString());
    environment.put("REFORK_PROTOCOL", Integer.toString(MoldCodec.VERSION));
    environment.put("LISTEN_FDS", Integer.toString(listeners.all().size()));
    environment.put("LISTEN_FDNAMES", listeners.names());
    environment.remove("LISTEN_PID");
    return environment;
  }
}
