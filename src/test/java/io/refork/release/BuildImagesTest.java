package io.refork.release;

import static org.assertj.core.api.Assertions.assertThat;

import io.refork.cluster.Ran;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** build/images, which `make test` and `make demo` call each time. */
@Tag("node")
@EnabledIfSystemProperty(
    named = "user.name",
    matches = "root",
    disabledReason = "needs root, for owners and modes of files: sudo make test")
class BuildImagesTest {
  private static final Map<String, String> JDK =
      Map.of("JAVA_HOME", System.getProperty("java.home"));

  private static Ran build(String... command) {
    return Ran.run(JDK, "", List.of(command));
  }

  private static Map<Path, FileTime> archives() throws IOException {
    var times = new TreeMap<Path, FileTime>();
    try (var files = Files.newDirectoryStream(Path.of("target/images"), "*.tar")) {
      for (var file : files) {
        times.put(file, Files.getLastModifiedTime(file));
      }
    }
    return times;
  }

  private static void saysOneSentence(Ran ran, String... words) {
    assertThat(ran.exit()).isEqualTo(1);
    assertThat(ran.err().lines()).singleElement().asString().startsWith("images: ").contains(words);
  }

  @Test
  @DisplayName("K8S images whose inputs are what they were are not made again")
  void unchanged() throws IOException {
    var before = archives();
    assertThat(before).hasSizeGreaterThanOrEqualTo(7);
    var names = Stream.of("agent", "operator", "shop", "hello", "ownuid", "noshell", "musl");
    var command = Stream.concat(Stream.of("build/images"), names).toArray(String[]::new);
    assertThat(build(command).succeeded().out()).isEmpty();
    assertThat(archives()).isEqualTo(before);
  }

  @Test
  @DisplayName("K8S bad input: an image that there is not: which there are")
  void unknown() {
    saysOneSentence(build("build/images", "shpo"), "no image shpo", "agent, operator, shop");
  }

  @Test
  @DisplayName("K8S bad input: without root: why it is needed, and what to do else")
  void withoutRoot() {
    var user = List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups");
    var command = Stream.concat(user.stream(), Stream.of("build/images", "agent"));
    saysOneSentence(build(command.toArray(String[]::new)), "root", "docker build");
  }
}
