package io.refork.agent.config;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.refork.agent.config.ConfigWatcher.Change;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConfigFileTest {
  @TempDir private Path dir;

  private static ConfigFile file() {
    return new ConfigFile(Path.of("/etc/shop.json"));
  }

  private static SettingsReader reader(Path file) throws UsageException {
    return SettingsReader.of(Map.of(), Optional.of(file.toString()), Map.of());
  }

  @Test
  @DisplayName("comments, numbers, texts and lists are understood")
  void format() throws Exception {
    var path =
        Files.writeString(
            dir.resolve("c.json"),
            """
            // the shop
            {
              "workers": 8, /* eight */
              "refork-after": [500, 2000, "..."],
              "listen": ["http=0.0.0.0:8000", "unix:/run/shop.sock"],
              "drain-timeout": "10s",
            }
            """);
    var s = reader(path).read();
    assertThat(s.pool().workers()).isEqualTo(8);
    assertThat(s.pool().refork().after()).containsExactly(500L, 2000L);
    assertThat(s.pool().refork().repeatLast()).isTrue();
    assertThat(s.listen()).hasSize(2);
    assertThat(s.pool().timeouts().drain()).hasSeconds(10);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          []                          | config file /etc/shop.json is not a JSON object; it begins with { and ends with }
          `` | config file /etc/shop.json is not a JSON object; it begins with { and ends with }
          {"workers": 1} x            | config file /etc/shop.json, line 1: not valid JSON: Unrecognized token 'x'
          {"workers": 1} {}           | config file /etc/shop.json, line 1: something follows the object's closing }
          {~"worker": 1}              | config file /etc/shop.json, line 2, "worker": there is no such field; did you mean workers?
          {~~"timeout": 1}            | config file /etc/shop.json, line 3, "timeout": there is no such field; did you mean boot-timeout or spawn-timeout or promote-timeout?
          {"\\u001b[2J": 1}           | config file /etc/shop.json, line 1, "\\u001b[2J": there is no such field
          {"workers": true}           | config file /etc/shop.json, line 1, "workers": true is not allowed; give auto or a whole number from 1 to 512
          {"workers": null}           | config file /etc/shop.json, line 1, "workers": null is not allowed; give auto or a whole number from 1 to 512
          {"workers": {}}             | config file /etc/shop.json, line 1, "workers": an object or list is not allowed; give auto or a whole number from 1 to 512
          {"workers": [1]}            | config file /etc/shop.json, line 1, "workers": a list is not allowed; give auto or a whole number from 1 to 512
          {"listen": []}              | config file /etc/shop.json, line 1, "listen": the list is empty; leave the field out for the default
          {"workers": 1,~"workers": 2}| config file /etc/shop.json, line 2: not valid JSON: Duplicate field 'workers'
          {"workers": 1               | config file /etc/shop.json, line 1: not valid JSON: Unexpected end-of-input: expected close marker for Object
          """)
  @DisplayName("a broken file ends with a sentence that names line and field")
  void broken(String text, String sentence) {
    assertThatThrownBy(
            () ->
                file().parse(text == null ? new byte[0] : text.replace('~', '\n').getBytes(UTF_8)))
        .isInstanceOf(UsageException.class)
        .hasMessage(sentence);
  }

  @Test
  @DisplayName(
      "a bad value is reported with its line and field; a device or a huge file is not read")
  void values() throws Exception {
    var path = Files.writeString(dir.resolve("c.json"), "{\n\n\"drain-timeout\": 30}");
    assertThatThrownBy(() -> reader(path).read())
        .hasMessage(
            "config file "
                + path
                + ", line 3, \"drain-timeout\": \"30\" is not allowed; give a time from 0s to 1d with its unit,"
                + " such as 500ms, 10s or 1m30s");
    assertThatThrownBy(() -> reader(Path.of("/dev/zero")).read())
        .hasMessage(
            "config file /dev/zero is larger than 64 KiB; give the file of this agent's options");
    assertThatThrownBy(() -> reader(dir).read())
        .hasMessage("config file " + dir + " cannot be read (it is a directory)");
  }

  // --- watching ---------------------------------------------------------------------------------

  private static Change settled(ConfigWatcher watcher) {
    assertThat(watcher.look()).isEqualTo(new Change.None());
    return watcher.look();
  }

  private void replace(Path file, String text) throws IOException {
    var next = Files.writeString(dir.resolve("next"), text);
    Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  @Test
  @DisplayName(
      "a changed file gives new settings once; a broken or missing one a sentence once, and the old settings stay")
  void watch() throws Exception {
    var file = Files.writeString(dir.resolve("c.json"), "{\"workers\": 2}");
    var watcher = new ConfigWatcher(reader(file));
    assertThat(watcher.settings().pool().workers()).isEqualTo(2);
    assertThat(settled(watcher)).isEqualTo(new Change.None());

    replace(file, "{\"workers\": 8}");
    assertThat(settled(watcher))
        .isInstanceOfSatisfying(
            Change.Settings.class, s -> assertThat(s.pool().workers()).isEqualTo(8));
    assertThat(settled(watcher)).isEqualTo(new Change.None());

    replace(file, "{\"workers\": }");
    assertThat(settled(watcher))
        .isInstanceOfSatisfying(
            Change.Broken.class,
            b ->
                assertThat(b.sentence())
                    .startsWith("config file " + file + ", line 1: not valid JSON")
                    .endsWith("; the settings stay as they were"));
    assertThat(settled(watcher)).isEqualTo(new Change.None());

    Files.delete(file);
    assertThat(settled(watcher))
        .isEqualTo(
            new Change.Broken(
                "config file " + file + " does not exist; the settings stay as they were"));

    replace(file, "{\"workers\": 8, \"max-surge\": 1}");
    assertThat(settled(watcher)).isInstanceOf(Change.Settings.class);
  }

  @Test
  @DisplayName("a file that is still being written is left alone")
  void unsettled() throws Exception {
    var file = Files.writeString(dir.resolve("c.json"), "{\"workers\": 2}");
    var watcher = new ConfigWatcher(reader(file));
    for (int n = 10; n < 14; n++) {
      replace(file, "{\"workers\": " + n + "}");
      assertThat(watcher.look()).isEqualTo(new Change.None());
    }
    assertThat(watcher.look())
        .isInstanceOfSatisfying(
            Change.Settings.class, s -> assertThat(s.pool().workers()).isEqualTo(13));
  }

  @Test
  @DisplayName("a Kubernetes ConfigMap's swap of its directory link is seen")
  void configMap() throws Exception {
    Files.writeString(
        Files.createDirectory(dir.resolve("..1")).resolve("c.json"), "{\"workers\": 2}");
    Files.writeString(
        Files.createDirectory(dir.resolve("..2")).resolve("c.json"), "{\"workers\": 3}");
    Files.createSymbolicLink(dir.resolve("..data"), Path.of("..1"));
    var file = Files.createSymbolicLink(dir.resolve("c.json"), Path.of("..data/c.json"));
    var watcher = new ConfigWatcher(reader(file));
    Files.createSymbolicLink(dir.resolve("..tmp"), Path.of("..2"));
    Files.move(
        dir.resolve("..tmp"),
        dir.resolve("..data"),
        StandardCopyOption.ATOMIC_MOVE,
        StandardCopyOption.REPLACE_EXISTING);
    assertThat(settled(watcher))
        .isInstanceOfSatisfying(
            Change.Settings.class, s -> assertThat(s.pool().workers()).isEqualTo(3));
  }

  @Test
  @DisplayName("fields that need a restart are named in a warning, and the others are taken")
  void fixedFields() throws Exception {
    var file = Files.writeString(dir.resolve("c.json"), "{\"workers\": 2}");
    var watcher = new ConfigWatcher(reader(file));
    replace(
        file,
        "{\"workers\": 4, \"listen\": \"0.0.0.0:9000\", \"thp\": \"keep\", \"backlog\": 2048}");
    assertThat(settled(watcher))
        .isInstanceOfSatisfying(
            Change.Settings.class,
            s -> {
              assertThat(s.pool().workers()).isEqualTo(4);
              assertThat(s.warnings())
                  .isEqualTo(
                      List.of(
                          "config file "
                              + file
                              + ": \"listen\" cannot change while the agent runs; it stays as it is until a restart",
                          "config file "
                              + file
                              + ": \"thp\" cannot change while the agent runs; it stays as it is until a restart"));
            });
  }

  @Test
  @Timeout(20)
  @DisplayName("a pipe is not read again: opening one may wait for ever, and the loop with it")
  void pipe() throws Exception {
    var file = Files.writeString(dir.resolve("refork.json"), "{\"workers\": 3}");
    var watcher = new ConfigWatcher(reader(file));
    Files.delete(file);
    assertThat(new ProcessBuilder("mkfifo", file.toString()).start().waitFor()).isZero();
    assertThat(settled(watcher)).isEqualTo(new Change.None());
  }

  // --- an operator's word -----------------------------------------------------------------------

  private static int workers(Change change) {
    assertThat(change).isInstanceOf(Change.Settings.class);
    return ((Change.Settings) change).pool().workers();
  }

  @Test
  @DisplayName(
      "the operator's settings hold over flags and file, until the file is of a newer revision")
  void wanted() throws Exception {
    var file = Files.writeString(dir.resolve("c.json"), "{\"revision\": 3, \"workers\": 2}");
    var watcher =
        new ConfigWatcher(
            SettingsReader.of(
                Map.of("max-surge", java.util.List.of("1")),
                Optional.of(file.toString()),
                Map.of()));
    assertThat(watcher.want(2, Map.of("workers", "7"))).isEqualTo(new Change.None());
    var change = watcher.want(3, Map.of("workers", "4", "max-surge", "3"));
    assertThat(workers(change)).isEqualTo(4);
    assertThat(((Change.Settings) change).pool().rollout().maxSurge()).isEqualTo(3);
    assertThat(watcher.want(3, Map.of("workers", "4", "max-surge", "3")))
        .isEqualTo(new Change.None());

    replace(file, "{\"revision\": 3, \"workers\": 5}");
    assertThat(settled(watcher)).isEqualTo(new Change.None());
    replace(file, "{\"revision\": 4, \"workers\": 6}");
    change = settled(watcher);
    assertThat(workers(change)).isEqualTo(6);
    assertThat(((Change.Settings) change).pool().rollout().maxSurge()).isEqualTo(1);
    assertThat(workers(watcher.want(4, Map.of("workers", "8")))).isEqualTo(8);
    // What it does not name is as flags, variables and file say.
    assertThat(workers(watcher.want(5, Map.of()))).isEqualTo(6);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "workers|999|setting \"workers\": \"999\" is not allowed; give auto or a whole number from 1 to 512",
        "worker|1|setting \"worker\": this agent has no such option",
        "listen|0.0.0.0:1|setting \"listen\" cannot change while the agent runs; it needs a new pod",
        "thp|keep|setting \"thp\" cannot change while the agent runs; it needs a new pod",
        "max-requests|5|setting \"max-requests\" replaces every worker after 5 requests at the latest, so setting \"refork-after\" is never reached; give smaller numbers to --refork-after, or off",
      })
  @DisplayName("an operator's setting that cannot be used is refused, and nothing changes")
  void notWanted(String name, String text, String sentence) throws Exception {
    var watcher = new ConfigWatcher(SettingsReader.of(Map.of(), Optional.empty(), Map.of()));
    assertThat(workers(watcher.want(1, Map.of("workers", "3")))).isEqualTo(3);
    var settings =
        new java.util.HashMap<>(Map.of("workers", "4", "refork-after", "500", "max-surge", "2"));
    settings.put(name, text);
    assertThatThrownBy(() -> watcher.want(2, settings)).hasMessage(sentence);
    assertThat(watcher.want(1, Map.of("workers", "3"))).isEqualTo(new Change.None());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {"-1", "1.5", "\"3\"", "[1]", "99999999999999999999"})
  @DisplayName("a revision is a whole number")
  void revision(String text) {
    assertThatThrownBy(() -> file().parse(("{\"revision\": " + text + "}").getBytes(UTF_8)))
        .hasMessage(
            "config file /etc/shop.json, line 1, \"revision\": not a revision; it is the pool's"
                + " metadata.generation, a whole number from 0");
  }
}
