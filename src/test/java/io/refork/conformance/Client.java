package io.refork.conformance;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;

/**
 * A client of the service under test: one connection, one request, everything until the end of
 * file.
 */
final class Client {
  private static final int TIMEOUT_MILLIS = 60_000;

  private Client() {}

  /**
   * What a client has seen.
   *
   * @param problem empty, or why there was no whole reply
   */
  record Reply(String firstLine, int bytes, String problem) {
    /** Something came back, and the connection was closed properly afterwards. */
    boolean whole() {
      return problem.isEmpty() && bytes > 0;
    }

    @Override
    public String toString() {
      return whole() ? "\"" + firstLine + "\"" : bytes + " bytes, " + problem;
    }
  }

  static CompletableFuture<Reply> ask(int port, String path) {
    var reply = new CompletableFuture<Reply>();
    Thread.ofPlatform().daemon().start(() -> reply.complete(request(port, path)));
    return reply;
  }

  private static Reply request(int port, String path) {
    var got = new StringBuilder();
    try (var socket = new Socket()) {
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), TIMEOUT_MILLIS);
      socket.setSoTimeout(TIMEOUT_MILLIS);
      socket
          .getOutputStream()
          .write(
              ("GET " + path + " HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                  .getBytes(StandardCharsets.US_ASCII));
      var in = socket.getInputStream();
      for (var c = in.read(); c >= 0; c = in.read()) {
        got.append((char) c);
      }
      return new Reply(firstLine(got), got.length(), got.isEmpty() ? "end of file" : "");
    } catch (IOException e) {
      return new Reply(firstLine(got), got.length(), e.toString());
    }
  }

  private static String firstLine(StringBuilder text) {
    return text.toString().lines().findFirst().orElse("");
  }
}
