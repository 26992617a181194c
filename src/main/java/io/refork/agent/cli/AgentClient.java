package io.refork.agent.cli;

import io.refork.agent.control.LocalRequests;
import io.refork.agent.linux.StateDirectory;
import io.refork.protocol.Escape;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;

/** Asks a running agent on its local socket: one line there, one line back, within five seconds. */
final class AgentClient {
  /**
   * The event loop answers in milliseconds; a stopped agent (SIGSTOP) shall not keep anybody's
   * terminal.
   */
  static final Duration PATIENCE = Duration.ofSeconds(5);

  /**
   * The status of 512 workers is a quarter of a megabyte. What is longer is not an agent's answer.
   */
  private static final int MAX_ANSWER = 4 << 20;

  private final Path directory;
  private final Duration patience;

  AgentClient(Path directory) {
    this(directory, PATIENCE);
  }

  AgentClient(Path directory, Duration patience) {
    this.directory = directory;
    this.patience = patience;
  }

  /** It did not work; the message is a sentence for the user. */
  static final class NoAnswer extends Exception {
    private static final long serialVersionUID = 1L;

    NoAnswer(String sentence) {
      super(sentence, null, false, false);
    }
  }

  /** The agent's line for {@code {"ask":"…"}}. */
  String ask(String what) throws NoAnswer {
    var socket = socket();
    try (var channel = SocketChannel.open(java.net.StandardProtocolFamily.UNIX);
        var selector = Selector.open()) {
      channel.configureBlocking(false);
      channel.connect(UnixDomainSocketAddress.of(socket));
      long deadline = System.nanoTime() + patience.toNanos();
      var key = channel.register(selector, SelectionKey.OP_WRITE);
      send(channel, selector, key, "{\"ask\":\"" + what + "\"}\n", deadline);
      key.interestOps(SelectionKey.OP_READ);
      return receive(channel, selector, deadline);
    } catch (IOException e) {
      throw new NoAnswer(sentence(socket, e));
    }
  }

  private void send(
      SocketChannel channel, Selector selector, SelectionKey key, String line, long deadline)
      throws IOException, NoAnswer {
    var bytes = ByteBuffer.wrap(line.getBytes(StandardCharsets.UTF_8));
    if (!channel.isConnected()) {
      key.interestOps(SelectionKey.OP_CONNECT);
      await(selector, deadline);
      channel.finishConnect();
      key.interestOps(SelectionKey.OP_WRITE);
    }
    while (bytes.hasRemaining()) {
      await(selector, deadline);
      channel.write(bytes);
    }
  }

  private String receive(SocketChannel channel, Selector selector, long deadline)
      throws IOException, NoAnswer {
    var answer = new ByteArrayOutputStream();
    var chunk = ByteBuffer.allocate(65_536);
    while (true) {
      await(selector, deadline);
      int n = channel.read(chunk.clear());
      if (n > 0) {
        answer.write(chunk.array(), 0, n);
      }
      if (answer.size() > MAX_ANSWER) {
        throw new NoAnswer(
            "what answers in " + shown(directory) + " is not an agent: its answer is too long");
      }
      if (n < 0 || n > 0 && chunk.get(n - 1) == '\n') {
        return answer.toString(StandardCharsets.UTF_8).strip();
      }
    }
  }

  private void await(Selector selector, long deadline) throws IOException, NoAnswer {
    long millis = (deadline - System.nanoTime()) / 1_000_000;
    selector.selectedKeys().clear();
    if (millis <= 0 || selector.select(millis) == 0) {
      throw new NoAnswer(
          "the agent in "
              + shown(directory)
              + " does not answer within "
              + patience.toSeconds()
              + " s; it may be stopped or overloaded: see its log");
    }
  }

  /**
   * The agent's socket: in the directory itself, or in the part of it that the agent could make its
   * own.
   */
  private Path socket() throws NoAnswer {
    var places = new LinkedHashSet<>(List.of(StateDirectory.locate(directory), directory));
    places.add(directory.resolve("refork"));
    for (var place : places) {
      var socket = place.resolve(LocalRequests.SOCKET);
      try {
        Files.readAttributes(socket, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        return socket;
      } catch (NoSuchFileException e) {
        continue;
      } catch (AccessDeniedException e) {
        throw new NoAnswer(denied());
      } catch (IOException e) {
        throw new NoAnswer(sentence(socket, e));
      }
    }
    throw new NoAnswer(
        "no agent runs with the state directory "
            + shown(directory)
            + "; start one by 'refork run', or give its directory by --state-dir");
  }

  private String denied() {
    return "the agent in " + shown(directory) + " belongs to another user; ask as that user";
  }

  private String sentence(Path socket, IOException e) {
    var why = String.valueOf(e.getMessage());
    if (why.contains("refused")) {
      return "the agent in "
          + shown(directory)
          + " has ended and left its socket behind; start it again, or give another --state-dir";
    }
    if (why.contains("denied") || why.contains("permitted")) {
      return denied();
    }
    return "cannot ask the agent at " + shown(socket) + ": " + Escape.plain(why, Escape.MAX);
  }

  private static String shown(Path path) {
    return Escape.plain(path.toString(), Escape.MAX);
  }
}
