package io.refork.operation;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.refork.cluster.Promtool;
import io.refork.operator.status.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** The alerts: promtool's judgement, and that each has its runbook and its tests. */
class AlertsTest {
  private static final Path TESTS = Path.of("src/test/rules");
  private static final Pattern SECTION = Pattern.compile("(?m)^## (Refork\\w+)$");
  private static final Pattern NAME = Pattern.compile("\\bRefork[A-Z]\\w+");

  @Test
  @DisplayName("K8S-07 promtool finds no fault with the alerts")
  void valid() {
    Promtool.run("check", "rules", Queries.RULES.toString()).succeeded();
  }

  @Test
  @DisplayName(
      "K8S-07 each alert fires when it should, and keeps quiet otherwise: promtool's tests")
  void fire() throws IOException {
    var command = new ArrayList<>(List.of("test", "rules"));
    tests().forEach(file -> command.add(file.toString()));
    Promtool.run(command.toArray(String[]::new)).succeeded();
  }

  @Test
  @DisplayName("each alert is expected to fire in one of promtool's tests")
  void tested() throws IOException {
    var expected = new TreeSet<String>();
    for (var file : tests().toList()) {
      NAME.matcher(Files.readString(file)).results().forEach(name -> expected.add(name.group()));
    }
    assertThat(expected).containsAll(names()).isSubsetOf(withReasons());
  }

  /** Some reasons begin with the same word as the alerts. */
  private static TreeSet<String> withReasons() {
    var known = names();
    Stream.of(Reason.values()).forEach(reason -> known.add(reason.name()));
    return known;
  }

  @Test
  @DisplayName("each alert says how bad it is, what is wrong, and where its runbook is")
  void said() {
    for (var alert : Queries.alerts()) {
      var name = alert.path("alert").asText();
      assertThat(alert.path("labels").path("severity").asText())
          .as(name)
          .isIn("critical", "warning", "info");
      assertThat(alert.path("for").asText()).as(name).isNotEmpty();
      var said = alert.path("annotations");
      assertThat(said.path("summary").asText()).as(name).hasSizeBetween(20, 120);
      assertThat(said.path("description").asText()).as(name).hasSizeGreaterThan(40).endsWith(".");
      assertThat(said.path("runbook").asText())
          .isEqualTo("docs/runbooks.md#" + name.toLowerCase(java.util.Locale.ROOT));
    }
  }

  @Test
  @DisplayName(
      "each alert has its section in docs/runbooks.md with all its parts, and each section its alert")
  void runbooks() throws IOException {
    var text = Files.readString(Path.of("docs/runbooks.md"));
    var sections = SECTION.matcher(text).results().map(m -> m.group(1)).toList();
    assertThat(sections).containsExactlyElementsOf(ordered());
    for (var section : List.of(text.split("(?m)^## ")).subList(1, sections.size() + 1)) {
      var name = section.lines().findFirst().orElseThrow();
      assertThat(section)
          .as(name)
          .contains("**Means.**", "**How bad.**", "**Look.**", "**Do.**", "**Ignore.**");
    }
  }

  @Test
  @DisplayName("every reason that degrades a pool has an alert")
  void reasons() {
    var asked = new TreeSet<String>();
    Queries.alerts().stream()
        .map(alert -> alert.path("expr").asText())
        .filter(expr -> expr.contains("refork_pool_problems"))
        .forEach(expr -> asked.addAll(List.of(expr.split("[^A-Za-z]+"))));
    for (var reason : Reason.values()) {
      // Without another cause, PodsNotReady is what the condition Ready says.
      if (reason.degrades() && reason != Reason.PodsNotReady) {
        assertThat(asked).contains(reason.name());
      }
    }
  }

  @Test
  @DisplayName("only Refork's own metrics are asked")
  void own() {
    for (var alert : Queries.alerts()) {
      assertThat(Queries.metrics(alert.path("expr").asText()))
          .isNotEmpty()
          .allMatch(name -> name.startsWith("refork_"));
    }
  }

  private static List<String> ordered() {
    return Queries.alerts().stream().map((JsonNode a) -> a.path("alert").asText()).toList();
  }

  private static TreeSet<String> names() {
    return new TreeSet<>(ordered());
  }

  private static Stream<Path> tests() throws IOException {
    try (var files = Files.list(TESTS)) {
      return files.sorted().toList().stream();
    }
  }
}
