package io.refork.operator.agents;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Whatever may answer on a pod's port: a real socket for all of 127.0.0.0/8, each address with a
 * behaviour of its own.
 */
final class HostileAgents implements AutoCloseable {
  private final ServerSocket server;
  private final Map<String, Behaviour> behaviours = new ConcurrentHashMap<>();
  private final Map<String, AtomicInteger> requests = new ConcurrentHashMap<>();

  /** What is done with a connection, when its request has been read. */
  interface Behaviour {
    void answer(Socket socket, OutputStream out) throws IOException, InterruptedException;
  }

  HostileAgents() {
    try {
      server = new ServerSocket();
      server.bind(new InetSocketAddress(InetAddress.ofLiteral("0.0.0.0"), 0), 512);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Thread.ofVirtual().start(this::accept);
  }

  int port() {
    return server.getLocalPort();
  }

  /** How many requests came to this address. */
  int requests(String ip) {
    return requests.computeIfAbsent(ip, x -> new AtomicInteger()).get();
  }

  void at(String ip, Behaviour behaviour) {
    behaviours.put(ip, behaviour);
  }

  static Behaviour json(byte[] body) {
    return (socket, out) -> {
      out.write(head(200, "application/json", body.length));
      out.write(body);
    };
  }

  static Behaviour status(int status, String headers) {
    return (socket, out) ->
        out.write(
            ("HTTP/1.1 " + status + " X\r\n" + headers + "Content-Length: 2\r\n\r\nno")
                .getBytes(StandardCharsets.US_ASCII));
  }

  static Behaviour raw(byte[] bytes) {
    return (socket, out) -> out.write(bytes);
  }

  static byte[] head(int status, String type, long length) {
    return ("HTTP/1.1 "
            + status
            + " X\r\nContent-Type: "
            + type
            + "\r\nContent-Length: "
            + length
            + "\r\n\r\n")
        .getBytes(StandardCharsets.US_ASCII);
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        var socket = server.accept();
        Thread.ofVirtual().start(() -> serve(socket));
      } catch (IOException e) {
        return;
      }
    }
  }

  private void serve(Socket socket) {
    try (socket) {
      var ip = socket.getLocalAddress().getHostAddress();
      requests.computeIfAbsent(ip, x -> new AtomicInteger()).incrementAndGet();
      read(socket);
      var behaviour = behaviours.get(ip);
      if (behaviour != null) {
        behaviour.answer(socket, socket.getOutputStream());
      }
    } catch (IOException e) {
      // the poller has had enough
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** The head and as much of the body as it announces. */
  private static void read(Socket socket) throws IOException {
    var in = socket.getInputStream();
    var head = new StringBuilder();
    while (head.indexOf("\r\n\r\n") < 0) {
      int c = in.read();
      if (c < 0) {
        throw new IOException("no request");
      }
      head.append((char) c);
    }
    var text = head.toString().toLowerCase(java.util.Locale.ROOT);
    int at = text.indexOf("content-length:");
    if (at >= 0) {
      var length = text.substring(at + 15, text.indexOf('\r', at)).strip();
      in.readNBytes(Integer.parseInt(length));
    }
  }

  @Override
  public void close() {
    try {
      server.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
