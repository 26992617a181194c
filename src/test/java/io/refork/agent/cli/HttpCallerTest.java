package io.refork.agent.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.refork.agent.cli.HttpCaller.Reply;
import io.refork.agent.cli.HttpCaller.Target;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Replies as servers send them, byte by byte, and what a check takes them for. */
@Timeout(20)
class HttpCallerTest {
  private static final int SHORT_MILLIS = 300;

  /** What a server does with one connection whose request it has read. */
  private interface Answer {
    void to(OutputStream out) throws IOException, InterruptedException;
  }

  /**
   * The replies to one or more requests of one client to a server that closes each connection
   * behind its answer.
   */
  private static List<Reply> replies(Answer answer) throws IOException {
    return replies(answer, false, HttpCaller.PATIENCE_MILLIS, 2);
  }

  private static List<Reply> replies(Answer answer, boolean tls, int patienceMillis, int count)
      throws IOException {
    try (var server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      Thread.ofPlatform().daemon().start(() -> serve(server, answer));
      var target = new Target("127.0.0.1", server.getLocalPort(), tls, List.of());
      try (var caller = new HttpCaller(target, true, patienceMillis)) {
        return Stream.generate(() -> caller.get("/")).limit(count).toList();
      }
    }
  }

  private static void serve(ServerSocket server, Answer answer) {
    while (!server.isClosed()) {
      try (var socket = server.accept()) {
        socket.getInputStream().read(new byte[8192]);
        answer.to(socket.getOutputStream());
      } catch (IOException e) {
        // the client has left
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  private static Answer text(String reply) {
    return out -> out.write(reply.replace("\n", "\r\n").getBytes(StandardCharsets.ISO_8859_1));
  }

  /** The text again and again, until the client has had enough. */
  private static Answer drip(String head, String text) {
    return out -> {
      text(head).to(out);
      while (true) {
        text(text).to(out);
        Thread.sleep(20);
      }
    };
  }

  @ParameterizedTest(name = "a reply that never ends is given up in time: {0}")
  @CsvSource({
    "a header each, 'HTTP/1.1 200 OK\n', 'X-A: b\n', false",
    "a byte of a header each, 'HTTP/1.1 200 OK\nX-A: ', b, false",
    "interim replies, '', 'HTTP/1.1 100 Continue\n\n', false",
    "a TLS handshake, '', '\u0016\u0003\u0003', true",
  })
  void drips(String name, String head, String text, boolean tls) throws Exception {
    long begun = System.nanoTime();
    assertThat(replies(drip(head, text), tls, SHORT_MILLIS, 1))
        .allSatisfy(r -> assertThat(r).isInstanceOf(Reply.Lost.class));
    assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofSeconds(5));
  }

  @ParameterizedTest(name = "a body that never ends is an answer that is cut: {0}")
  @CsvSource({
    "chunks, 'HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n', '1\nx\n'",
    "trailers, 'HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n0\n', 'X: y\n'",
    "a long one, 'HTTP/1.1 200 OK\nContent-Length: 99999999\n\n', xxxx",
    "one without a length, 'HTTP/1.1 200 OK\n\n', xxxx",
  })
  void cut(String name, String head, String text) throws Exception {
    assertThat(replies(drip(head, text), false, SHORT_MILLIS, 1))
        .containsOnly(new Reply.Answered(200, true));
  }

  @Test
  @DisplayName("a head without end is not read to its end")
  void endless() throws Exception {
    var replies =
        replies(
            out -> {
              text("HTTP/1.1 200 OK\n").to(out);
              while (true) {
                text("X-A: b\n".repeat(1000)).to(out);
              }
            });
    assertThat(replies).containsOnly(new Reply.Lost("a head without end"));
  }

  @ParameterizedTest
  @DisplayName("a broken length is a broken reply")
  @ValueSource(strings = {"2, 2", "-1", "", "99999999999999999999"})
  void brokenLength(String length) throws Exception {
    assertThat(replies(text("HTTP/1.1 200 OK\nContent-Length: " + length + "\n\nok")))
        .containsOnly(new Reply.Lost("a broken content-length"));
  }

  @Test
  @DisplayName("a broken chunk is a broken reply")
  void brokenChunk() throws Exception {
    assertThat(replies(text("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n-5\n")))
        .containsOnly(new Reply.Lost("a broken chunk"));
  }

  @ParameterizedTest(name = "an answer that is whole: {0}")
  @CsvSource({
    "its end is the connection's, 'HTTP/1.1 200 OK\n\nhello'",
    "with a length, 'HTTP/1.1 200 OK\nContent-Length: 5\n\nhello'",
    "with chunks, 'HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\nhello\n0\n\n'",
    "HTTP/1.0, 'HTTP/1.0 200 OK\n\nhello'",
    "after interim ones, 'HTTP/1.1 100 Continue\n\nHTTP/1.1 103 Early Hints\nLink: x\n\nHTTP/1.1 200 OK\nContent-Length: 0\n\n'",
  })
  void whole(String name, String reply) throws Exception {
    assertThat(replies(text(reply))).containsOnly(new Reply.Answered(200, false));
  }

  @Test
  @DisplayName("a reply that ends too early is lost; none at all, too")
  void lost() throws Exception {
    assertThat(replies(text("HTTP/1.1 200 OK\nContent-Length: 6\n\nhello")))
        .containsOnly(new Reply.Lost("closed in the middle of a reply"));
    assertThat(replies(text(""))).containsOnly(new Reply.Lost("closed without a reply"));
  }

  @Test
  @DisplayName("what is no HTTP is told without waiting for the end of its line")
  void notHttp() throws Exception {
    Answer hello = out -> drip("+PONG", "x").to(out);
    assertThat(replies(hello)).containsOnly(new Reply.NotHttp(false));
    assertThat(replies(text("\u0015\u0003\u0003"))).containsOnly(new Reply.NotHttp(true));
  }
}
