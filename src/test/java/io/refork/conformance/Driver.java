package io.refork.conformance;

import com.fasterxml.jackson.jr.ob.JSON;
import io.refork.agent.linux.Kernel.Read;
import io.refork.agent.linux.Kernel.SpawnResult;
import io.refork.agent.linux.KernelException;
import io.refork.agent.linux.LinuxKernel;
import io.refork.agent.linux.ListenAddress;
import io.refork.agent.linux.ListenAddress.Endpoint;
import io.refork.agent.linux.Listeners;
import io.refork.agent.linux.ProcessSetup;
import io.refork.agent.linux.Signal;
import io.refork.protocol.mold.MoldCodec;
import io.refork.protocol.mold.ToProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * Plays the agent for one pool: starts the command, listens, reads and writes messages, reaps. It
 * does what docs/protocol.md asks of an agent and decides nothing; scenarios do. One thread.
 * Closing it ends every process that it has started or adopted.
 */
final class Driver implements AutoCloseable {
  /** For each expected step; far more than it takes, on a loaded machine too. */
  static final Duration PATIENCE = Duration.ofSeconds(15);

  /** For a command to load its application. */
  static final Duration BOOT = Duration.ofSeconds(60);

  /** Long enough for a process to do by itself what it should not do unasked. */
  static final Duration MOMENT = Duration.ofMillis(200);

  /** What a process has for leaving, as the agent's default has it. */
  static final Duration KILL = Duration.ofSeconds(2);

  private static final Duration TURN = Duration.ofMillis(10);
  private static final int[] NONE = {};

  private final LinuxKernel kernel;
  private final Path directory;
  private final Path log;
  final Board board;
  final Processes processes;
  private final int server;
  private final Listeners listeners;
  private final List<Peer> peers = new ArrayList<>();

  /** Not from 0 and not one by one: a shim that makes rows up by itself is found out. */
  private int nextRow = 3;

  /** The pid of what the user's command started. */
  private int command;

  Driver(LinuxKernel kernel) throws KernelException, IOException {
    this.kernel = kernel;
    directory = Files.createTempDirectory("refork-conformance");
    log = Files.createFile(directory.resolve("log"));
    board = new Board(directory.resolve("scoreboard"));
    processes = new Processes(kernel);
    server = kernel.listenUnix(directory.resolve("agent.sock").toString(), 64);
    listeners =
        Listeners.open(List.of(new ListenAddress("http", new Endpoint.Tcp("127.0.0.1", 0))), 128);
  }

  // --- processes -----------------------------------------------------------------------------

  /** Starts the command as an agent does; its output goes to {@link #log()}. */
  int start(List<String> words) {
    var environment = new LinkedHashMap<>(ProcessSetup.environment());
    environment.keySet().removeIf(n -> n.startsWith("REFORK_") || n.startsWith("LISTEN_"));
    environment.put("REFORK_SOCKET", directory.resolve("agent.sock").toString());
    environment.put("REFORK_SCOREBOARD", board.file().toString());
    environment.put("REFORK_PROTOCOL", Integer.toString(MoldCodec.VERSION));
    environment.put("LISTEN_FDS", "1");
    environment.put("LISTEN_FDNAMES", listeners.names());
    var line = new ArrayList<>(List.of("sh", "-c", "exec \"$@\" >>\"$0\" 2>&1", log.toString()));
    line.addAll(words);
    command =
        switch (kernel.spawn(line, environment, listeners.descriptors())) {
          case SpawnResult.Started s -> s.pid();
          case SpawnResult.Failed f -> throw new Unmet("a shell to start the command", f.message());
        };
    return command;
  }

  /** Waits for its end. */
  boolean endsWithin(Duration bound, int pid) {
    return within(bound, () -> !processes.alive(pid));
  }

  /** Looks once, without waiting. */
  boolean hasSaid(Peer peer) {
    pump(Duration.ZERO);
    return peer.saidSomething();
  }

  /** CLOCK_MONOTONIC, the scoreboard's. */
  long now() {
    return kernel.monotonicNanos();
  }

  // --- messages ------------------------------------------------------------------------------

  /** The next process that says hello. */
  Peer hello(String who) {
    return hello(who, p -> true);
  }

  /** The newborn of this spawn; others that come meanwhile are left waiting. */
  Peer newborn(String spawn) {
    return hello("the newborn of spawn " + spawn, p -> p.said().contains(spawn));
  }

  private boolean nobodyIsLeft() {
    return !processes.alive(command) && processes.children(processes.ownPid()).isEmpty();
  }

  private Peer hello(String who, Predicate<Peer> wanted) {
    Supplier<Optional<Peer>> newcomer =
        () ->
            peers.stream()
                .filter(p -> p.hello().isEmpty() && p.saidSomething() && wanted.test(p))
                .findFirst();
    within(PATIENCE, () -> newcomer.get().isPresent() || nobodyIsLeft());
    if (newcomer.get().isEmpty()) {
      throw new Unmet(
          "hello from " + who,
          nobodyIsLeft()
              ? "the command has ended: " + processes.ending(command)
              : "nobody has said hello within " + PATIENCE);
    }
    var peer = newcomer.get().orElseThrow();
    peer.hello(peer.next().orElseThrow());
    if (!"hello".equals(peer.hello().get("type"))) {
      throw new Unmet("hello as the first line of " + who, peer.hello().toString());
    }
    return peer;
  }

  /** Its next message but warnings, which must be of this type. */
  Map<String, Object> expect(Peer peer, String type) {
    return expect(peer, type, PATIENCE);
  }

  Map<String, Object> expect(Peer peer, String type, Duration bound) {
    within(bound, () -> peer.saidSomething() || peer.closed);
    var seen = peer.said();
    var message = peer.next();
    if (message.isEmpty() || !type.equals(message.get().get("type"))) {
      throw new Unmet(
          "\"" + type + "\" from process " + peer.pid + " (" + processes.comm(peer.pid) + ")",
          seen);
    }
    return message.get();
  }

  /** Whether it says nothing for a moment, and keeps its connection. */
  boolean quiet(Peer peer) {
    return !within(MOMENT, () -> peer.saidSomething() || peer.closed);
  }

  /** Every message carries a field that no version knows: it is to be ignored. */
  void send(Peer peer, ToProcess... messages) {
    var text = new StringBuilder();
    for (var message : messages) {
      text.append(line(message));
    }
    sendRaw(peer, text.toString());
  }

  static String line(ToProcess message) {
    return line(message, Map.of());
  }

  /** The same with some fields of another value. */
  static String line(ToProcess message, Map<String, Object> other) {
    try {
      var fields = JSON.std.mapFrom(MoldCodec.encode(message));
      fields.putAll(other);
      fields.put("from-a-later-version", Map.of("list", List.of(1, "two")));
      return JSON.std.asString(fields) + "\n";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Bytes as they are. */
  void sendRaw(Peer peer, String text) {
    var bytes = text.getBytes(StandardCharsets.UTF_8);
    var sent = new int[1];
    within(
        PATIENCE,
        () -> {
          if (sent[0] < bytes.length) {
            sent[0] += Math.max(0, kernel.write(peer.fd, bytes, sent[0], bytes.length - sent[0]));
          }
          return sent[0] == bytes.length || peer.closed;
        });
  }

  void welcome(Peer peer, int slot, int generation) {
    peer.row = nextRow;
    peer.generation = generation;
    peer.welcomed = true;
    nextRow += 2;
    send(peer, Orders.welcome(slot, generation, peer.row, listeners.all().getFirst().address()));
  }

  void hangUp(Peer peer) {
    kernel.close(peer.fd);
    peer.closed = true;
  }

  // --- the service ---------------- --------------------------------------------------------

  int port() {
    return ((Endpoint.Tcp) listeners.all().getFirst().address()).port();
  }

  /** Everything that the command and its forks have written. */
  String log() {
    try {
      return new String(Files.readAllBytes(log), StandardCharsets.UTF_8);
    } catch (IOException e) {
      return e.toString();
    }
  }

  // --- waiting -------------------------------------------------------------------------------

  /** Whether the condition becomes true in time; the pool is attended to meanwhile. */
  boolean within(Duration bound, BooleanSupplier condition) {
    var end = System.nanoTime() + bound.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        return false;
      }
      pump(TURN);
    }
    return true;
  }

  private void pump(Duration most) {
    var open = peers.stream().filter(p -> !p.closed).toList();
    var fds = new int[open.size() + 1];
    fds[0] = server;
    for (var i = 0; i < open.size(); i++) {
      fds[i + 1] = open.get(i).fd;
    }
    kernel.poll(fds, NONE, most);
    for (var c = kernel.accept(server); c.isPresent(); c = kernel.accept(server)) {
      peers.add(new Peer(c.get().fd(), c.get().peer().pid()));
    }
    for (var peer : peers.stream().filter(p -> !p.closed).toList()) {
      read(peer);
    }
    processes.reap();
  }

  private void read(Peer peer) {
    while (true) {
      switch (kernel.read(peer.fd)) {
        case Read.Data d -> peer.take(d.bytes());
        case Read.Nothing() -> {
          return;
        }
        case Read.Closed() -> {
          hangUp(peer);
          return;
        }
      }
    }
  }

  @Override
  public void close() throws IOException {
    for (var peer : peers) {
      if (!peer.closed) {
        hangUp(peer);
      }
    }
    // Whatever was ours or has become ours; twice, because the killed leave orphans.
    within(
        PATIENCE,
        () -> {
          var left = processes.children(processes.ownPid());
          left.forEach(pid -> processes.kill(pid, Signal.KILL));
          processes.reap();
          return left.isEmpty();
        });
    kernel.close(server);
    listeners.close();
    for (var file : List.of("agent.sock", "scoreboard", "log", "")) {
      Files.deleteIfExists(directory.resolve(file));
    }
  }
}
