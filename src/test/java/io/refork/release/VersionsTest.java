package io.refork.release;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** docs/versions.md says what the build pins. */
class VersionsTest {
  /** The table's rows: what it is, and the column "tested". */
  private static Map<String, String> tested() throws IOException {
    var rows = new TreeMap<String, String>();
    for (var line : Files.readAllLines(Path.of("docs/versions.md"))) {
      var cells = line.split("\\|");
      if (cells.length == 5) {
        rows.put(cells[1].strip(), cells[2].strip());
      }
    }
    return rows;
  }

  private static List<String> all(String file, String pattern) throws IOException {
    var found = new ArrayList<String>();
    var matcher =
        Pattern.compile(pattern, Pattern.MULTILINE).matcher(Files.readString(Path.of(file)));
    while (matcher.find()) {
      found.add(matcher.group(1));
    }
    assertThat(found).as(pattern + " in " + file).isNotEmpty();
    return found.stream().distinct().toList();
  }

  @Test
  @DisplayName("the page of tested versions names the versions that the build pins")
  void pinned() throws IOException {
    var tested = tested();
    var pins =
        Map.of(
            "Kubernetes", all("build/kube/make", "^kubernetes=v([0-9.]+)"),
            "Helm", all("build/kube/make", "^helm=v([0-9.]+)"),
            "CPython", all("src/test/python/venvs.py", "Pair\\(\"([0-9.]+)\""),
            "JDK, to build", all("build/setup", "^required_java=([0-9]+)"),
            "Debian, of the images", all("build/image-base", "^suite=(.*)"));
    for (var pin : pins.entrySet()) {
      assertThat(tested.get(pin.getKey())).as(pin.getKey()).contains(pin.getValue());
    }
    for (var server : List.of("gunicorn", "uvicorn")) {
      try (var files = Files.list(Path.of("src/test/python/matrix"))) {
        for (var file : files.filter(f -> f.getFileName().toString().startsWith(server)).toList()) {
          assertThat(tested.get(server))
              .contains(all(file.toString(), "^" + server + "==([0-9.]+)"));
        }
      }
    }
    assertThat(tested.get("Quarkus, Quarkus Operator SDK"))
        .contains(all("pom.xml", "<quarkus.version>(.*)</"))
        .contains(all("pom.xml", "<quarkus-operator-sdk.version>(.*)</"));
  }

  @Test
  @DisplayName("the policies link to pages that exist")
  void links() throws IOException {
    for (var page : List.of("SECURITY.md", "CONTRIBUTING.md")) {
      for (var target : all(page, "\\]\\(([^)#:]+)\\)")) {
        assertThat(Path.of(target)).as(page).exists();
      }
    }
  }
}
