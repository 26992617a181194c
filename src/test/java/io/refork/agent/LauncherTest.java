package io.refork.agent;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * bin/refork with a runtime that only tells what it was started with: the launcher's half of {@link
 * AppEnvironment}.
 */
class LauncherTest {
  private static final Path BUILT = Path.of(System.getProperty("refork.agent", "target/agent"));

  @TempDir Path folder;

  private Path launcher;

  private record Run(int exit, List<String> out) {
    Map<String, String> environment() {
      var result = new TreeMap<String, String>();
      out.stream()
          .filter(line -> line.startsWith("env "))
          .map(line -> line.substring(4).split("=", 2))
          .forEach(pair -> result.put(pair[0], pair[1]));
      return result;
    }

    long mask(String name) {
      var line = out.stream().filter(l -> l.startsWith(name + ":")).findFirst().orElseThrow();
      return Long.parseUnsignedLong(line.substring(name.length() + 1).strip(), 16);
    }
  }

  @BeforeEach
  void copyLauncher() throws IOException {
    assertThat(BUILT.resolve("bin/refork")).as("run make build first").exists();
    launcher = Files.createDirectories(folder.resolve("bin")).resolve("refork");
    Files.copy(BUILT.resolve("bin/refork"), launcher);
  }

  private void runtimeThatTells() throws IOException {
    var java = Files.createDirectories(folder.resolve("runtime/bin")).resolve("java");
    Files.writeString(
        java,
        """
        #!/bin/sh
        for argument; do echo "arg $argument"; done
        env | sed 's/^/env /'
        while read -r line; do echo "$line"; done </proc/self/status
        """);
    Files.setPosixFilePermissions(java, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private Run run(Map<String, String> environment, String... command) throws Exception {
    var builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().clear();
    builder.environment().put("PATH", "/usr/bin:/bin");
    builder.environment().putAll(environment);
    var process = builder.start();
    process.getOutputStream().close();
    var out = new String(process.getInputStream().readAllBytes()).lines().toList();
    assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
    return new Run(process.exitValue(), out);
  }

  @Test
  @DisplayName("the user's JVM and malloc settings are renamed, the agent's own are set")
  void environment() throws Exception {
    runtimeThatTells();
    var user =
        Map.of(
            "JAVA_TOOL_OPTIONS", "-Xmx1k -Da=b",
            "JDK_JAVA_OPTIONS", "--nonsense",
            "_JAVA_OPTIONS", "-Xint",
            "_JAVA_SR_SIGNUM", "12",
            "MALLOC_TRIM_THRESHOLD_", "1",
            "REFORK_JVM_OPTIONS", "-Xmx64m");
    assertThat(run(user, launcher.toString()).environment())
        .containsEntry("REFORK_APP_ENV_JAVA_TOOL_OPTIONS", "-Xmx1k -Da=b")
        .containsEntry("REFORK_APP_ENV_JDK_JAVA_OPTIONS", "--nonsense")
        .containsEntry("REFORK_APP_ENV__JAVA_OPTIONS", "-Xint")
        .containsEntry("REFORK_APP_ENV__JAVA_SR_SIGNUM", "12")
        .containsEntry("REFORK_APP_ENV_MALLOC_TRIM_THRESHOLD_", "1")
        .containsEntry("_JAVA_OPTIONS", "-Xmx64m")
        .containsEntry("_JAVA_SR_SIGNUM", "50")
        .containsEntry("MALLOC_ARENA_MAX", "1")
        .containsEntry("PATH", "/usr/bin:/bin")
        .doesNotContainKeys("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "MALLOC_TRIM_THRESHOLD_");
  }

  @Test
  @DisplayName(
      "what the launcher hides, AppEnvironment restores: the application's environment is the user's")
  void roundTrip() throws Exception {
    runtimeThatTells();
    var user =
        Map.of(
            "JAVA_TOOL_OPTIONS",
            "-Xmx1g",
            "MALLOC_ARENA_MAX",
            "8",
            "_JAVA_OPTIONS",
            "",
            "HOME",
            "/");
    var agents = run(user, launcher.toString()).environment();
    var shells = List.of("PWD", "OLDPWD", "SHLVL", "_");
    agents.keySet().removeAll(shells);
    var expected = new TreeMap<>(user);
    expected.put("PATH", "/usr/bin:/bin");
    assertThat(AppEnvironment.of(agents, true, Map.of())).isEqualTo(expected);
  }

  @Test
  @DisplayName("PID-06 signals are blocked, and none ignored, before the JVM starts")
  void signals() throws Exception {
    runtimeThatTells();
    var run = run(Map.of(), "/bin/sh", "-c", "trap '' HUP CHLD; exec " + launcher);
    var expected = 0L;
    for (int signal : new int[] {1, 2, 3, 10, 12, 15, 17, 21, 22, 28}) {
      expected |= 1L << (signal - 1);
    }
    assertThat(run.mask("SigBlk")).isEqualTo(expected);
    assertThat(run.mask("SigIgn") & expected).isZero();
  }

  @Test
  @DisplayName("a client command ends on Ctrl-C as any program does: its signals are not blocked")
  void clientSignals() throws Exception {
    runtimeThatTells();
    for (var command : List.of("status", "refork", "install", "check")) {
      assertThat(run(Map.of(), launcher.toString(), command).mask("SigBlk")).isZero();
    }
  }

  @Test
  @DisplayName("arguments arrive as they were given, also those that look like the JVM's")
  void arguments() throws Exception {
    runtimeThatTells();
    var given = List.of("run", "--", "@file", "-XX:+Nonsense", "", "a b", "*");
    var command = new String[given.size() + 1];
    command[0] = launcher.toString();
    Arrays.setAll(command, i -> i == 0 ? launcher.toString() : given.get(i - 1));
    var arguments =
        run(Map.of(), command).out().stream()
            .filter(l -> l.startsWith("arg "))
            .map(l -> l.substring(4))
            .toList();
    assertThat(arguments)
        .endsWith(given.toArray(String[]::new))
        .contains("-jar", "-Drefork.home=" + folder.toRealPath());
  }

  @Test
  @DisplayName("a launcher without its runtime says so in one sentence and exits 127")
  void withoutRuntime() throws Exception {
    var run = run(Map.of(), launcher.toString(), "run");
    assertThat(run.exit()).isEqualTo(127);
    assertThat(run.out())
        .singleElement()
        .asString()
        .contains("runtime/bin/java", "copy the agent's folder as a whole");
  }

  @Test
  @DisplayName("K8S-09 in an image without glibc the launcher says so in one sentence, exits 127")
  void withoutGlibc() throws Exception {
    runtimeThatTells();
    var java = folder.resolve("runtime/bin/java");
    // As glibc's programs look to musl: they ask for a loader that is not there.
    Files.writeString(java, "#!/lib/no-loader-of-that-name\n");
    var run = run(Map.of(), launcher.toString(), "run");
    assertThat(run.exit()).isEqualTo(127);
    assertThat(run.out()).singleElement().asString().contains("no glibc", "musl", "Alpine");
  }

  @Test
  @DisplayName(
      "the built folder runs from elsewhere, with closed standard streams and hostile JVM settings")
  void relocated() throws Exception {
    var elsewhere = folder.resolve("else where");
    assertThat(run(Map.of(), "cp", "-a", BUILT.toString(), elsewhere.toString()).exit()).isZero();
    var hostile =
        Map.of(
            "JAVA_TOOL_OPTIONS",
            "-Xmx1k",
            "JDK_JAVA_OPTIONS",
            "--nonsense",
            "REFORK_JVM_OPTIONS",
            "-XX:AOTMode=on");
    var run = run(hostile, "/bin/sh", "-c", "\"" + elsewhere + "/bin/refork\" --help 0<&-");
    assertThat(run.exit()).as("%s", run.out()).isZero();
  }
}
