package io.refork.agent.http;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.refork.agent.http.Routes.Decision;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Over real sockets: what one client does or finds costs that client only. */
class HttpListenerTest {
  private static final Reply OK = Reply.text(200, "ok");

  private final AtomicInteger abandoned = new AtomicInteger();
  private final Lane lane = new Lane("test-lane", 4, Reply.text(503, "busy"));
  private volatile Function<byte[], Reply> work = body -> OK;
  private volatile Function<Head, Decision> other = head -> new Decision.Answer(OK);
  private HttpListener listener;

  @BeforeEach
  void start() throws IOException {
    var routes =
        new Routes() {
          @Override
          public Optional<Reply> door(Head.Line line, Head.Peer peer) {
            return Optional.empty();
          }

          @Override
          public Decision decide(Head head) {
            return head.line().path().equals("/work")
                ? new Decision.Work(lane, body -> work.apply(body), abandoned::incrementAndGet)
                : other.apply(head);
          }
        };
    listener = HttpListener.start(new InetSocketAddress("127.0.0.1", 0), routes);
  }

  @AfterEach
  void stop() {
    listener.close();
    lane.close();
  }

  private Socket connect() throws IOException {
    var socket = new Socket("127.0.0.1", listener.port());
    socket.setSoTimeout(10_000);
    return socket;
  }

  private static void send(Socket socket, String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(US_ASCII));
  }

  /** Everything until the listener hangs up. */
  private static String rest(Socket socket) {
    try {
      return new String(socket.getInputStream().readAllBytes(), US_ASCII);
    } catch (IOException reset) {
      return "reset";
    }
  }

  private String ask(String path, String fields) throws IOException {
    try (var socket = connect()) {
      send(socket, "GET " + path + " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n");
      return rest(socket);
    }
  }

  private void assertAnswers() throws IOException {
    assertThat(ask("/", "Connection: close\r\n")).startsWith("HTTP/1.1 200 ");
  }

  @Test
  @DisplayName(
      "TOK-14 a body that is larger than any that is wanted is refused unread, on each route")
  void largeBody() throws IOException {
    for (var length : new String[] {"32769", "999999999", "99999999999999999999"}) {
      assertThat(ask("/work", "Content-Length: " + length + "\r\n")).startsWith("HTTP/1.1 413 ");
    }
    assertThat(abandoned).hasValue(3);
    assertAnswers();
  }

  @Test
  @DisplayName("TOK-18 half a body is cut off and abandoned once")
  void halfBody() throws IOException {
    assertThat(ask("/work", "Content-Length: 9\r\n")).startsWith("HTTP/1.1 408 ");
    assertThat(abandoned).hasValue(1);
    assertAnswers();
  }

  @Test
  @DisplayName("TOK-18 who goes on sending after a refusal is cut off after 64 KiB")
  void lingering() throws IOException {
    try (var socket = connect()) {
      send(socket, "GET /work HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n");
      var junk = new byte[16 * 1024];
      int sent = 0;
      try {
        while (sent < 1 << 28) {
          socket.getOutputStream().write(junk);
          sent += junk.length;
        }
      } catch (IOException cut) {
        // as it should be
      }
      // What the kernel holds in both directions is some MiB; a second of reading is hundreds.
      assertThat(sent).isLessThan(32 << 20);
    }
    assertAnswers();
  }

  @Test
  @DisplayName("a defect that a request finds costs its client only, at each step of it")
  void defects() throws IOException {
    Runnable[] defects = {
      () -> {
        throw new IllegalStateException("a defect");
      },
      () -> {
        throw new OutOfMemoryError("played");
      },
      () -> {
        throw new StackOverflowError("played");
      }
    };
    for (var defect : defects) {
      other =
          head -> {
            if (head.line().path().equals("/defect")) {
              defect.run();
            }
            return new Decision.Answer(OK);
          };
      // At once, and as the next request of one whose answer came from a lane.
      assertThat(ask("/defect", "")).doesNotContain("HTTP/1.1");
      try (var socket = connect()) {
        send(
            socket, "GET /work HTTP/1.1\r\nHost: x\r\n\r\nGET /defect HTTP/1.1\r\nHost: x\r\n\r\n");
        rest(socket);
      }
      assertAnswers();
    }
  }

  @Test
  @DisplayName("an abandoned request that finds a defect by its end costs its client only")
  void defectWhenLate() throws IOException {
    other =
        head ->
            head.line().path().equals("/late")
                ? new Decision.Work(
                    lane,
                    body -> OK,
                    () -> {
                      abandoned.incrementAndGet();
                      throw new IllegalStateException("a defect");
                    })
                : new Decision.Answer(OK);
    try (var socket = connect()) {
      send(socket, "GET /late HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n");
      assertThat(rest(socket)).doesNotContain("HTTP/1.1");
      assertThat(abandoned).hasValue(1);
      assertAnswers();
    }
  }
}
