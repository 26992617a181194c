package io.refork.operation;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * The rules of Grafana's dashboard linter, under its names. The linter itself brings half of Loki
 * and of Grafana: too long to build for what it checks. Its rule that queries are PromQL is
 * Prometheus' own word here: {@link QueriesTest}.
 */
final class DashboardRules {
  private static final List<String> UNITS =
      List.of("none", "percentunit", "bytes", "s", "reqps", "ops", "wps", "dateTimeFromNow");
  private static final Pattern RATE = Pattern.compile("\\bi?rate\\([^\\[]*\\[([^]]+)]");
  private static final Pattern COUNTER = Pattern.compile("\\b[a-z_]+_total\\b");
  private static final Pattern OVER_TIME = Pattern.compile(".*\\b(rate|irate|increase)\\(\\s*$");
  private static final Pattern SELECTOR = Pattern.compile("\\b[a-z]+_[a-z_]+\\{[^}]*}");

  private DashboardRules() {}

  /** What a rule has against a dashboard. */
  record Finding(String rule, String what) {}

  static List<Finding> findings(JsonNode board) {
    var all = new ArrayList<Finding>();
    if (board.path("editable").asBoolean(true)) {
      all.add(new Finding("uneditable-dashboard", "editable"));
    }
    variables(board, all);
    for (var panel : board.path("panels")) {
      if (!panel.path("type").asText().equals("row")) {
        panel(panel, all);
      }
    }
    return all;
  }

  private static void variables(JsonNode board, List<Finding> all) {
    var names = new ArrayList<String>();
    for (var variable : board.path("templating").path("list")) {
      var name = variable.path("name").asText();
      names.add(name);
      if (variable.path("type").asText().equals("datasource")) {
        if (!name.equals("datasource") || !variable.path("label").asText().equals("Data source")) {
          all.add(new Finding("template-datasource-rule", name));
        }
      } else if (variable.path("refresh").asInt() != 2) {
        all.add(new Finding("template-on-time-change-reload-rule", name));
      }
    }
    if (!names.getFirst().equals("datasource")) {
      all.add(new Finding("template-datasource-rule", "it is missing"));
    }
    for (var needed : List.of("job", "instance")) {
      if (!names.contains(needed)) {
        all.add(new Finding("template-" + needed + "-rule", "no variable"));
      }
    }
  }

  private static void panel(JsonNode panel, List<Finding> all) {
    var title = panel.path("title").asText();
    if (!panel.path("datasource").path("uid").asText().equals("${datasource}")) {
      all.add(new Finding("panel-datasource-rule", title));
    }
    if (title.isEmpty() || panel.path("description").asText().isEmpty()) {
      all.add(new Finding("panel-title-description-rule", title));
    }
    if (panel.path("targets").isEmpty()) {
      all.add(new Finding("panel-no-targets-rule", title));
    }
    units(panel, all);
    for (var target : panel.path("targets")) {
      query(title, target.path("expr").asText(), all);
    }
  }

  /**
   * Everywhere, where the linter is content with one place; a typing error shows as text behind
   * each number.
   */
  private static void units(JsonNode panel, List<Finding> all) {
    var units = new ArrayList<String>();
    units.add(panel.path("fieldConfig").path("defaults").path("unit").asText());
    for (var property : panel.path("fieldConfig").path("overrides").findValues("properties")) {
      property.forEach(
          p -> {
            if (p.path("id").asText().equals("unit")) {
              units.add(p.path("value").asText());
            }
          });
    }
    if (!UNITS.containsAll(units)) {
      all.add(new Finding("panel-units-rule", panel.path("title").asText() + " " + units));
    }
  }

  private static void query(String title, String query, List<Finding> all) {
    for (var rate : RATE.matcher(query).results().toList()) {
      if (!rate.group(1).equals("$__rate_interval")) {
        all.add(new Finding("target-rate-interval-rule", title + ": " + rate.group()));
      }
    }
    for (var counter : COUNTER.matcher(query).results().toList()) {
      if (!OVER_TIME.matcher(query.substring(0, counter.start())).matches()) {
        all.add(new Finding("target-counter-agg-rule", title + ": " + counter.group()));
      }
    }
    for (var label : List.of("job", "instance")) {
      for (var selector : SELECTOR.matcher(query).results().toList()) {
        if (!selector.group().contains(label + "=~\"$" + label + "\"")) {
          all.add(new Finding("target-" + label + "-rule", title));
        }
      }
    }
  }
}
