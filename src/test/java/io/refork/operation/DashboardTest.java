package io.refork.operation;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.refork.agent.control.AgentMetricNames;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Dashboards are files that nobody compiles: their shape, and that what they ask for exists. */
class DashboardTest {
  private static final Pattern METRIC = Pattern.compile("\\b(refork_[a-z_]+)");

  /** What Grafana knows; a typing error would show as text behind each number. */
  private static final List<String> UNITS = List.of("none", "percentunit", "bytes", "s");

  static Stream<Path> dashboards() throws IOException {
    try (var files = Files.list(Path.of("deploy/dashboards"))) {
      return files.filter(f -> f.toString().endsWith(".json")).sorted().toList().stream();
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("dashboards")
  @DisplayName("classic JSON for schema 39, importable as it is: the data source is a variable")
  void shape(Path file) throws IOException {
    var board = read(file);
    assertThat(board.path("schemaVersion").asInt()).isEqualTo(39);
    assertThat(board.path("uid").asText()).matches("refork-[a-z]+");
    assertThat(board.path("title").asText()).startsWith("Refork / ");
    assertThat(board.path("tags")).anyMatch(tag -> tag.asText().equals("refork"));
    assertThat(board.has("__inputs")).isFalse();
    assertThat(board.has("id")).isFalse();
    var variables = board.path("templating").path("list");
    assertThat(variables.path(0).path("name").asText()).isEqualTo("datasource");
    assertThat(variables.path(0).path("type").asText()).isEqualTo("datasource");
    for (var source : board.findValues("datasource")) {
      assertThat(source.path("uid").asText()).isEqualTo("${datasource}");
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("dashboards")
  @DisplayName(
      "every panel has an id of its own, a title, a description, a unit and a place that no other has")
  void panels(Path file) throws IOException {
    var ids = new HashSet<Integer>();
    var titles = new HashSet<String>();
    var taken = new HashSet<List<Integer>>();
    for (var panel : read(file).path("panels")) {
      var title = panel.path("title").asText();
      assertThat(ids.add(panel.path("id").asInt())).as("id of %s", title).isTrue();
      assertThat(titles.add(title)).as("title %s", title).isTrue();
      var place = panel.path("gridPos");
      for (int x = 0; x < place.path("w").asInt(); x++) {
        for (int y = 0; y < place.path("h").asInt(); y++) {
          var cell = List.of(place.path("x").asInt() + x, place.path("y").asInt() + y);
          assertThat(cell.getFirst()).as(title).isLessThan(24);
          assertThat(taken.add(cell)).as("%s lies over another panel", title).isTrue();
        }
      }
      if (!panel.path("type").asText().equals("row")) {
        assertThat(panel.path("description").asText()).as(title).hasSizeGreaterThan(20);
        assertThat(UNITS)
            .as(title)
            .contains(panel.path("fieldConfig").path("defaults").path("unit").asText());
        assertThat(panel.path("targets")).as(title).isNotEmpty();
      }
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("dashboards")
  @DisplayName("every query is limited to the pool that is chosen")
  void limited(Path file) throws IOException {
    for (var query : read(file).path("panels").findValuesAsText("expr")) {
      for (var selector : METRIC.matcher(query).results().toList()) {
        assertThat(query.substring(selector.end()))
            .as(query)
            .startsWith("{namespace=\"$namespace\", pool=\"$pool\"");
      }
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("dashboards")
  @DisplayName("K8S-07 every metric that is named exists in the agent or the operator")
  void metrics(Path file) throws IOException {
    var known = new TreeSet<>(AgentMetricNames.all());
    known.addAll(OperatorDocs.metrics());
    var board = read(file);
    var queries = new ArrayList<>(board.findValuesAsText("expr"));
    queries.addAll(board.path("templating").findValuesAsText("definition"));
    assertThat(queries).isNotEmpty();
    for (var query : queries) {
      for (var name : METRIC.matcher(query).results().toList()) {
        assertThat(known).as(query).contains(name.group(1));
      }
    }
  }

  private static JsonNode read(Path file) throws IOException {
    return new ObjectMapper().readTree(file.toFile());
  }
}
