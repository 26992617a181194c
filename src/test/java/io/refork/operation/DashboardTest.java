package io.refork.operation;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.refork.agent.control.AgentMetricNames;
import io.refork.cluster.Ran;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Dashboards are files that nobody compiles: their shape, and that what they ask for exists. */
class DashboardTest {
  private static final Pattern SELECTED = Pattern.compile("\\b(refork_[a-z_]+)\\b(\\{[^}]*})?");

  @Test
  @DisplayName("the dashboards are as build/dashboards makes them")
  void generated(@TempDir Path folder) throws IOException {
    Ran.run(
            Map.of("PYTHONDONTWRITEBYTECODE", "1"),
            "",
            List.of("python3", "build/dashboards", folder.toString()))
        .succeeded();
    for (var name : Queries.dashboards().keySet()) {
      assertThat(Queries.DASHBOARDS.resolve(name + ".json"))
          .as("make generate")
          .hasSameTextualContentAs(folder.resolve(name + ".json"));
    }
    assertThat(folder.toFile().list())
        .containsExactlyInAnyOrder("fleet.json", "operator.json", "pool.json");
  }

  @ParameterizedTest
  @ValueSource(strings = {"fleet", "operator", "pool"})
  @DisplayName(
      "classic JSON, importable as it is, linked with the others, the data source a variable")
  void shape(String name) {
    var board = Queries.dashboards().get(name);
    assertThat(board.path("schemaVersion").asInt()).isEqualTo(41);
    assertThat(board.path("uid").asText()).isEqualTo("refork-" + name);
    assertThat(board.path("title").asText()).isEqualToIgnoringCase("Refork / " + name);
    assertThat(board.path("tags")).anyMatch(tag -> tag.asText().equals("refork"));
    assertThat(board.path("links").findValuesAsText("includeVars")).containsExactly("true");
    assertThat(board.path("links").findValuesAsText("keepTime")).containsExactly("true");
    assertThat(board.path("refresh").asText()).isEqualTo("30s");
    assertThat(board.has("__inputs")).isFalse();
    assertThat(board.has("id")).isFalse();
    assertThat(board.path("annotations").path("list")).isNotEmpty();
    for (var source : board.findValues("datasource")) {
      assertThat(source.path("uid").asText()).isEqualTo("${datasource}");
      assertThat(source.path("type").asText()).isEqualTo("prometheus");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"fleet", "operator", "pool"})
  @DisplayName(
      "every panel has an id and a title of its own, says what it shows, and lies over no other")
  void panels(String name) {
    var ids = new HashSet<Integer>();
    var titles = new HashSet<String>();
    var taken = new HashSet<List<Integer>>();
    for (var panel : Queries.dashboards().get(name).path("panels")) {
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
        assertThat(panel.path("description").asText())
            .as(title)
            .hasSizeGreaterThan(20)
            .endsWith(".");
        assertThat(panel.path("targets")).as(title).isNotEmpty();
        var letters = panel.path("targets").findValuesAsText("refId");
        assertThat(new HashSet<>(letters)).as(title).hasSameSizeAs(letters);
      }
    }
  }

  @Test
  @DisplayName(
      "what somebody asks when the pager goes stands on the first screen of the pool's dashboard")
  void firstScreen() {
    var seen = new TreeSet<String>();
    for (var panel : Queries.dashboards().get("pool").path("panels")) {
      // A full HD screen shows about 24 lines of Grafana's grid.
      if (panel.path("gridPos").path("y").asInt() + panel.path("gridPos").path("h").asInt() <= 24) {
        seen.add(panel.path("title").asText());
      }
    }
    assertThat(seen)
        .contains(
            "Pool", "Trouble", "Saved", "Shared", "Generation", "Wave", "Last refork", "Pods");
  }

  @Test
  @DisplayName(
      "the linter's rules hold, but for those that .lint names with a reason; each of those is needed")
  void lint() throws IOException {
    var findings = new TreeMap<String, TreeSet<String>>();
    Queries.dashboards()
        .forEach(
            (name, board) ->
                DashboardRules.findings(board)
                    .forEach(
                        finding ->
                            findings
                                .computeIfAbsent(finding.rule(), r -> new TreeSet<>())
                                .add(name + ": " + finding.what())));
    var exceptions =
        Serialization.unmarshal(
                Files.readString(Queries.DASHBOARDS.resolve(".lint")), JsonNode.class)
            .path("exclusions");
    for (var rule : exceptions.properties()) {
      assertThat(rule.getValue().path("reason").asText()).as(rule.getKey()).hasSizeGreaterThan(40);
      assertThat(findings).as("an exception that nobody needs").containsKey(rule.getKey());
      findings.remove(rule.getKey());
    }
    assertThat(findings).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"fleet", "operator", "pool"})
  @DisplayName("every query is limited to what is chosen")
  void limited(String name) {
    var chosen =
        switch (name) {
          case "pool" -> "{namespace=\"$namespace\", pool=\"$pool\"";
          case "fleet" -> "{namespace=~\"$namespace\"";
          default -> "{namespace=~\"$installation\"";
        };
    // Of all agents, whoever steers them; and what only says whose JVM it is.
    var free = List.of("refork_agent_info", "refork_control_requests_total");
    for (var query : Queries.dashboards().get(name).path("panels").findValuesAsText("expr")) {
      for (var metric : SELECTED.matcher(query).results().toList()) {
        var before = query.substring(0, metric.start());
        if (!(name.equals("operator") && free.contains(metric.group(1)))
            && !before.endsWith("and on (pod, namespace) ")) {
          assertThat(String.valueOf(metric.group(2))).as(query).startsWith(chosen);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"fleet", "pool"})
  @DisplayName("a thousand pools and a thousand pods are ten lines")
  void bounded(String name) {
    for (var panel : Queries.dashboards().get(name).path("panels")) {
      if (panel.path("type").asText().equals("timeseries")) {
        for (var target : panel.path("targets")) {
          var legend = target.path("legendFormat").asText();
          if (legend.contains("{{pool}}") || legend.contains("{{pod}}")) {
            assertThat(target.path("expr").asText()).matches("(top|bottom)k\\(10, .*");
          } else {
            assertThat(target.path("expr").asText()).matches("(sum|max|min|avg|count)\\b.*");
          }
        }
      }
    }
  }

  @Test
  @DisplayName(
      "K8S-07 every metric that dashboards, alerts and runbooks name is exported and documented")
  void metrics() throws IOException {
    assertThat(OperatorDocs.agentMetrics()).isEqualTo(AgentMetricNames.all());
    var known = new TreeSet<>(OperatorDocs.agentMetrics());
    known.addAll(OperatorDocs.metrics());
    var named = Queries.metrics();
    named.addAll(Queries.metrics(Files.readString(Path.of("docs/runbooks.md"))));
    named.removeIf(name -> !name.startsWith("refork_"));
    assertThat(known).containsAll(named);
  }
}
