package io.refork.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code refork check -- COMMAND} on real applications: does it tell the truth? */
class CheckCommandTest {
  @TempDir private Path directory;

  /** What a check said of the application, and how it ended. */
  private record Said(int code, String rows, String errors) {
    /** The row of that name with its advice. */
    String row(String what) {
      var lines = rows.lines().toList();
      for (int i = 0; i < lines.size(); i++) {
        if (lines.get(i).substring(Math.min(8, lines.get(i).length())).startsWith(what + " ")) {
          boolean advised = i + 1 < lines.size() && lines.get(i + 1).contains("→");
          return lines.get(i).strip() + (advised ? " " + lines.get(i + 1).strip() : "");
        }
      }
      return "";
    }
  }

  private Process start(Map<String, String> environment, List<String> options, String... command)
      throws IOException {
    var line = new ArrayList<>(List.of("target/agent/bin/refork", "check", "--load", "700ms"));
    line.addAll(options);
    line.add("--");
    line.addAll(List.of(command));
    var builder = new ProcessBuilder(line);
    builder.environment().putAll(environment);
    builder.redirectOutput(directory.resolve("out").toFile());
    builder.redirectError(directory.resolve("err").toFile());
    return builder.start();
  }

  private Said check(Map<String, String> environment, List<String> options, String... command)
      throws IOException, InterruptedException {
    var process = start(environment, options, command);
    try {
      assertThat(process.waitFor(AgentProcess.LONG.toSeconds(), TimeUnit.SECONDS)).isTrue();
    } finally {
      process.destroy(); // which ends its agent
    }
    var rows = Files.readString(directory.resolve("out"));
    return new Said(
        process.exitValue(),
        rows.substring(Math.max(0, rows.indexOf("\napplication:"))),
        Files.readString(directory.resolve("err")));
  }

  private Said loop(Map<String, String> environment, String... options)
      throws IOException, InterruptedException {
    return check(environment, List.of(options), Apps.PYTHON, Apps.path("loop_app.py"));
  }

  @Test
  @DisplayName("a healthy application is reforked under load without a failed request: exit code 0")
  void healthy() throws Exception {
    var said =
        check(
            Map.of(),
            List.of("--path", "/pid", "--path", "/nothing", "--path", "/cache/20"),
            Apps.PYTHON,
            "-m",
            "refork",
            "gunicorn",
            "--threads=2",
            "--chdir",
            Apps.directory(),
            "wsgi_app:application");
    assertThat(said.code()).as(said.rows() + said.errors()).isZero();
    assertThat(said.row("requests")).startsWith("ok").contains(" 0 failed", "× 404 /nothing");
    assertThat(said.row("threads")).startsWith("ok").contains("none");
    assertThat(said.row("refork")).startsWith("ok").contains("became the mold");
    assertThat(said.row("memory")).startsWith("ok").contains("before", "shared");
    assertThat(said.rows()).doesNotContain("fail ").doesNotContain("warn ");
    assertThat(said.rows().lines().count()).as("fits a screen").isLessThan(25);
  }

  @Test
  @DisplayName(
      "FORK-10 PY-06 a thread and a connection of load time are named, the connection with its peer: exit code 1")
  void loadTime() throws Exception {
    try (var database = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      var peer = "127.0.0.1:" + database.getLocalPort();
      var said =
          check(
              Map.of(
                  "APP_LOAD_THREAD", "APScheduler",
                  "APP_DATABASE", peer,
                  // settings of a pool that a trial must not have
                  "REFORK_LOG_FORMAT", "json",
                  "REFORK_SHUTDOWN_DELAY", "1h",
                  "REFORK_MAX_REQUESTS", "3",
                  "REFORK_CONTROL_KEYS", "/no/such/file",
                  "REFORK_POD_UID", "1"),
              List.of(),
              Apps.PYTHON,
              Apps.path("careless_app.py"));
      assertThat(said.code()).as(said.rows() + said.errors()).isEqualTo(1);
      assertThat(said.row("load-threads"))
          .startsWith("warn")
          .contains("thread 'APScheduler'", "after_fork", "docs/recipes.md");
      assertThat(said.row("shared socket")).startsWith("fail").contains(peer, "after_fork");
      assertThat(said.row("refork")).as("the refork itself works").startsWith("ok");
    }
  }

  @ParameterizedTest(name = "GEN-06 what makes a worker refuse is named: {0}")
  @CsvSource({
    "/thread/flusher, refused: threads, thread 'flusher', before_promote",
    "/child, refused: children, (refork w, before_promote",
    "/write, refused: descriptors, FILE, before_promote",
    "/unsafe/licence, refused: not-fork-safe, licence, says so itself",
  })
  void refused(String path, String reason, String detail, String advice) throws Exception {
    var file = directory.resolve("shop.db").toString();
    Files.createFile(Path.of(file));
    var said =
        check(
            Map.of("APP_WRITE", file),
            List.of("--path", path),
            Apps.PYTHON,
            Apps.path("loop_app.py"));
    assertThat(said.code()).as(said.rows() + said.errors()).isEqualTo(1);
    assertThat(said.row("refork"))
        .startsWith("fail")
        .contains(reason, detail.replace("FILE", file), advice);
    assertThat(said.row("requests")).startsWith("ok");
    if (path.equals("/child")) {
      assertThat(said.row("children")).startsWith("warn").contains("(refork w");
    }
  }

  @Test
  @DisplayName("replies of 500 are a warning, requests without a reply a failure")
  void failing() throws Exception {
    var errors = loop(Map.of(), "--path", "/status/500");
    assertThat(errors.row("requests")).startsWith("warn").contains("× 500 /status/500");
    assertThat(errors.code()).as(errors.rows() + errors.errors()).isZero();

    var lost = loop(Map.of(), "--path", "/pid", "--path", "/no-reply");
    assertThat(lost.row("requests"))
        .startsWith("fail")
        .contains("/no-reply: closed without a reply", "without a refork");
    assertThat(lost.row("refork")).as("it was not the refork").startsWith("ok");
    assertThat(lost.code()).isEqualTo(1);
  }

  @Test
  @DisplayName("what is no HTTP is reforked without load, and that is said")
  void notHttp() throws Exception {
    var said = check(Map.of(), List.of(), Apps.PYTHON, "src/test/python/apps/echo.py");
    assertThat(said.row("requests")).startsWith("warn").contains("does not speak HTTP");
    assertThat(said.row("refork")).startsWith("ok");
    assertThat(said.code()).as(said.rows() + said.errors()).isZero();
  }

  @Test
  @DisplayName("what does not start is told by its own words on standard error: exit code 1")
  void doesNotStart() throws Exception {
    var said = loop(Map.of("APP_LOAD_RAISES", "no database here"));
    assertThat(said.code()).isEqualTo(1);
    assertThat(said.row("start")).startsWith("fail").contains("ended with code 1");
    assertThat(said.errors()).contains("RuntimeError: no database here");
    assertThat(said.rows()).doesNotContain("refork  ");
  }

  @Test
  @DisplayName("a check that is ended takes its agent and the application with it")
  void ended() throws Exception {
    var process = start(Map.of(), List.of("--path", "/pid"), Apps.PYTHON, Apps.path("loop_app.py"));
    try {
      var agent =
          await()
              .atMost(AgentProcess.LONG)
              .until(
                  () -> process.toHandle().descendants().filter(p -> workers(p) > 0).findFirst(),
                  java.util.Optional::isPresent)
              .orElseThrow();
      var all = agent.descendants().toList();
      process.destroy();
      await().atMost(AgentProcess.LONG).until(() -> !agent.isAlive());
      assertThat(all).noneMatch(ProcessHandle::isAlive);
    } finally {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
  }

  private static long workers(ProcessHandle agent) {
    return agent.children().filter(p -> comm(p).startsWith("refork w")).count();
  }

  private static String comm(ProcessHandle process) {
    try {
      return Files.readString(
          Path.of("/proc/" + process.pid() + "/comm"), StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      return "";
    }
  }
}
