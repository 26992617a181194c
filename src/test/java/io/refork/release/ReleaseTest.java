package io.refork.release;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.refork.cluster.Ran;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.cyclonedx.Version;
import org.cyclonedx.parsers.JsonParser;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code make release} makes, here in a folder of its own: target/release is the user's. */
@Tag("node")
@EnabledIfSystemProperty(
    named = "user.name",
    matches = "root",
    disabledReason = "needs root, for the images: sudo make test")
class ReleaseTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path RELEASE = Path.of("target/tested-release");

  /** Maven reads the whole tree of dependencies, on a busy machine. */
  private static final Duration BOUND = Duration.ofMinutes(5);

  /** Not a temporary folder of JUnit's: it would warn of each link that leads out of it. */
  private static final Path UNPACKED = Path.of("target/unpacked-release").toAbsolutePath();

  @TempDir Path folder;

  @BeforeAll
  static void release() {
    run("rm", "-rf", UNPACKED.toString());
    make(Path.of("."), true).succeeded();
  }

  private static Ran make(Path tree, boolean dirty) {
    return Ran.run(
        BOUND,
        Map.of(
            "JAVA_HOME",
            System.getProperty("java.home"),
            "ALLOW_DIRTY",
            dirty ? "1" : "",
            "REFORK_RELEASE",
            RELEASE.toString(),
            // A test fetches nothing that is there.
            "REFORK_BASE_DAYS",
            ""),
        "",
        List.of(tree.resolve("build/release").toString()));
  }

  private static Ran run(String... command) {
    return Ran.run(Map.of(), "", List.of(command)).succeeded();
  }

  private static Path file(String pattern) throws IOException {
    try (var found = Files.newDirectoryStream(RELEASE, pattern)) {
      var all = new ArrayList<Path>();
      found.forEach(all::add);
      assertThat(all).as(pattern).hasSize(1);
      return all.getFirst();
    }
  }

  @Test
  @DisplayName("K8S a release is complete, and its checksums are right")
  void complete() throws IOException {
    try (var files = Files.list(RELEASE)) {
      assertThat(
              files.map(
                  file ->
                      file.getFileName().toString().replaceAll("[0-9]+\\.[0-9]+\\.[0-9]+", "V")))
          .map(name -> name.replaceAll("-linux-[a-z0-9]+", "-linux-ARCH"))
          .containsExactlyInAnyOrder(
              "LICENSE",
              "SHA256SUMS",
              "refork-V.yaml",
              "refork-agent-V-linux-ARCH.tar.gz",
              "refork-agent-V.cdx.json",
              "refork-agent-V.oci.tar",
              "refork-chart-V.tgz",
              "refork-crds-V.yaml",
              "refork-monitoring-V.yaml",
              "refork-monitoring-V.tar.gz",
              "refork-operator-V.cdx.json",
              "refork-operator-V.oci.tar",
              "refork-samples-V.tar.gz");
      run("sh", "-c", "cd " + RELEASE + " && sha256sum --strict -c SHA256SUMS");
      assertThat(Files.readAllLines(RELEASE.resolve("SHA256SUMS"))).hasSize(12);
    }
  }

  @Test
  @DisplayName("K8S the released chart renders, and the released manifests are those of deploy/")
  void chart() throws IOException {
    var helm = Path.of(System.getProperty("refork.kube", ".cache/kube"), "helm").toString();
    var rendered =
        run(
            helm,
            "template",
            "refork",
            file("refork-chart-*.tgz").toString(),
            "-n",
            "refork-system",
            "--kube-version",
            "1.34.2");
    assertThat(rendered.out()).contains("kind: Deployment", "kind: CustomResourceDefinition");
    assertThat(file("refork-[0-9]*.yaml")).hasSameTextualContentAs(Path.of("deploy/refork.yaml"));
    assertThat(file("refork-monitoring-*.yaml"))
        .hasSameTextualContentAs(Path.of("deploy/monitoring.yaml"));
  }

  @Test
  @DisplayName("K8S the released agent runs where it is unpacked, with its AOT cache")
  void agent() throws IOException {
    run("tar", "-xzf", file("refork-agent-*.tar.gz").toString(), "-C", folder.toString());
    try (var unpacked = Files.list(folder)) {
      var launcher = unpacked.findFirst().orElseThrow().resolve("bin/refork").toString();
      var options = Map.of("REFORK_JVM_OPTIONS", "-XX:AOTMode=on");
      var ran = Ran.run(options, "", List.of(launcher, "--version")).succeeded();
      assertThat(ran.out()).startsWith("refork ");
    }
  }

  @Test
  @DisplayName(
      "K8S what is packed a second time from the same images and files has the same checksums")
  void again() throws IOException {
    var first = Files.readString(RELEASE.resolve("SHA256SUMS"));
    make(Path.of("."), true).succeeded();
    assertThat(RELEASE.resolve("SHA256SUMS")).hasContent(first);
  }

  @Test
  @DisplayName("K8S a tree with changes that are in no commit is refused, and they are named")
  void dirty() throws IOException {
    var clone = folder.resolve("clone");
    // A clone that belongs to somebody else is one too.
    run("git", "-c", "safe.directory=*", "clone", "-q", "--shared", ".", clone.toString());
    Files.writeString(clone.resolve("forgotten.txt"), "not committed");
    var ran = make(clone, false);
    assertThat(ran.exit()).isEqualTo(1);
    assertThat(ran.err()).contains("forgotten.txt", "release: ", "ALLOW_DIRTY=1");
    assertThat(clone.resolve(RELEASE)).doesNotExist();
  }

  @ParameterizedTest(name = "K8S the {0}''s bill of materials is valid CycloneDX")
  @ValueSource(strings = {"operator", "agent"})
  void valid(String name) throws IOException {
    var bill = file("refork-" + name + "-*.cdx.json").toFile();
    assertThat(new JsonParser().validate(bill, Version.VERSION_16)).isEmpty();
  }

  @ParameterizedTest(
      name = "K8S the {0}''s bill of materials lists what is in its image, no more, no less")
  @ValueSource(strings = {"operator", "agent"})
  void whole(String name) throws Exception {
    var image = Image.unpack(name, UNPACKED);
    var bill = JSON.readTree(file("refork-" + name + "-*.cdx.json").toFile());
    var listed = new TreeMap<String, JsonNode>();
    for (var component : bill.get("components")) {
      for (var at : component.at("/evidence/occurrences")) {
        listed.put(at.get("location").asText(), component);
      }
    }
    var present = new ArrayList<String>();
    for (var file : image.files()) {
      var inside = image.inside(file);
      var parent = file.getParent().getFileName().toString();
      if (inside.endsWith(".jar")
          || inside.endsWith("/runtime/release")
          || parent.equals("status.d")) {
        present.add(inside);
        assertThat(listed).containsKey(inside);
      }
      if (inside.endsWith(".jar") && !inside.contains("/runtime/")) {
        assertThat(listed.get(inside).at("/hashes/0/content").asText())
            .as(inside)
            .isEqualTo(sha256(file));
      }
      if (parent.equals("status.d")) {
        assertThat(Files.readAllLines(file))
            .contains("Version: " + listed.get(inside).get("version").asText());
      }
    }
    assertThat(listed.keySet()).containsExactlyInAnyOrderElementsOf(present);
    assertThat(Stream.of("libc6", "openjdk"))
        .allMatch(
            part -> listed.values().stream().anyMatch(c -> c.get("name").asText().equals(part)));
  }

  private static String sha256(Path file) throws Exception {
    var digest = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file));
    return HexFormat.of().formatHex(digest);
  }
}
