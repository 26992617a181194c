package io.refork.agent;

import io.refork.agent.Members.Member;
import io.refork.agent.linux.ExitStatus;
import io.refork.agent.linux.Kernel;
import io.refork.agent.linux.Kernel.PidFd;
import io.refork.agent.linux.Scoreboard;
import io.refork.agent.linux.Signal;
import io.refork.agent.log.Log;
import io.refork.agent.pool.Action;
import io.refork.agent.pool.Action.Transition;
import io.refork.agent.pool.Event;
import io.refork.agent.pool.Pool;
import io.refork.protocol.mold.ToProcess;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Does what the pool decided: exactly that, and tells it as an event when something could not be
 * done.
 */
final class Hands {
  /** What a user reads in {@code refork status}; older ones are in the log. */
  private static final int MAX_FAILURES = 10;

  /**
   * What stays the same while the agent lives.
   *
   * @param command the user's
   * @param environment the command's, complete
   * @param listeners descriptors to inherit, in order
   */
  record Facts(
      List<String> command,
      Map<String, String> environment,
      List<Integer> listeners,
      int backlog,
      List<ToProcess.ListenerFact> listenerFacts,
      List<String> allowedThreads) {}

  private final Kernel kernel;
  private final Log log;
  private final Pool pool;
  private final Scoreboard board;
  private final Members members;
  private final Conversations conversations;
  private final Facts facts;
  private final Consumer<Event> tell;
  private final Set<Integer> commands = new HashSet<>();
  private Consumer<Transition> observer = t -> {};
  private Consumer<Action.ReforkEnded> ended = e -> {};
  private final ArrayDeque<StatusMaker.Seen> failures = new ArrayDeque<>();

  Hands(
      Kernel kernel,
      Log log,
      Pool pool,
      Scoreboard board,
      Members members,
      Conversations conversations,
      Facts facts,
      Consumer<Event> tell) {
    this.kernel = kernel;
    this.log = log;
    this.pool = pool;
    this.board = board;
    this.members = members;
    this.conversations = conversations;
    this.facts = facts;
    this.tell = tell;
  }

  /** Whoever wants to hear of transitions besides the log. */
  void observe(Consumer<Transition> observer) {
    this.observer = observer;
  }

  /** Whoever wants to hear how a refork or permit ended. */
  void reforkEnded(Consumer<Action.ReforkEnded> ended) {
    this.ended = ended;
  }

  /** Whether it is a command that we started and have not reaped. */
  boolean isCommand(int pid) {
    return commands.contains(pid);
  }

  void gone(int pid) {
    commands.remove(pid);
  }

  /** The newest first. */
  List<StatusMaker.Seen> failures() {
    return List.copyOf(failures);
  }

  void execute(Action action) {
    switch (action) {
      case Action.StartBootMold a -> start(a);
      case Action.Welcome a -> welcome(a);
      case Action.TurnAway a -> conversations.turnAway(a.connection(), a.code(), a.message());
      case Action.Spawn a ->
          conversations.tell(a.mold(), new ToProcess.Spawn(a.spawn(), a.slot(), a.generation()));
      case Action.Promote a ->
          conversations.tell(
              a.worker(), new ToProcess.Promote(a.generation(), a.spawn(), a.timeout()));
      case Action.Resume a -> conversations.tell(a.worker(), new ToProcess.Resume(a.reason()));
      case Action.AskStop a -> conversations.tell(a.pid(), new ToProcess.Stop(a.grace()));
      case Action.Kill a -> members.kill(a.pid(), a.signal());
      case Action.KillNewborn a -> killNewborn(a.spawn());
      case Action.SignalCommand a -> {
        if (commands.contains(a.command()) && !members.wasReaped(a.command())) {
          kernel.killGroup(a.command(), a.signal());
        }
      }
      case Action.SignalStrays a ->
          Strays.of(kernel).forEach(p -> kernel.kill(p.pid(), a.signal()));
      case Action.ReforkEnded a -> ended.accept(a);
      case Action.Note a -> note(a.transition());
      case Action.Exit a -> log.info("stopped", "code", a.code());
    }
  }

  private void start(Action.StartBootMold action) {
    log.info(
        "starting the application",
        "generation",
        action.generation(),
        "command",
        String.join(" ", facts.command()));
    BareServer.hint(facts.command()).ifPresent(log::warn);
    switch (kernel.spawn(facts.command(), facts.environment(), facts.listeners())) {
      case Kernel.SpawnResult.Started s -> {
        commands.add(s.pid());
        tell.accept(new Event.BootStarted(s.pid()));
      }
      case Kernel.SpawnResult.Failed f -> tell.accept(new Event.BootFailed(f.errno(), f.message()));
    }
  }

  private void welcome(Action.Welcome action) {
    var row = board.lease(action.pid());
    if (row.isEmpty()) {
      // There are rows for every process that can exist; so one that finds none is one too many.
      conversations.turnAway(action.connection(), "busy", "no scoreboard row is free");
      members.kill(action.pid(), Signal.KILL);
      return;
    }
    var info = kernel.process(action.pid());
    var ours = info.map(p -> p.parent() == kernel.pid()).orElse(true);
    var watched = Optional.<PidFd>empty();
    if (!ours) {
      var fd = kernel.openPidfd(action.pid());
      if (fd.isEmpty()) {
        // Gone already, or a kernel before 5.3: nobody would tell us of its end.
        board.release(row.getAsInt());
        conversations.turnAway(
            action.connection(),
            "busy",
            "not the agent's child, and no pidfd to watch it by: let the script exec the command");
        tell.accept(new Event.Exited(action.pid(), new ExitStatus.Untold()));
        return;
      }
      watched = Optional.of(new PidFd(action.pid(), fd.getAsInt()));
    }
    members.add(
        new Member(
            action.pid(),
            action.connection(),
            row.getAsInt(),
            action.slot(),
            action.generation(),
            watched,
            info.map(Kernel.ProcessInfo::startTime).orElse(0L)));
    var settings = pool.settings();
    var t = settings.timeouts();
    conversations.answer(
        action.connection(),
        new ToProcess.Welcome(
            action.slot(),
            action.generation(),
            row.getAsInt(),
            new ToProcess.Timeouts(
                t.boot(), t.spawn(), t.promote(), t.request(), t.drain(), t.killAfter()),
            new ToProcess.PoolFacts(
                settings.workers(),
                facts.backlog(),
                settings.recycle().maxRequests(),
                facts.listenerFacts(),
                facts.allowedThreads())));
  }

  /**
   * A newborn whose pid nobody told bears the name of its spawn; a child of ours, so nobody else
   * can.
   */
  private void killNewborn(String spawn) {
    var name = "rf:" + spawn;
    for (var process : kernel.processes().values()) {
      if (process.parent() == kernel.pid()
          && process.comm().equals(name)
          && process.state() != 'Z') {
        kernel.kill(process.pid(), Signal.KILL);
      }
    }
  }

  private void note(Transition t) {
    observer.accept(t);
    var level =
        switch (t.level()) {
          case INFO -> Log.Level.INFO;
          case WARN -> Log.Level.WARN;
          case ERROR -> Log.Level.ERROR;
        };
    log.log(
        level,
        t.what(),
        "slot",
        t.slot(),
        "pid",
        t.pid(),
        "generation",
        t.generation(),
        "reason",
        present(t.reason()),
        "detail",
        present(t.detail()),
        "took",
        t.took());
    if (t.level() != Action.Level.INFO) {
      failures.addFirst(new StatusMaker.Seen(Instant.now(), t));
      while (failures.size() > MAX_FAILURES) {
        failures.removeLast();
      }
    }
  }

  private static Optional<String> present(String text) {
    return text.isEmpty() ? Optional.empty() : Optional.of(text);
  }
}
