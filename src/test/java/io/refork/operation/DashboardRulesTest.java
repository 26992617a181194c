package io.refork.operation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.refork.operation.DashboardRules.Finding;
import io.refork.operation.Queries.Query;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** That a mistake in a dashboard is seen, and that queries are what Grafana would send. */
class DashboardRulesTest {
  private static final String BOARD =
      """
      {"editable": false,
       "templating": {"list": [
         {"name": "datasource", "label": "Data source", "type": "datasource"},
         {"name": "namespace", "type": "query", "refresh": 2, "multi": true,
          "definition": "label_values(refork_level, namespace)"},
         {"name": "pool", "type": "query", "refresh": 2, "multi": false,
          "definition": "label_values(refork_level{namespace=~\\"$namespace\\"}, pool)"}]},
       "annotations": {"list": []},
       "panels": [{"type": "stat", "title": "Level", "description": "It is high.",
         "datasource": {"uid": "${datasource}"},
         "fieldConfig": {"defaults": {"unit": "none"}, "overrides": []},
         "targets": [{"refId": "A", "range": true,
           "expr": "rate(refork_requests_total{pool=\\"$pool\\"}[$__rate_interval])"}]}]}
      """;

  static Stream<Arguments> mistakes() {
    return Stream.of(
        mistake("uneditable-dashboard", board -> board.put("editable", true)),
        mistake("template-datasource-rule", board -> variable(board, 0).put("name", "source")),
        mistake(
            "template-on-time-change-reload-rule", board -> variable(board, 1).put("refresh", 1)),
        mistake("panel-title-description-rule", board -> panel(board).put("description", "")),
        mistake(
            "panel-datasource-rule", board -> panel(board).putObject("datasource").put("uid", "x")),
        mistake("panel-no-targets-rule", board -> panel(board).putArray("targets")),
        mistake("panel-units-rule", board -> defaults(board).put("unit", "percentunits")),
        mistake(
            "target-rate-interval-rule", board -> expr(board, "rate(refork_requests_total[5m])")),
        mistake("target-counter-agg-rule", board -> expr(board, "sum(refork_requests_total)")));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("mistakes")
  @DisplayName("each rule finds its mistake")
  void found(String rule, Consumer<ObjectNode> mistake) throws IOException {
    var board = board();
    assertThat(DashboardRules.findings(board)).extracting(Finding::rule).doesNotContain(rule);
    mistake.accept(board);
    assertThat(DashboardRules.findings(board)).extracting(Finding::rule).contains(rule);
  }

  @Test
  @DisplayName(
      "variables are replaced as Grafana does it: several values are a pattern, one is itself")
  void replaced() throws IOException {
    var chosen = Map.of("namespace", "a.b", "pool", "c.d");
    assertThat(Queries.of("x", board(), chosen, Duration.ofSeconds(15)))
        .containsExactly(
            new Query("x: $namespace", "count by (namespace) (refork_level)", true),
            new Query("x: $pool", "count by (pool) (refork_level{namespace=~\"a\\\\.b\"})", true),
            new Query("x: Level", "rate(refork_requests_total{pool=\"c.d\"}[60s])", true));
    var all =
        Queries.of("x", board(), Map.of("namespace", ".+", "pool", "p"), Duration.ofSeconds(1));
    assertThat(all.get(1).text()).contains("namespace=~\".+\"");
    assertThat(all.get(2).text()).endsWith("[4s])");
  }

  @Test
  @DisplayName("a variable that nobody has set is a mistake")
  void unset() throws IOException {
    var board = board();
    expr(board, "refork_level{pool=\"${poll:regex}\"}");
    assertThatThrownBy(
            () ->
                Queries.of(
                    "x", board, Map.of("namespace", "a", "pool", "b"), Duration.ofSeconds(1)))
        .hasMessageContaining("$poll");
  }

  @Test
  @DisplayName("metrics are names, not the values of labels")
  void named() {
    assertThat(
            Queries.metrics(
                "max by (pool) (refork_level{pool=\"refork_x\"}) / on () jvm_threads_live_threads"))
        .containsExactly("jvm_threads_live_threads", "refork_level");
  }

  private static Arguments mistake(String rule, Consumer<ObjectNode> change) {
    return Arguments.of(rule, change);
  }

  private static ObjectNode board() throws IOException {
    return (ObjectNode) Queries.JSON.readTree(BOARD);
  }

  private static ObjectNode variable(JsonNode board, int index) {
    return (ObjectNode) board.path("templating").path("list").path(index);
  }

  private static ObjectNode panel(JsonNode board) {
    return (ObjectNode) board.path("panels").path(0);
  }

  private static ObjectNode defaults(JsonNode board) {
    return (ObjectNode) panel(board).path("fieldConfig").path("defaults");
  }

  private static void expr(JsonNode board, String expr) {
    ((ObjectNode) panel(board).path("targets").path(0)).put("expr", expr);
  }
}
