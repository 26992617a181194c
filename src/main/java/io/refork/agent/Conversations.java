package io.refork.agent;

import io.refork.agent.Link.Received;
import io.refork.agent.linux.Kernel;
import io.refork.agent.log.Log;
import io.refork.agent.log.RateLimit;
import io.refork.agent.pool.Event;
import io.refork.agent.pool.Event.Claim;
import io.refork.agent.pool.ReforkReason;
import io.refork.protocol.Escape;
import io.refork.protocol.mold.FromProcess;
import io.refork.protocol.mold.MalformedException;
import io.refork.protocol.mold.MoldCodec;
import io.refork.protocol.mold.ToProcess;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * The mold protocol's edge: connections in, events out, messages back. Who is a stranger, or does
 * not speak the protocol, is turned away here and counted; whether a process may be what it claims,
 * the pool decides by what the kernel says of it.
 */
final class Conversations {
  /**
   * Strangers at a time: each may make us hold some bytes. The oldest one makes room for the next,
   * so that those who connect and say nothing keep no newborn out.
   */
  private static final int MAX_STRANGERS = 64;

  /** A hello is 150 bytes; a stranger gets no buffer worth having. */
  private static final int MAX_HELLO = 4096;

  /**
   * From connect to hello: a shim says it at once; half the shortest spawn timeout that makes
   * sense.
   */
  private static final long HELLO_NANOS = Duration.ofSeconds(5).toNanos();

  private final Kernel kernel;
  private final Log log;
  private final Members members;
  private final int listener;
  private final Supplier<OptionalInt> bootCommand;
  private final Consumer<Event> pool;
  private final Map<Integer, Link> links = new LinkedHashMap<>();
  private final RateLimit complaints = new RateLimit(5, Duration.ofSeconds(10));
  private long turnedAway;

  Conversations(
      Kernel kernel,
      Log log,
      Members members,
      int listener,
      Supplier<OptionalInt> bootCommand,
      Consumer<Event> pool) {
    this.kernel = kernel;
    this.log = log;
    this.members = members;
    this.listener = listener;
    this.bootCommand = bootCommand;
    this.pool = pool;
  }

  int listener() {
    return listener;
  }

  /** Connections refused since the start. */
  long turnedAway() {
    return turnedAway;
  }

  List<Integer> readable() {
    return List.copyOf(links.keySet());
  }

  List<Integer> writable() {
    return links.values().stream().filter(Link::wantsToWrite).map(Link::fd).toList();
  }

  // --- in ------------------------------------------------------------------------------------

  /** Takes waiting connections in; whoever finds no place is closed and counted. */
  void accept(long now) {
    for (int i = 0; i < MAX_STRANGERS; i++) {
      var accepted = kernel.accept(listener);
      if (accepted.isEmpty()) {
        return;
      }
      var link = new Link(kernel, accepted.get(), now);
      if (accepted.get().peer().uid() != kernel.uid()) {
        complain(link, "the user " + accepted.get().peer().uid() + " is not the agent's");
        link.close();
      } else {
        makeRoom();
        links.put(link.fd(), link);
      }
    }
  }

  private void makeRoom() {
    var strangers = links.values().stream().filter(l -> members.byLink(l.fd()).isEmpty()).toList();
    if (strangers.size() >= MAX_STRANGERS) {
      complain(strangers.getFirst(), "too many connections that have not said hello");
      drop(strangers.getFirst());
    }
  }

  /** Reads one connection, if it is one of ours. */
  void read(int fd) {
    var link = links.get(fd);
    if (link == null) {
      return;
    }
    var member = members.byLink(fd);
    switch (link.receive(member.isPresent() ? MoldCodec.MAX_LINE : MAX_HELLO)) {
      case Received.Lines r -> {
        for (var line : r.lines()) {
          if (links.get(fd) == link) {
            take(link, line);
          }
        }
        if (r.ended()) {
          ended(link, "end of file");
        }
      }
      case Received.TooMuch() ->
          refuse(link, "too-long", "longer lines, or more at once, than the protocol allows");
    }
  }

  /**
   * Everything that the dead have still said: to be called between reaping and telling the pool.
   */
  void readAll() {
    for (var fd : List.copyOf(links.keySet())) {
      read(fd);
    }
  }

  private void take(Link link, byte[] line) {
    FromProcess message;
    try {
      message = MoldCodec.decode(line);
    } catch (MalformedException e) {
      refuse(link, e.code(), String.valueOf(e.getMessage()));
      return;
    }
    var member = members.byLink(link.fd());
    if (message instanceof FromProcess.Hello hello) {
      if (member.isPresent()) {
        refuse(link, "unexpected", "hello was said before");
      } else {
        hello(link, hello);
      }
    } else if (member.isEmpty()) {
      refuse(link, "unexpected", "the first line is hello");
    } else {
      said(link, member.get().pid(), message);
    }
  }

  private void hello(Link link, FromProcess.Hello hello) {
    int pid = link.peer().pid();
    if (hello.pid() != pid) {
      refuse(link, "unknown-process", "the pid of hello is not the peer's");
      return;
    }
    var mold = hello.role() == FromProcess.Role.MOLD;
    if (hello.spawn().isEmpty()) {
      var command = bootCommand.get();
      var descends =
          mold && command.isPresent() && Strays.descends(kernel, pid, command.getAsInt());
      pool.accept(new Event.Hello(link.fd(), pid, new Claim.BootMold(descends)));
      return;
    }
    var spawn = hello.spawn().get();
    var info = kernel.process(pid);
    var ours = info.isPresent() && info.get().parent() == kernel.pid();
    var named = info.isPresent() && info.get().comm().equals("rf:" + spawn);
    pool.accept(new Event.Hello(link.fd(), pid, new Claim.Newborn(mold, spawn, ours, named)));
  }

  private void said(Link link, int pid, FromProcess message) {
    switch (message) {
      case FromProcess.Hello h -> throw new IllegalStateException("taken before");
      case FromProcess.Ready r -> pool.accept(new Event.Ready(pid));
      case FromProcess.Spawned s -> pool.accept(new Event.Spawned(pid, s.spawn(), s.pid()));
      case FromProcess.SpawnFailed f ->
          pool.accept(
              new Event.SpawnFailed(pid, f.spawn(), "errno " + f.errno() + ": " + f.message()));
      case FromProcess.Promoting p -> pool.accept(new Event.Promoting(pid));
      case FromProcess.Refused r ->
          ReforkReason.refusal(r.reason())
              .ifPresentOrElse(
                  reason -> pool.accept(new Event.Refused(pid, reason, r.detail())),
                  () -> refuse(link, "malformed", "\"reason\" is not one of the protocol's words"));
      case FromProcess.Leaving l -> {}
      case FromProcess.Warning w -> {
        if (complaints.admit(kernel.monotonicNanos())) {
          log.warn("the application warns", "pid", pid, "code", w.code(), "message", w.message());
        }
      }
      case FromProcess.Error e -> {
        log.warn(
            "a process of the pool complains",
            "pid",
            pid,
            "code",
            e.code(),
            "message",
            e.message());
        ended(link, "it sent an error");
      }
    }
  }

  // --- out -----------------------------------------------------------------------------------

  /**
   * Tells a member something; nothing when its conversation is over (its death is told by the
   * kernel).
   */
  void tell(int pid, ToProcess message) {
    members
        .byPid(pid)
        .map(m -> links.get(m.link()))
        .ifPresent(
            link -> {
              if (!link.send(MoldCodec.encode(message))) {
                ended(link, "it does not read");
              }
            });
  }

  /** Answers a hello; false when the process is gone already. */
  boolean answer(int fd, ToProcess message) {
    var link = links.get(fd);
    return link != null && link.send(MoldCodec.encode(message));
  }

  /** Answers {@code error} and closes. */
  void turnAway(int fd, String code, String message) {
    var link = links.get(fd);
    if (link != null) {
      refuse(link, code, message);
    }
  }

  void write(int fd) {
    var link = links.get(fd);
    if (link != null && !link.flush()) {
      ended(link, "it does not read");
    }
  }

  /** Closes who never said hello. */
  void expire(long now) {
    for (var link : List.copyOf(links.values())) {
      if (members.byLink(link.fd()).isEmpty() && now - link.openedAt() >= HELLO_NANOS) {
        complain(link, "no hello in time");
        drop(link);
      }
    }
  }

  void closeAll() {
    for (var link : new ArrayList<>(links.values())) {
      drop(link);
    }
  }

  /** The process of this connection is dead. */
  void dead(int fd) {
    var link = links.get(fd);
    if (link != null) {
      drop(link);
    }
  }

  private void refuse(Link link, String code, String why) {
    complain(link, why);
    link.send(MoldCodec.encode(new ToProcess.Error(code, why)));
    ended(link, why);
  }

  private void ended(Link link, String why) {
    var member = members.byLink(link.fd());
    drop(link);
    member.ifPresent(m -> pool.accept(new Event.Disconnected(m.pid(), why)));
  }

  private void drop(Link link) {
    if (links.remove(link.fd()) != null) {
      members.linkClosed(link.fd());
      link.close();
    }
  }

  private void complain(Link link, String why) {
    turnedAway++;
    if (complaints.admit(kernel.monotonicNanos())) {
      log.warn(
          "connection turned away",
          "pid",
          link.peer().pid(),
          "reason",
          Escape.plain(why, Escape.MAX),
          "suppressed",
          complaints.takeSuppressed());
    }
  }
}
