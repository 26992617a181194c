package io.refork.agent.http;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * A small HTTP/1.1 server for few, short and possibly hostile requests: one thread that never waits
 * for a client, so that one that sends its whole request at once, as a probe does, is answered at
 * once, whatever the others do.
 *
 * <p>Why not the JDK's: it gives each client that has sent one byte a thread until its request is
 * whole, so two hundred slow ones keep probes waiting; and an interpreted request costs it a
 * millisecond, so a flood from inside the pod takes a whole core (docs/security.md has the
 * figures).
 */
public final class HttpListener implements AutoCloseable {
  /**
   * When there are more, the one that has been waited for longest goes. 2 MiB if all are hostile.
   */
  static final int MAX_CONNECTIONS = 256;

  /**
   * Connections that the kernel keeps for us while we rest: what comes within a quarter of a second
   * at {@link #PER_SECOND}.
   */
  private static final int BACKLOG = 256;

  /**
   * With about a quarter of a millisecond each, this is what bounds the CPU that clients can take.
   */
  static final int PER_SECOND = 1000;

  /** A burst that a busy kubelet, two scrapers and the operator together never reach. */
  private static final int BURST = 100;

  /** Deadlines are looked at when the next one is over, but not more often than this. */
  private static final Duration SWEEP = Duration.ofMillis(250);

  /** After the burst is used up, or accept failed for want of descriptors. */
  private static final Duration REST = Duration.ofMillis(20);

  /** As many as may be accepted before those that are connected get their turn. */
  private static final int AT_ONCE = 16;

  /**
   * Refused clients a second that are read to their end, so that they can read why. The others may
   * see a reset: whoever floods is not worth a second look.
   */
  private static final int LINGERING = 50;

  private static final int READ_BYTES = 16 * 1024;
  private static final Duration CLOSE = Duration.ofSeconds(1);
  private static final long STACK = 256 * 1024;
  private static final DateTimeFormatter DATE =
      DateTimeFormatter.ofPattern("'Date: 'EEE, dd MMM yyyy HH:mm:ss 'GMT\r\n'", Locale.ROOT)
          .withZone(ZoneOffset.UTC);

  private final ServerSocketChannel server;
  private final Selector selector;
  private final Routes routes;
  private final SelectionKey accepting;
  private final Set<Connection> connections = new LinkedHashSet<>();
  private final Queue<Finished> finished = new ConcurrentLinkedQueue<>();
  private final ByteBuffer buffer = ByteBuffer.allocateDirect(READ_BYTES);
  private final Bucket requests = new Bucket(BURST, PER_SECOND, System.nanoTime());
  private final Bucket lingering = new Bucket(LINGERING, LINGERING, System.nanoTime());
  private final House house = new House();
  private final Thread thread = new Thread(null, this::run, "refork-http", STACK);
  private volatile boolean closing;
  private long now = System.nanoTime();
  private long nextSweep = now;
  private long acceptFrom;
  private long dateSecond;
  private byte[] date = {};

  private record Finished(Connection connection, Reply reply) {}

  private HttpListener(ServerSocketChannel server, Routes routes) throws IOException {
    this.server = server;
    this.routes = routes;
    selector = Selector.open();
    server.configureBlocking(false);
    accepting = server.register(selector, SelectionKey.OP_ACCEPT);
    thread.setDaemon(true);
  }

  /**
   * Binds and answers from now on.
   *
   * @throws IOException when the address cannot be bound
   */
  public static HttpListener start(InetSocketAddress address, Routes routes) throws IOException {
    var server = ServerSocketChannel.open();
    try {
      server.setOption(StandardSocketOptions.SO_REUSEADDR, true);
      server.bind(address, BACKLOG);
      var listener = new HttpListener(server, routes);
      listener.thread.start();
      return listener;
    } catch (IOException | RuntimeException | Error e) {
      server.close();
      throw e;
    }
  }

  /** The port that is really listened on. */
  public int port() {
    return server.socket().getLocalPort();
  }

  /** Stops at once; connections are closed. */
  @Override
  public void close() {
    closing = true;
    selector.wakeup();
    try {
      thread.join(CLOSE);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void run() {
    try (server;
        selector) {
      while (!closing) {
        try {
          turn();
        } catch (RuntimeException | VirtualMachineError e) {
          recover();
        }
      }
      connections.forEach(Connection::close);
    } catch (IOException e) {
      throw new IllegalStateException("the control endpoint cannot wait for its sockets", e);
    }
  }

  /** After a defect or want of memory that no single client accounts for. */
  private void recover() {
    try {
      evict();
    } catch (RuntimeException | VirtualMachineError e) {
      // Probes want this thread, whatever else fails.
    }
    LockSupport.parkNanos(REST.toNanos()); // should it happen at every turn
  }

  private void turn() throws IOException {
    long until = acceptFrom == 0 ? nextSweep : Math.min(acceptFrom, nextSweep);
    boolean forEver = connections.isEmpty() && acceptFrom == 0;
    selector.select(this::ready, forEver ? 0 : Math.max(1, (until - now) / 1_000_000 + 1));
    now = System.nanoTime();
    for (var f = finished.poll(); f != null; f = finished.poll()) {
      var reply = f.reply();
      attend(f.connection(), c -> c.answer(reply));
      settle(f.connection());
    }
    if (acceptFrom != 0 && now >= acceptFrom) {
      acceptFrom = 0;
      accepting.interestOps(SelectionKey.OP_ACCEPT);
    }
    if (now - nextSweep >= 0 && !connections.isEmpty()) {
      sweep();
    }
  }

  private void ready(SelectionKey key) {
    now = System.nanoTime();
    if (key == accepting) {
      accept();
    } else if (key.attachment() instanceof Connection connection) {
      attend(connection, Connection::ready);
      settle(connection);
    }
  }

  private void accept() {
    for (int i = 0; i < AT_ONCE; i++) {
      if (!requests.take(now)) {
        rest();
        return;
      }
      try {
        var channel = server.accept();
        if (channel == null) {
          return;
        }
        welcome(channel);
      } catch (IOException | RuntimeException | VirtualMachineError e) {
        // Descriptors or memory ran out. Without a rest this would be tried again at once.
        evict();
        rest();
        return;
      }
    }
  }

  private void rest() {
    accepting.interestOps(0);
    acceptFrom = now + REST.toNanos();
  }

  private void welcome(SocketChannel channel) throws IOException {
    try {
      channel.configureBlocking(false);
      if (!(channel.getRemoteAddress() instanceof InetSocketAddress remote)
          || !(channel.getLocalAddress() instanceof InetSocketAddress local)) {
        channel.close();
        return;
      }
      var from = remote.getAddress();
      boolean inside = from.isLoopbackAddress() || from.equals(local.getAddress());
      var connection = new Connection(house, channel, new Head.Peer(from, inside));
      // Most clients have sent everything by now, and are never registered.
      attend(connection, Connection::ready);
      if (connection.isOpen()) {
        if (connections.size() >= MAX_CONNECTIONS) {
          evict();
        }
        connections.add(connection);
        settle(connection);
      }
    } catch (IOException | RuntimeException | VirtualMachineError e) {
      channel.close();
      throw e;
    }
  }

  /** A defect that one client finds, and memory that one wants, cost that client only. */
  private static void attend(Connection connection, Consumer<Connection> step) {
    try {
      step.accept(connection);
    } catch (RuntimeException | VirtualMachineError e) {
      connection.close();
    }
  }

  /** The oldest that we wait for; when we owe all of them an answer, the oldest of these. */
  private void evict() {
    connections.stream()
        .filter(Connection::isWaitedFor)
        .findFirst()
        .or(() -> connections.stream().findFirst())
        .ifPresent(
            c -> {
              connections.remove(c);
              c.close();
            });
  }

  private void settle(Connection connection) {
    try {
      if (connection.isOpen()) {
        connection.await(selector);
        var soonest = Math.max(connection.deadline(), now + SWEEP.toNanos());
        nextSweep = Math.min(nextSweep, soonest);
        return;
      }
    } catch (IOException | RuntimeException | VirtualMachineError e) {
      connection.close();
    }
    connections.remove(connection);
  }

  private void sweep() {
    nextSweep = now + Connection.IDLE.toNanos();
    for (var connection : Set.copyOf(connections)) {
      if (now - connection.deadline() >= 0) {
        attend(connection, Connection::late);
      }
      settle(connection);
    }
  }

  /** What connections see of this. */
  private final class House implements Connection.House {
    @Override
    public Routes routes() {
      return routes;
    }

    @Override
    public ByteBuffer buffer() {
      return buffer.clear(); // whoever read last may have failed over it
    }

    @Override
    public byte[] date() {
      long second = System.currentTimeMillis() / 1000;
      if (second != dateSecond) {
        dateSecond = second;
        date = Reply.bytes(DATE.format(Instant.ofEpochSecond(second)));
      }
      return date;
    }

    @Override
    public long now() {
      return now;
    }

    @Override
    public boolean mayStay() {
      return requests.take(now);
    }

    @Override
    public boolean mayLinger() {
      return lingering.take(now);
    }

    @Override
    public void later(Connection connection, Reply reply) {
      finished.add(new Finished(connection, reply));
      selector.wakeup();
    }
  }
}
