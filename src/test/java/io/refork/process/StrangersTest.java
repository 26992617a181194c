package io.refork.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.InputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** FORK-12: who connects to the mold socket and has no business there. */
class StrangersTest {
  private static final long MIB = 1 << 20;

  @TempDir Path dir;

  private AgentProcess start(int workers) {
    return AgentProcess.of(Apps.PYTHON, Apps.path("fork_faults.py"))
        .env("APP_SPAWN_FAULT", dir.resolve("fault").toString())
        .options("--workers", Integer.toString(workers), "--refork-after", "off")
        .start();
  }

  /** What the agent answers a foreign process: this test. Ends when the agent hangs up. */
  private static String say(AgentProcess agent, byte[] bytes) throws IOException {
    try (var channel = connect(agent)) {
      try {
        var rest = ByteBuffer.wrap(bytes);
        while (rest.hasRemaining()) {
          channel.write(rest);
        }
      } catch (IOException e) {
        // It hung up before the end: the answer may still be there.
      }
      return new String(readAll(Channels.newInputStream(channel)), StandardCharsets.UTF_8);
    }
  }

  private static byte[] readAll(InputStream in) {
    var all = new java.io.ByteArrayOutputStream();
    try {
      in.transferTo(all);
    } catch (IOException e) {
      // reset: it hung up while something of ours was not read
    }
    return all.toByteArray();
  }

  private static SocketChannel connect(AgentProcess agent) throws IOException {
    var channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    channel.connect(UnixDomainSocketAddress.of(agent.stateDir().resolve("mold.sock")));
    return channel;
  }

  private static byte[] line(String json) {
    return (json + "\n").getBytes(StandardCharsets.UTF_8);
  }

  private static String hello(String role, long pid, String more) {
    return "{\"type\":\"hello\",\"protocol\":1,\"role\":\"%s\",\"pid\":%d%s,\"language\":\"x\",\"shim\":\"x\"}"
        .formatted(role, pid, more);
  }

  private static int turnedAway(AgentProcess agent) {
    return agent.status().object("counters").integer("connectionsTurnedAway");
  }

  @Test
  @DisplayName("FORK-12 a foreign process, garbage, and long lines are turned away and counted")
  void foreign() throws Exception {
    try (var agent = start(2)) {
      agent.awaitReady(2);
      var before = agent.workerPids();
      long self = ProcessHandle.current().pid();

      assertThat(say(agent, line(hello("mold", self, "")))).contains("unknown-process");
      assertThat(say(agent, line(hello("mold", before.getFirst(), ""))))
          .contains("unknown-process");
      assertThat(say(agent, line(hello("worker", self, ",\"spawn\":\"0.a\""))))
          .contains("unknown-spawn");
      assertThat(say(agent, line(hello("mold", self, ",\"spawn\":\"0.a\""))))
          .contains("unknown-spawn");
      assertThat(say(agent, line("{\"type\":\"ready\"}"))).contains("unexpected");
      assertThat(say(agent, line("{\"type\":\"reign\"}"))).contains("unknown-type");
      assertThat(say(agent, line("not JSON"))).contains("malformed");
      assertThat(say(agent, line("null"))).contains("malformed");
      assertThat(say(agent, "\n".repeat((int) MIB).getBytes(StandardCharsets.UTF_8)))
          .contains("too-long");
      assertThat(say(agent, line("[".repeat(4000)))).contains("malformed");
      assertThat(say(agent, new byte[] {0, (byte) 0xff, 13, '\n'})).contains("malformed");
      assertThat(say(agent, new byte[(int) MIB])).contains("too-long");
      assertThat(say(agent, line("{\"type\":\"" + "x".repeat((int) MIB)))).contains("too-long");

      assertThat(turnedAway(agent)).isEqualTo(13);
      await("the metric, which is made anew every few seconds")
          .atMost(AgentProcess.LONG)
          .until(() -> agent.metric("refork_connections_turned_away_total") == 13);
      assertThat(agent.lines("connection turned away")).isNotEmpty();
      assertThat(agent.workerPids()).isEqualTo(before);
      assertThat(Load.get(agent.port(), "/pid")).startsWith("pid ");
    }
  }

  @Test
  @EnabledIf("isRoot")
  @DisplayName("FORK-12 another user's process is turned away even where the directory lets it in")
  void otherUser() throws Exception {
    try (var agent = start(2)) {
      agent.awaitReady(2);
      var everybody = PosixFilePermissions.fromString("rwxrwxrwx");
      var socket = agent.stateDir().resolve("mold.sock");
      Files.setPosixFilePermissions(agent.stateDir(), everybody);
      Files.setPosixFilePermissions(socket, everybody);
      var other =
          new ProcessBuilder(
                  Apps.PYTHON,
                  "-c",
                  "import os, socket, sys; os.setuid(65534); s = socket.socket(socket.AF_UNIX);"
                      + " s.connect(sys.argv[1]); print('got', s.recv(1))",
                  socket.toString())
              .redirectErrorStream(true)
              .start();
      assertThat(new String(other.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
          .contains("got b''");
      assertThat(agent.awaitLine("connection turned away")).contains("the user 65534");
      assertThat(turnedAway(agent)).isOne();
    }
  }

  static boolean isRoot() {
    return System.getProperty("user.name").equals("root");
  }

  @Test
  @DisplayName(
      "FORK-12 a worker or its orphan that claims another's spawn id does not get its place")
  void claims() throws Exception {
    try (var agent = start(2)) {
      var first = agent.awaitReady(2);
      int mold = first.object("mold").integer("pid");
      int victim = first.list("workers").getFirst().integer("pid");
      int other = first.list("workers").get(1).integer("pid");
      Files.writeString(dir.resolve("fault"), "newborn-hangs");
      Proc.kill(victim, "KILL");
      var name =
          await("the hanging newborn")
              .atMost(AgentProcess.LONG)
              .until(
                  () ->
                      Proc.children(agent.pid()).stream()
                          .map(Proc::comm)
                          .filter(c -> c.startsWith("rf:"))
                          .findFirst()
                          .orElse(""),
                  c -> !c.isEmpty() && !Files.exists(dir.resolve("fault")));
      var id = name.substring("rf:".length());

      assertThat(Load.get(agent.port(), "/claim/" + id)).contains("error");
      assertThat(Load.get(agent.port(), "/claim-as-mold/" + id)).contains("error");
      assertThat(Load.get(agent.port(), "/claim-as-orphan/" + id)).contains("unknown-spawn");

      assertThat(turnedAway(agent)).isEqualTo(3);
      var after = agent.awaitReady(2);
      assertThat(after.object("mold").integer("pid")).isEqualTo(mold);
      assertThat(after.list("workers").get(1).integer("pid")).isEqualTo(other);
    }
  }

  @ParameterizedTest(name = "FORK-12 a worker that does {0} to the agent is replaced, only it")
  @ValueSource(strings = {"babble", "hang-up"})
  void brokenConversation(String what) throws Exception {
    try (var agent = start(3)) {
      var first = agent.awaitReady(3);
      int pid = Integer.parseInt(Load.get(agent.port(), "/" + what).split(" ")[1]);
      agent.awaitLine("worker exited .*pid=" + pid + " .*reason=crashed");
      var after = agent.awaitReady(3);
      assertThat(agent.workerPids())
          .doesNotContain(pid)
          .containsAll(
              first.list("workers").stream()
                  .map(w -> w.integer("pid"))
                  .filter(p -> p != pid)
                  .toList());
      assertThat(after.object("mold").integer("pid"))
          .isEqualTo(first.object("mold").integer("pid"));
    }
  }

  @Test
  @DisplayName("FORK-12 a thousand silent connections keep no newborn out and cost no memory")
  void flood() throws Exception {
    var open = new ArrayList<SocketChannel>();
    try (var agent = start(2)) {
      var first = agent.awaitReady(2);
      long before = memory(agent);
      int descriptors = Proc.descriptors(agent.pid()).size();
      for (int i = 0; i < 1000; i++) {
        open.add(connect(agent));
      }
      await("all have been looked at")
          .atMost(AgentProcess.LONG)
          .until(() -> turnedAway(agent) >= 900);
      assertThat(Proc.descriptors(agent.pid())).hasSizeLessThan(descriptors + 100);
      long during = memory(agent);

      // The places of strangers are all taken now: the newborn gets one nevertheless.
      int victim = first.list("workers").getFirst().integer("pid");
      var begun = System.nanoTime();
      Proc.kill(victim, "KILL");
      agent.awaitStatus(
          "replaced",
          s ->
              s.list("workers").stream().allMatch(w -> w.text("state").equals("ready"))
                  && s.list("workers").getFirst().integer("pid") != victim);
      assertThat((System.nanoTime() - begun) / 1e9).as("seconds").isLessThan(4);
      assertThat(agent.lines("gives up")).isEmpty();

      await("silent ones are closed")
          .atMost(AgentProcess.LONG)
          .until(() -> turnedAway(agent) == 1000);
      assertThat(Proc.descriptors(agent.pid())).hasSizeLessThan(descriptors + 10);
      assertThat(during - before).as("bytes").isLessThan(4 * MIB);
      assertThat(agent.awaitReady(2).object("mold").integer("pid"))
          .isEqualTo(first.object("mold").integer("pid"));
    } finally {
      for (var channel : open) {
        channel.close();
      }
    }
  }

  /** Private bytes of the agent. */
  private static long memory(AgentProcess agent) {
    return List.of("Private_Dirty", "Private_Clean").stream()
        .mapToLong(f -> Proc.smaps(agent.pid(), f))
        .sum();
  }
}
