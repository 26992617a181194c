package io.refork.agent.http;

import io.refork.agent.http.HeadReader.Progress;
import io.refork.agent.http.Routes.Decision;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;

/**
 * One client, from its first byte to the last of the answer. Never waits: it is called when there
 * is something to read or room to write, and by its deadline. For the listener's thread.
 */
final class Connection {
  /** A whole head: probes and scrapers send it in one packet. */
  static final Duration HEAD = Duration.ofSeconds(2);

  /** A whole body of 32 KiB, which the operator sends with the head. */
  static final Duration BODY = Duration.ofSeconds(1);

  /** Longer than a scrape interval, so that Prometheus keeps its connection. */
  static final Duration IDLE = Duration.ofSeconds(90);

  /** Our work, and a client that reads. */
  static final Duration ANSWER = Duration.ofSeconds(10);

  /** Until a refused client has read why; closing earlier would reset it. */
  static final Duration LINGER = Duration.ofSeconds(1);

  /** Bytes that are read and thrown away then: who sends more is not reading our answer. */
  private static final int MAX_LINGER = 64 * 1024;

  /** What the client is told that was too slow with a body. */
  private static final Reply SLOW = Reply.text(408, "too slow");

  /** Bytes of a body, whatever the routes say: what a connection may make us keep. */
  static final int MAX_BODY = 32 * 1024;

  private static final Reply TOO_LARGE = Reply.text(413, "too large");
  private static final Reply DEFECT = Reply.text(500, "defect");
  private static final byte[] NOTHING = new byte[0];

  private enum Phase {
    HEAD,
    BODY,
    WORK,
    WRITE,
    LINGER
  }

  /** What the listener gives to all of its connections. */
  interface House {
    Routes routes();

    /** One for all, empty: its content is taken away before the next read. */
    ByteBuffer buffer();

    byte[] date();

    long now();

    /** Whether the client may send another request on this connection. */
    boolean mayStay();

    /** Whether a client that was refused may be waited for. */
    boolean mayLinger();

    /** Hands an answer to {@link Connection#answer} on the listener's thread. */
    void later(Connection connection, Reply reply);
  }

  private final House house;
  private final SocketChannel channel;
  private final Head.Peer peer;
  private Optional<SelectionKey> key = Optional.empty();
  private Phase phase = Phase.HEAD;
  private long deadline;
  private HeadReader reader;
  private byte[] bytes = NOTHING;
  private int length;
  private int bodyFrom;
  private int bodyLength;
  private int lingered;
  private boolean closeAfter;
  private boolean unread;
  private Optional<Decision.Work> work = Optional.empty();
  private ByteBuffer out = ByteBuffer.wrap(NOTHING);

  Connection(House house, SocketChannel channel, Head.Peer peer) {
    this.house = house;
    this.channel = channel;
    this.peer = peer;
    this.reader = new HeadReader(peer);
    this.deadline = house.now() + HEAD.toNanos();
  }

  /** Monotonic nanoseconds; {@link #late} is called then. */
  long deadline() {
    return deadline;
  }

  /** It has sent nothing whole yet: the first to go when there are too many. */
  boolean isWaitedFor() {
    return phase == Phase.HEAD || phase == Phase.LINGER;
  }

  boolean isOpen() {
    return channel.isOpen();
  }

  void close() {
    abandonWork();
    try {
      channel.close();
    } catch (IOException e) {
      // gone all the same
    }
  }

  /** The time is over. */
  void late() {
    if (phase == Phase.BODY) {
      abandonWork();
      closeAfter = true;
      unread = true;
      answer(SLOW);
    } else {
      close();
    }
  }

  /** There is something to read or room to write, perhaps. */
  void ready() {
    try {
      switch (phase) {
        case HEAD, BODY -> {
          if (read()) {
            advance();
          }
        }
        case WRITE -> write();
        case LINGER -> read();
        case WORK -> {}
      }
    } catch (IOException e) {
      close();
    }
  }

  /** Registers it, when what it waits for has not come at once. */
  void await(Selector selector) throws ClosedChannelException {
    if (!channel.isOpen()) {
      return;
    }
    int wanted =
        switch (phase) {
          case HEAD, BODY, LINGER -> SelectionKey.OP_READ;
          case WRITE -> SelectionKey.OP_WRITE;
          case WORK -> 0;
        };
    if (key.isEmpty()) {
      key = Optional.of(channel.register(selector, wanted, this));
    } else if (key.get().interestOps() != wanted) {
      key.get().interestOps(wanted);
    }
  }

  /** False when nothing came. At the end of the stream there will be no more requests. */
  private boolean read() throws IOException {
    var buffer = house.buffer();
    int n = channel.read(buffer);
    if (n < 0) {
      close();
      return false;
    }
    buffer.flip();
    if (phase == Phase.LINGER) {
      lingered += n;
      if (lingered > MAX_LINGER) {
        close();
      }
      return false;
    }
    if (length == 0 && n > 0) {
      deadline = Math.min(deadline, house.now() + HEAD.toNanos());
    }
    if (bytes.length < length + n) {
      bytes = Arrays.copyOf(bytes, length + n);
    }
    buffer.get(bytes, length, n);
    length += n;
    return n > 0;
  }

  private void advance() throws IOException {
    while (phase == Phase.HEAD && channel.isOpen()) {
      switch (reader.next(bytes, length)) {
        case Progress.More m -> {
          return;
        }
        case Progress.Bad(var reply) -> refuse(reply);
        case Progress.First(var line) -> house.routes().door(line, peer).ifPresent(this::refuse);
        case Progress.Done(var head, var end) -> done(head, end);
      }
    }
    if (phase == Phase.BODY && length - bodyFrom >= bodyLength) {
      work();
    }
  }

  /** Before the request was read to its end, so there is no next one. */
  private void refuse(Reply reply) {
    closeAfter = true;
    unread = true;
    answer(reply);
  }

  private void done(Head head, int end) {
    bodyFrom = end;
    closeAfter = head.closeAsked() || !house.mayStay();
    switch (house.routes().decide(head)) {
      case Decision.Answer(var reply) when head.contentLength() > length - end -> refuse(reply);
      case Decision.Answer(var reply) -> {
        bodyLength = (int) head.contentLength();
        answer(reply);
      }
      case Decision.Work w when head.contentLength() > MAX_BODY -> {
        w.abandoned().run();
        refuse(TOO_LARGE);
      }
      case Decision.Work w -> {
        work = Optional.of(w);
        bodyLength = Math.toIntExact(head.contentLength());
        phase = Phase.BODY;
        deadline = house.now() + BODY.toNanos();
      }
    }
  }

  private void work() {
    var todo = work.orElseThrow();
    // While memory may run out it is still ours to abandon.
    var body = Arrays.copyOfRange(bytes, bodyFrom, bodyFrom + bodyLength);
    Runnable task = () -> house.later(this, done(todo, body));
    work = Optional.empty();
    phase = Phase.WORK;
    deadline = house.now() + ANSWER.toNanos();
    if (!todo.lane().offer(task)) {
      todo.abandoned().run();
      answer(todo.lane().busy());
    }
  }

  /** On the lane's thread. */
  private static Reply done(Decision.Work todo, byte[] body) {
    try {
      return todo.work().apply(body);
    } catch (RuntimeException e) {
      return DEFECT;
    }
  }

  private void abandonWork() {
    var abandoned = work;
    work = Optional.empty();
    abandoned.ifPresent(w -> w.abandoned().run());
  }

  /** Writes the answer as far as there is room. */
  void answer(Reply reply) {
    if (!channel.isOpen()) {
      return;
    }
    closeAfter |= reply.closes();
    out = ByteBuffer.wrap(reply.encode(house.date(), closeAfter));
    phase = Phase.WRITE;
    deadline = house.now() + ANSWER.toNanos();
    try {
      write();
    } catch (IOException e) {
      close();
    }
  }

  private void write() throws IOException {
    channel.write(out);
    if (out.hasRemaining()) {
      return;
    }
    if (!closeAfter) {
      nextRequest();
    } else if (unread && house.mayLinger()) {
      // What it has sent and we have not read would reset the connection, and the answer with it.
      channel.shutdownOutput();
      phase = Phase.LINGER;
      deadline = house.now() + LINGER.toNanos();
      bytes = NOTHING;
    } else {
      close();
    }
  }

  private void nextRequest() throws IOException {
    int from = bodyFrom + bodyLength;
    bytes = from == length ? NOTHING : Arrays.copyOfRange(bytes, from, length);
    length = bytes.length;
    reader = new HeadReader(peer);
    phase = Phase.HEAD;
    deadline = house.now() + (length == 0 ? IDLE : HEAD).toNanos();
    if (length > 0) {
      advance(); // it did not wait for the answer
    }
  }
}
