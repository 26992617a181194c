package io.refork.agent;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AppEnvironmentTest {
  private static final Map<String, String> NOTHING = Map.of();

  @Test
  @DisplayName("what the launcher set for the agent's JVM does not reach the application")
  void launchersOwn() {
    var agents =
        Map.of(
            "PATH",
            "/bin",
            "_JAVA_SR_SIGNUM",
            "50",
            "MALLOC_ARENA_MAX",
            "1",
            "REFORK_JVM_OPTIONS",
            "-Xmx64m",
            "_JAVA_OPTIONS",
            "-Xmx64m");
    assertThat(AppEnvironment.of(agents, true, NOTHING)).isEqualTo(Map.of("PATH", "/bin"));
  }

  @Test
  @DisplayName("the user's JVM and malloc settings reach the application under their own names")
  void usersOwn() {
    var agents =
        Map.of(
            "MALLOC_ARENA_MAX", "1",
            "REFORK_APP_ENV_MALLOC_ARENA_MAX", "4",
            "REFORK_APP_ENV_JAVA_TOOL_OPTIONS", "-Xmx1g",
            "REFORK_APP_ENV_JDK_JAVA_OPTIONS", "",
            "REFORK_APP_ENV__JAVA_OPTIONS", "-Da=b");
    assertThat(AppEnvironment.of(agents, true, NOTHING))
        .isEqualTo(
            Map.of(
                "MALLOC_ARENA_MAX",
                "4",
                "JAVA_TOOL_OPTIONS",
                "-Xmx1g",
                "JDK_JAVA_OPTIONS",
                "",
                "_JAVA_OPTIONS",
                "-Da=b"));
  }

  @Test
  @DisplayName("a name that the launcher never hides is not smuggled in by the prefix")
  void foreignName() {
    assertThat(AppEnvironment.of(Map.of("REFORK_APP_ENV_LD_PRELOAD", "x.so"), true, NOTHING))
        .isEmpty();
  }

  @Test
  @DisplayName("without the launcher the user's settings stay as they are")
  void withoutLauncher() {
    var agents = Map.of("JAVA_TOOL_OPTIONS", "-Xmx1g", "MALLOC_ARENA_MAX", "2");
    assertThat(AppEnvironment.of(agents, false, NOTHING)).isEqualTo(agents);
  }

  @Test
  @DisplayName("a prepended path goes before the user's own, and leaves no empty entry")
  void prepends() {
    var prepends = Map.of("PYTHONPATH", "/opt/refork/python");
    assertThat(AppEnvironment.of(Map.of("PYTHONPATH", "/app"), true, prepends))
        .containsEntry("PYTHONPATH", "/opt/refork/python:/app");
    assertThat(AppEnvironment.of(Map.of("PYTHONPATH", ""), true, prepends))
        .containsEntry("PYTHONPATH", "/opt/refork/python");
    assertThat(AppEnvironment.of(Map.of(), true, prepends))
        .containsEntry("PYTHONPATH", "/opt/refork/python");
  }

  @Test
  @DisplayName("the agent's folder says in env/ what to prepend, relative to itself")
  void agentFolder(@TempDir Path folder) throws Exception {
    Files.writeString(Files.createDirectory(folder.resolve("env")).resolve("RUBYLIB"), "ruby\n");
    assertThat(new AgentFolder(folder).prepends()).isEqualTo(Map.of("RUBYLIB", folder + "/ruby"));
    assertThat(new AgentFolder(folder.resolve("elsewhere")).prepends()).isEmpty();
  }
}
