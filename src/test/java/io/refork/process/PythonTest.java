package io.refork.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.refork.agent.linux.LinuxKernel;
import io.refork.agent.linux.Signal;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * PY: the Python shim under the real agent. Versions of gunicorn, its settings one by one and its
 * drains are src/test/python's.
 */
class PythonTest {
  private static final int BODY_KIB = 512;

  @ParameterizedTest(
      name = "PY-05 an application that raises while loading: its traceback once, exit code 1; {0}")
  @ValueSource(strings = {"loop", "gthread", "sync"})
  void raisesWhileLoading(String kind) {
    try (var agent = app(kind).env("APP_LOAD_RAISES", "no database here").start()) {
      assertThat(agent.exitCode(AgentProcess.LONG)).isEqualTo(1);
      assertThat(agent.lines("Traceback")).as(agent.log()).hasSize(1);
      assertThat(agent.lines("RuntimeError: no database here")).as(agent.log()).hasSize(1);
    }
  }

  @ParameterizedTest(name = "PY-06 refused by name: gunicorn {0}")
  @CsvSource({
    "-k gevent,gevent",
    "-k eventlet,eventlet",
    "--reload,--reload",
    "--daemon,--daemon",
    "--reuse-port,--reuse-port",
  })
  void refused(String arguments, String word) {
    var builder =
        AgentProcess.of(Apps.PYTHON, "-m", "refork", "gunicorn", "--chdir", Apps.directory());
    try (var agent =
        builder.command(arguments.split(" ")).command("wsgi_app:application").start()) {
      assertThat(agent.exitCode(AgentProcess.LONG)).isEqualTo(2);
      assertThat(agent.lines("^refork: .*" + word)).as(agent.log()).hasSize(1);
      assertThat(agent.lines("Traceback")).as(agent.log()).isEmpty();
    }
  }

  @Test
  @DisplayName(
      "PY-06 what the agent owns: one warning in its log that names both, and its own counts")
  void agentOwns() throws Exception {
    try (var agent =
        AgentProcess.gunicornApp("gthread", "--workers", "5", "--bind", "127.0.0.1:1")
            .options("--workers", "2")
            .start()) {
      agent.awaitReady(2);
      assertThat(Load.get(agent.port(), "/pid")).startsWith("pid ");
      assertThat(agent.lines("gunicorn's workers is 5.*--workers is 2")).as(agent.log()).hasSize(1);
      assertThat(agent.lines("gunicorn's bind is 127.0.0.1:1.*--listen is")).hasSize(1);
      assertThat(agent.stop()).isZero();
    }
  }

  @ParameterizedTest(
      name = "PY-08 a flood of CHLD and WINCH during accept, recv and send loses no request; {0}")
  @ValueSource(strings = {"loop", "gthread", "sync"})
  void signalFlood(String kind) throws Exception {
    try (var agent = app(kind).env("APP_HANDLERS", "yes").options("--workers", "2").start()) {
      agent.awaitReady(2);
      var pids = agent.workerPids();
      var failures = new ConcurrentLinkedQueue<String>();
      var done = new AtomicInteger();
      var clients = new ArrayList<Thread>();
      for (var i = 0; i < 3; i++) {
        clients.add(
            Thread.ofPlatform()
                .start(
                    () -> {
                      for (var n = 0; n < 15; n++) {
                        slowRequest(agent.port())
                            .ifPresentOrElse(failures::add, done::incrementAndGet);
                      }
                    }));
      }
      var over = new AtomicBoolean();
      var kernel = LinuxKernel.open();
      var flood =
          Thread.ofPlatform()
              .start(
                  () -> {
                    while (!over.get()) {
                      for (var pid : pids) {
                        kernel.kill(pid, Signal.CHLD);
                        kernel.kill(pid, Signal.WINCH);
                      }
                      LockSupport.parkNanos(100_000);
                    }
                  });
      for (var client : clients) {
        client.join(AgentProcess.LONG);
      }
      over.set(true);
      flood.join();
      assertThat(failures).isEmpty();
      assertThat(done).hasValue(45);
      assertThat(agent.workerPids()).as("the same workers").isEqualTo(pids);
    }
  }

  /**
   * Sent in pieces and read in pieces, so that signals meet accept, recv and send; what went wrong.
   */
  private static java.util.Optional<String> slowRequest(int port) {
    try (var socket = new Socket("127.0.0.1", port)) {
      socket.setSoTimeout(30_000);
      socket.setReceiveBufferSize(16 * 1024);
      var request = "GET /big/" + BODY_KIB + " HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
      for (var part :
          List.of(request.substring(0, 7), request.substring(7, 30), request.substring(30))) {
        socket.getOutputStream().write(part.getBytes(StandardCharsets.US_ASCII));
        LockSupport.parkNanos(3_000_000);
      }
      var reply = new StringBuilder();
      var buffer = new byte[32 * 1024];
      for (var n = socket.getInputStream().read(buffer);
          n >= 0;
          n = socket.getInputStream().read(buffer)) {
        reply.append(new String(buffer, 0, n, StandardCharsets.US_ASCII));
        LockSupport.parkNanos(1_000_000);
      }
      var body = reply.length() - reply.indexOf("\r\n\r\n") - 4;
      return reply.toString().startsWith("HTTP/1.1 200") && body == BODY_KIB * 1024
          ? java.util.Optional.empty()
          : java.util.Optional.of(
              String.format(Locale.ROOT, "%d bytes: %.40s", reply.length(), reply));
    } catch (IOException e) {
      return java.util.Optional.of(e.toString());
    }
  }

  private static AgentProcess.Builder app(String kind) {
    return kind.equals("loop") ? AgentProcess.loopApp() : AgentProcess.gunicornApp(kind);
  }
}
