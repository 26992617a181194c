package io.refork.release;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.refork.cluster.Ran;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What lies in the images of the operator and the agent, and what does not. */
@Tag("node")
@EnabledIfSystemProperty(
    named = "user.name",
    matches = "root",
    disabledReason = "needs root, for owners and modes of files: sudo make test")
class ImageContentTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final List<String> SHELLS =
      List.of("sh", "bash", "dash", "ash", "busybox", "zsh", "ksh");
  private static final int SET_UID_OR_GID = 0_6000;

  /** Not a temporary folder of JUnit's: it would warn of each link that leads out of it. */
  private static final Path FOLDER = Path.of("target/unpacked-images").toAbsolutePath();

  private static final Map<String, Image> IMAGES = new HashMap<>();

  @BeforeAll
  static void unpack() throws IOException {
    Ran.run(Map.of(), "", List.of("rm", "-rf", FOLDER.toString())).succeeded();
    for (var name : List.of("operator", "agent", "noshell")) {
      IMAGES.put(name, Image.unpack(name, FOLDER));
    }
  }

  private static Image image(String name) {
    return IMAGES.get(name);
  }

  @ParameterizedTest(name = "K8S-01 the {0}''s image holds at most {1} MB")
  @CsvSource({"operator,300", "agent,90"})
  void small(String name, int megabytes) throws IOException {
    long bytes = image(name).bytes();
    System.out.printf("The %s's image, unpacked: %.1f MB%n", name, bytes / 1e6);
    assertThat(bytes).isLessThanOrEqualTo(megabytes * 1_000_000L);
  }

  @ParameterizedTest(name = "K8S-01 the {0}''s image runs as a numeric user that is not root")
  @ValueSource(strings = {"operator", "agent", "noshell"})
  void notRoot(String name) {
    assertThat(image(name).config().path("User").asText()).matches("[1-9][0-9]*(:[0-9]+)?");
  }

  @ParameterizedTest(name = "K8S-01 the {0}''s image starts its program without a shell")
  @ValueSource(strings = {"operator", "agent"})
  void entrypoint(String name) {
    var program = image(name).config().at("/Entrypoint/0").asText();
    assertThat(program).startsWith("/");
    assertThat(image(name).outside(program)).isRegularFile().isExecutable();
  }

  @ParameterizedTest(name = "K8S-09 there is no shell in the {0}''s image")
  @ValueSource(strings = {"operator", "agent", "noshell"})
  void noShell(String name) throws IOException {
    assertThat(image(name).files())
        .noneMatch(
            file ->
                SHELLS.contains(file.getFileName().toString())
                    && image(name).inside(file).contains("bin/"));
  }

  @ParameterizedTest(
      name = "K8S-01 nothing in the {0}''s image gives or takes more than rights to read")
  @ValueSource(strings = {"operator", "agent"})
  void rights(String name) throws IOException {
    for (var file : image(name).files()) {
      int mode = (int) Files.getAttribute(file, "unix:mode", LinkOption.NOFOLLOW_LINKS);
      assertThat(mode & SET_UID_OR_GID).as(image(name).inside(file)).isZero();
      if (Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
        assertThat(Files.getPosixFilePermissions(file))
            .as(image(name).inside(file))
            .contains(PosixFilePermission.OTHERS_READ)
            .doesNotContain(PosixFilePermission.OTHERS_WRITE, PosixFilePermission.GROUP_WRITE);
      }
    }
  }

  @ParameterizedTest(name = "K8S-01 the {0}''s image says what it is and where it comes from")
  @ValueSource(strings = {"operator", "agent"})
  void labels(String name) throws IOException {
    var image = image(name);
    var chart = Files.readString(Path.of("helm/refork/Chart.yaml"));
    assertThat(chart).contains("\nappVersion: " + image.label("version") + "\n");
    assertThat(image.label("title")).isEqualTo("Refork " + name);
    assertThat(image.label("description")).isNotBlank();
    assertThat(image.label("licenses")).isEqualTo("Apache-2.0");
    assertThat(image.label("source")).startsWith("https://");
    assertThat(image.label("revision")).matches("[0-9a-f]{40}(-dirty)?|unknown");
    assertThat(image.label("created")).matches("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z");
  }

  @ParameterizedTest(name = "K8S-01 nothing of the building machine is left in the {0}''s image")
  @ValueSource(strings = {"operator", "agent"})
  void nothingOfTheMachine(String name) throws IOException {
    for (var file : List.of("/etc/hostname", "/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf")) {
      var there = image(name).outside(file);
      if (Files.exists(there)) {
        assertThat(there).as(file).isEmptyFile();
      }
    }
    assertThat(image(name).config().at("/Env")).hasSize(1).first().asString().contains("PATH=");
    // Whole seconds, and the same at each build.
    for (var file : image(name).files()) {
      assertThat(Files.getLastModifiedTime(file, LinkOption.NOFOLLOW_LINKS).toInstant())
          .as(image(name).inside(file))
          .hasToString("2026-01-01T00:00:00Z");
    }
  }

  @Test
  @DisplayName(
      "K8S-03 the agent's image installs itself as a pod's user, without capabilities, onto a volume,"
          + " and the copy has its AOT cache")
  void installs() throws IOException {
    var volume = Files.createDirectories(FOLDER.resolve("volume"));
    Files.setPosixFilePermissions(volume, EnumSet.allOf(PosixFilePermission.class));
    var image = image("agent");
    Files.createDirectories(image.outside("/opt/refork"));
    var program = image.config().at("/Entrypoint/0").asText();
    var ran = contained(image, 1000, volume, List.of(program, "install", "/opt/refork"));
    assertThat(ran.out()).contains("installed refork", "the copy starts with its AOT cache");
    assertThat(volume.resolve("bin/refork")).isExecutable();
  }

  /** Runs a program as the restricted standard has it: no capability, read-only root. */
  private static Ran contained(Image image, int user, Path volume, List<String> command)
      throws IOException {
    var mounts = new ArrayList<Map<String, Object>>();
    mounts.add(mount("/proc", "proc", "proc", "nosuid"));
    mounts.add(mount("/dev", "tmpfs", "tmpfs", "mode=755"));
    mounts.add(mount("/opt/refork", "bind", volume.toString(), "bind"));
    var spec =
        Map.of(
            "ociVersion", "1.0.2",
            "root", Map.of("path", image.root().toString(), "readonly", true),
            "process",
                Map.of(
                    "user",
                    Map.of("uid", user, "gid", user),
                    "args",
                    command,
                    "env",
                    List.of("PATH=/usr/bin"),
                    "cwd",
                    "/",
                    "noNewPrivileges",
                    true,
                    "capabilities",
                    Map.of()),
            "mounts", mounts,
            "linux",
                Map.of(
                    "namespaces",
                    List.of(
                        Map.of("type", "pid"),
                        Map.of("type", "ipc"),
                        Map.of("type", "network"),
                        Map.of("type", "mount"))));
    var bundle = Files.createDirectories(FOLDER.resolve("bundle"));
    JSON.writeValue(bundle.resolve("config.json").toFile(), spec);
    var runc = Path.of(System.getProperty("refork.kube", ".cache/kube"), "runc").toString();
    return Ran.run(
            Map.of(),
            "",
            List.of(
                runc,
                "--root",
                bundle.resolve("state").toString(),
                "run",
                "--bundle",
                bundle.toString(),
                "refork-image-" + ProcessHandle.current().pid()))
        .succeeded();
  }

  private static Map<String, Object> mount(
      String to, String type, String source, String... options) {
    return Map.of("destination", to, "type", type, "source", source, "options", options);
  }
}
