package io.refork.agent.control;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.refork.agent.config.HostPort;
import io.refork.agent.control.Status.Phase;
import io.refork.agent.log.Log;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class ControlServerTest {
  private final AtomicReference<Status> status = new AtomicReference<>(Statuses.booting());
  private final AtomicLong lastTurn = new AtomicLong(System.nanoTime());
  private volatile Runnable beforeStatus = () -> {};
  private ControlServer server;

  @BeforeEach
  void start() throws IOException {
    server =
        ControlServer.start(
            new HostPort("127.0.0.1", 0),
            () -> {
              beforeStatus.run();
              return status.get();
            },
            lastTurn::get,
            unsteered());
  }

  private static ControlServer.Steering unsteered() {
    return new ControlServer.Steering(
        Optional.empty(),
        "pod",
        body -> {
          throw new AssertionError("nobody has a key");
        },
        Log.start(Log.Format.TEXT, line -> {}));
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private String ask(String method, String path) throws IOException {
    try (var socket = new Socket("127.0.0.1", server.port())) {
      socket.setSoTimeout(5000);
      socket
          .getOutputStream()
          .write(
              (method + " " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                  .getBytes(US_ASCII));
      var answer = new String(socket.getInputStream().readAllBytes(), US_ASCII);
      var code = answer.substring(9, 12);
      return code + " " + answer.substring(answer.indexOf("\r\n\r\n") + 4).strip();
    }
  }

  @Test
  @DisplayName("probes follow the pool: starting, ready, not ready while stopping")
  void probes() throws IOException {
    assertThat(ask("GET", "/startupz")).isEqualTo("503 starting");
    assertThat(ask("GET", "/readyz")).isEqualTo("503 unready");
    status.set(Statuses.serving(8));
    assertThat(ask("GET", "/startupz")).isEqualTo("200 started");
    assertThat(ask("GET", "/readyz?verbose")).isEqualTo("200 ready");
    status.set(Statuses.with(Statuses.serving(8), false, Phase.STOPPING));
    assertThat(ask("GET", "/startupz")).isEqualTo("200 started");
    assertThat(ask("GET", "/readyz")).isEqualTo("503 unready");
  }

  @Test
  @DisplayName("liveness fails only when the loop has been stuck for long")
  void liveness() throws IOException {
    lastTurn.set(System.nanoTime() - TimeUnit.SECONDS.toNanos(20));
    assertThat(ask("GET", "/livez")).isEqualTo("200 live");
    lastTurn.set(System.nanoTime() - ControlServer.STUCK.toNanos() - 1);
    assertThat(ask("GET", "/livez")).isEqualTo("503 stuck");
  }

  @Test
  @DisplayName("metrics come as Prometheus text")
  void metrics() throws IOException {
    status.set(Statuses.serving(8));
    assertThat(ask("GET", "/metrics")).startsWith("200 ").contains("refork_workers_desired 8.0");
  }

  @Test
  @DisplayName("other paths and methods get constant answers")
  void others() throws IOException {
    for (var path :
        new String[] {"/", "/readyz/", "/readyz/../metrics", "/%72eadyz", "/v1/desired/"}) {
      assertThat(ask("GET", path)).isEqualTo("404 not found");
    }
    for (var method : new String[] {"POST", "PUT", "DELETE", "OPTIONS", "HEAD"}) {
      assertThat(ask(method, "/readyz")).isEqualTo("405 method not allowed");
    }
    assertThat(ask("get", "/readyz")).isEqualTo("400 bad request");
    assertThat(ask("GET", "/v1/desired")).isEqualTo("405 method not allowed");
    assertThat(ask("PUT", "/v1/desired")).isEqualTo("403 this pod has no key");
  }

  @Test
  @DisplayName("probes answer while scrapes hang and silent clients hold connections")
  void starvation() throws Exception {
    var release = new CountDownLatch(1);
    var inScrape = new CountDownLatch(1);
    beforeStatus =
        () -> {
          if (Thread.currentThread().getName().equals("refork-metrics")) {
            inScrape.countDown();
            try {
              release.await(20, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          }
        };
    var sockets = new ArrayList<Socket>();
    try {
      for (int i = 0; i < 8; i++) {
        var socket = new Socket("127.0.0.1", server.port());
        socket
            .getOutputStream()
            .write("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(US_ASCII));
        sockets.add(socket);
      }
      for (int i = 0; i < 50; i++) {
        sockets.add(new Socket("127.0.0.1", server.port()));
      }
      assertThat(inScrape.await(5, TimeUnit.SECONDS)).isTrue();
      assertThat(ask("GET", "/livez")).isEqualTo("200 live");
      assertThat(ask("GET", "/readyz")).isEqualTo("503 unready");
      assertThat(ask("GET", "/metrics")).isEqualTo("503 busy");
    } finally {
      release.countDown();
      for (var socket : sockets) {
        socket.close();
      }
    }
  }

  @Test
  @DisplayName("TOK-14 a body where none is wanted is refused unread")
  void bodies() throws IOException {
    for (var path : new String[] {"/metrics", "/livez", "/nowhere"}) {
      for (var length : new String[] {"1", "999999999"}) {
        try (var socket = new Socket("127.0.0.1", server.port())) {
          socket.setSoTimeout(5000);
          var head = "GET " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + length;
          socket.getOutputStream().write((head + "\r\n\r\n").getBytes(US_ASCII));
          assertThat(new String(socket.getInputStream().readAllBytes(), US_ASCII))
              .startsWith("HTTP/1.1 413 ")
              .contains("Connection: close");
        }
      }
    }
  }

  @Test
  @DisplayName("TOK-12 another method is refused as such, also with a body")
  void bodyOfAnotherMethod() throws IOException {
    for (var path : new String[] {"/metrics", "/v1/desired"}) {
      try (var socket = new Socket("127.0.0.1", server.port())) {
        socket.setSoTimeout(5000);
        var head = "POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n";
        socket.getOutputStream().write(head.getBytes(US_ASCII));
        assertThat(new String(socket.getInputStream().readAllBytes(), US_ASCII))
            .startsWith("HTTP/1.1 405 ")
            .contains("Connection: close");
      }
    }
  }

  @Test
  @DisplayName("TOK-19 a flood of scrapes makes few texts, and everybody gets one")
  void scrapes() throws IOException {
    var made = new AtomicLong();
    beforeStatus =
        () -> {
          if (Thread.currentThread().getName().equals("refork-metrics")) {
            made.incrementAndGet();
          }
        };
    assertThat(ask("GET", "/metrics")).startsWith("200 ");
    long each = made.getAndSet(0);
    long begun = System.nanoTime();
    for (int i = 0; i < 60; i++) {
      assertThat(ask("GET", "/metrics")).startsWith("200 ").contains("refork_workers_desired");
    }
    long allowed = 10 + 5 * (1 + (System.nanoTime() - begun) / 1_000_000_000);
    assertThat(made.get()).isBetween(1L, each * Math.min(59, allowed));
  }

  @Test
  @DisplayName("a client that sends half a request is cut off")
  void slowClient() throws IOException {
    try (var socket = new Socket("127.0.0.1", server.port())) {
      socket.setSoTimeout(15_000);
      socket.getOutputStream().write("GET /livez HTTP/1.1\r\nHos".getBytes(US_ASCII));
      int end;
      try {
        end = socket.getInputStream().read();
      } catch (java.net.SocketException reset) {
        end = -1;
      }
      assertThat(end).isEqualTo(-1);
    }
  }

  @Test
  @DisplayName("a port in use is named together with its holder")
  void portInUse() throws IOException {
    try (var taken = new ServerSocket(0, 1, java.net.InetAddress.getLoopbackAddress())) {
      var address = new HostPort("127.0.0.1", taken.getLocalPort());
      assertThatThrownBy(
              () -> ControlServer.start(address, status::get, lastTurn::get, unsteered()))
          .hasMessage(
              "cannot listen on "
                  + address
                  + " for --control: Address already in use (held by pid "
                  + ProcessHandle.current().pid()
                  + " (java)); give another HOST:PORT");
    }
  }
}
