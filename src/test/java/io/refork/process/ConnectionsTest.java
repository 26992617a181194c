package io.refork.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** FORK-11: no process holds a connection that is another's, and nothing piles up. */
class ConnectionsTest {
  private static final int WORKERS = 3;
  private static final int GENERATIONS = 5;
  private static final int CONNECTIONS = 10_000;

  /** Far below any timeout that would close a connection which somebody forgot. */
  private static final int SOON = 1500;

  @ParameterizedTest(
      name =
          "FORK-11 {0}: end of file at once, descriptors constant over 10,000 connections and 5 generations")
  @ValueSource(strings = {"loop", "gthread", "sync"})
  void constant(String server) throws Exception {
    var builder = server.equals("loop") ? AgentProcess.loopApp() : AgentProcess.gunicornApp(server);
    try (var agent =
        builder
            .options("--workers", Integer.toString(WORKERS), "--refork-after", "off")
            .options("--canary-soak", "0s", "--kill-after", "1s")
            .start()) {
      agent.awaitReady(WORKERS);
      load(agent, 200);
      endsAtOnce(agent);
      var first = descriptors(agent);

      for (int generation = 1; generation <= GENERATIONS; generation++) {
        var kept = openOnEachWorker(agent, server);
        agent.signal("USR2");
        agent.awaitGeneration(WORKERS, generation);
        load(agent, CONNECTIONS / GENERATIONS);
        for (var socket : kept) {
          // Its worker is gone, so it is closed; a duplicate in a mold or sibling would keep it
          // open.
          assertThat(endsWithin(socket, SOON))
              .as("connection of generation " + (generation - 1))
              .isTrue();
          socket.close();
        }
      }
      endsAtOnce(agent);

      await("descriptors as at first: " + first)
          .atMost(AgentProcess.LONG)
          .untilAsserted(() -> assertThat(descriptors(agent)).isEqualTo(first));
    }
  }

  private static void load(AgentProcess agent, int connections) throws Exception {
    var load = Load.newConnections(agent.port(), "/", 4);
    await().atMost(AgentProcess.LONG).until(() -> load.requests() >= connections);
    assertThat(load.stop().failures()).isEmpty();
  }

  /** Kinds and numbers of the descriptors that the workers have, the mold's apart. */
  private static Set<String> descriptors(AgentProcess agent) {
    var found = new TreeSet<String>();
    var status = agent.awaitReady(WORKERS);
    for (var worker : status.list("workers")) {
      found.add("worker " + kinds(worker.integer("pid")));
    }
    found.add("mold " + kinds(status.object("mold").integer("pid")).size());
    return found;
  }

  private static List<String> kinds(int pid) {
    return Proc.descriptors(pid).stream()
        .map(d -> d.replaceFirst("^\\d+ ", "").replaceAll("\\[\\d+\\]|wgunicorn-\\S+", ""))
        .sorted()
        .toList();
  }

  /** A reply with {@code Connection: close}, then the end, from every worker. */
  private static void endsAtOnce(AgentProcess agent) throws IOException {
    var met = new HashSet<Integer>();
    for (int i = 0; i < 2000 && met.size() < WORKERS; i++) {
      try (var socket = new Socket("127.0.0.1", agent.port())) {
        met.add(pid(ask(socket, "Connection: close\r\n")));
        assertThat(endsWithin(socket, SOON)).isTrue();
      }
    }
    assertThat(met).hasSize(WORKERS);
  }

  /** Kept-alive connections, one at least of each worker where the server keeps them alive. */
  private static List<Socket> openOnEachWorker(AgentProcess agent, String server)
      throws IOException {
    var open = new ArrayList<Socket>();
    var met = new HashSet<Integer>();
    while (!server.equals("sync") && met.size() < WORKERS && open.size() < 100) {
      var socket = new Socket("127.0.0.1", agent.port());
      met.add(pid(ask(socket, "")));
      open.add(socket);
    }
    return open;
  }

  private static int pid(String body) {
    return Integer.parseInt(body.split(" ")[1]);
  }

  /** One request; its body, which ends with the generation's number. */
  private static String ask(Socket socket, String header) throws IOException {
    socket.setSoTimeout(10_000);
    socket
        .getOutputStream()
        .write(
            ("GET /pid HTTP/1.1\r\nHost: test\r\n" + header + "\r\n")
                .getBytes(StandardCharsets.US_ASCII));
    var in = socket.getInputStream();
    int length = -1;
    for (var line = line(in); !line.isEmpty(); line = line(in)) {
      if (line.toLowerCase(java.util.Locale.ROOT).startsWith("content-length:")) {
        length = Integer.parseInt(line.substring(15).strip());
      }
    }
    return new String(in.readNBytes(length), StandardCharsets.UTF_8);
  }

  private static String line(InputStream in) throws IOException {
    var line = new StringBuilder();
    for (int c = in.read(); c >= 0 && c != '\n'; c = in.read()) {
      if (c != '\r') {
        line.append((char) c);
      }
    }
    return line.toString();
  }

  private static boolean endsWithin(Socket socket, int millis) throws IOException {
    socket.setSoTimeout(millis);
    try {
      return socket.getInputStream().read() < 0;
    } catch (java.net.SocketTimeoutException e) {
      return false;
    }
  }
}
