package io.refork.operation;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.StreamSupport;

/**
 * Every query of the dashboards and the alerts as Prometheus gets it, and what it answers.
 * Grafana's variables are replaced the way Grafana does.
 */
public final class Queries {
  static final Path DASHBOARDS = Path.of("deploy/dashboards");
  static final Path RULES = Path.of("deploy/rules/refork.rules.yaml");
  static final ObjectMapper JSON = new ObjectMapper();

  private static final Pattern VARIABLE =
      Pattern.compile("\\$(\\w+)|\\$\\{(\\w+)(?::\\w+)?}|\\[\\[(\\w+)]]");
  private static final Pattern LABEL_VALUES = Pattern.compile("label_values\\((.+), *(\\w+)\\)");
  private static final Pattern METRIC =
      Pattern.compile("\\b((?:refork|jvm|process|system|operator_sdk)_[a-z0-9_]+)(?![a-z0-9_(])");

  /** What Grafana shows: the panels draw from then to now. */
  private static final Duration RANGE = Duration.ofMinutes(5);

  private Queries() {}

  /**
   * One query.
   *
   * @param where {@code pool: Trouble} for a panel, with the letter of its query when it has
   *     several; {@code pool: $namespace} for a variable; {@code pool: @Generation} for a mark; an
   *     alert's name
   * @param range over a time and not of one moment
   */
  public record Query(String where, String text, boolean range) {}

  /**
   * What came of asking.
   *
   * @param failed with Prometheus' words
   * @param empty those without any data, by where they stand
   */
  public record Answers(Map<Query, String> failed, Set<String> empty) {}

  /** The dashboards, by the names of their files without the ending. */
  public static Map<String, JsonNode> dashboards() {
    try (var files = Files.list(DASHBOARDS)) {
      var all = new LinkedHashMap<String, JsonNode>();
      for (var file : files.filter(f -> f.toString().endsWith(".json")).sorted().toList()) {
        all.put(file.getFileName().toString().replace(".json", ""), JSON.readTree(file.toFile()));
      }
      return all;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The alerts, in their order. */
  public static List<JsonNode> alerts() {
    try {
      var file = Serialization.unmarshal(Files.readString(RULES), JsonNode.class);
      return StreamSupport.stream(file.path("groups").spliterator(), false)
          .flatMap(group -> StreamSupport.stream(group.path("rules").spliterator(), false))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Every query of every dashboard.
   *
   * @param chosen the value of each variable, such as {@code namespace}; {@code .+} for all
   * @param scrapeInterval as the data source in Grafana is told
   */
  public static List<Query> ofDashboards(Map<String, String> chosen, Duration scrapeInterval) {
    var queries = new ArrayList<Query>();
    dashboards().forEach((name, board) -> queries.addAll(of(name, board, chosen, scrapeInterval)));
    return queries;
  }

  static List<Query> of(
      String name, JsonNode board, Map<String, String> chosen, Duration scrapeInterval) {
    var queries = new ArrayList<Query>();
    var values = values(board, chosen, scrapeInterval);
    for (var variable : board.path("templating").path("list")) {
      if (variable.path("type").asText().equals("query")) {
        var asked = LABEL_VALUES.matcher(replace(variable.path("definition").asText(), values));
        if (!asked.matches()) {
          throw new AssertionError(name + ": " + variable.path("definition"));
        }
        queries.add(
            new Query(
                name + ": $" + variable.path("name").asText(),
                "count by (" + asked.group(2) + ") (" + asked.group(1) + ")",
                true));
      }
    }
    for (var mark : board.path("annotations").path("list")) {
      queries.add(
          new Query(
              name + ": @" + mark.path("name").asText(),
              replace(mark.path("expr").asText(), values),
              true));
    }
    for (var panel : board.path("panels")) {
      var targets = panel.path("targets");
      for (var target : targets) {
        var letter = targets.size() > 1 ? " " + target.path("refId").asText() : "";
        queries.add(
            new Query(
                name + ": " + panel.path("title").asText() + letter,
                replace(target.path("expr").asText(), values),
                target.path("range").asBoolean()));
      }
    }
    return queries;
  }

  /** The expression of every alert. Most are empty while nothing is wrong. */
  public static List<Query> ofAlerts() {
    return alerts().stream()
        .map(a -> new Query(a.path("alert").asText(), a.path("expr").asText(), false))
        .toList();
  }

  /** Every metric that a dashboard or an alert names, as a query of its own. */
  public static List<Query> ofMetrics() {
    return metrics().stream().map(name -> new Query(name, name, true)).toList();
  }

  /** Every metric that a dashboard or an alert names. */
  static Set<String> metrics() {
    var names = new TreeSet<String>();
    dashboards()
        .values()
        .forEach(
            board -> {
              board.findValuesAsText("expr").forEach(expr -> names.addAll(metrics(expr)));
              board.findValuesAsText("definition").forEach(d -> names.addAll(metrics(d)));
            });
    alerts().forEach(alert -> names.addAll(metrics(alert.path("expr").asText())));
    return names;
  }

  static Set<String> metrics(String expression) {
    var names = new TreeSet<String>();
    // Not what stands between quotation marks: words there are values of labels.
    METRIC
        .matcher(expression.replaceAll("\"[^\"]*\"", ""))
        .results()
        .forEach(name -> names.add(name.group(1)));
    return names;
  }

  private static Map<String, String> values(
      JsonNode board, Map<String, String> chosen, Duration scrapeInterval) {
    var values = new LinkedHashMap<String, String>();
    for (var variable : board.path("templating").path("list")) {
      var name = variable.path("name").asText();
      Optional.ofNullable(chosen.get(name))
          .ifPresent(
              value ->
                  values.put(
                      name,
                      variable.path("multi").asBoolean() && !value.equals(".+")
                          ? value.replaceAll("[$^*{}\\[\\]'+?.()|]", "\\\\\\\\$0")
                          : value));
    }
    long scrape = scrapeInterval.toSeconds();
    long step = Math.max(1, scrape);
    values.put("__interval", step + "s");
    values.put("__rate_interval", Math.max(step + scrape, 4 * scrape) + "s");
    values.put("__range", RANGE.toSeconds() + "s");
    values.put("__range_s", Long.toString(RANGE.toSeconds()));
    values.put("__range_ms", Long.toString(RANGE.toMillis()));
    return values;
  }

  private static String replace(String expression, Map<String, String> values) {
    return VARIABLE
        .matcher(expression)
        .replaceAll(
            match -> {
              var name =
                  Optional.ofNullable(match.group(1))
                      .or(() -> Optional.ofNullable(match.group(2)))
                      .orElseGet(() -> match.group(3));
              if (!values.containsKey(name)) {
                throw new AssertionError("nobody has set $" + name + " in " + expression);
              }
              return Matcher.quoteReplacement(values.get(name));
            });
  }

  /** Asks a Prometheus all of them. */
  public static Answers ask(URI prometheus, List<Query> queries) {
    var failed = new LinkedHashMap<Query, String>();
    var empty = new TreeSet<String>();
    try (var http = HttpClient.newHttpClient()) {
      for (var query : queries) {
        var answer = ask(http, prometheus, query);
        if (!answer.path("status").asText().equals("success")) {
          failed.put(query, answer.path("error").asText());
        } else if (answer.path("data").path("result").isEmpty()) {
          empty.add(query.where());
        }
      }
    }
    return new Answers(failed, empty);
  }

  private static JsonNode ask(HttpClient http, URI prometheus, Query query) {
    var text = URLEncoder.encode(query.text(), StandardCharsets.UTF_8);
    var now = Instant.now().getEpochSecond();
    var path =
        query.range()
            ? "/api/v1/query_range?start=%d&end=%d&step=1&query=%s"
                .formatted(now - RANGE.toSeconds(), now, text)
            : "/api/v1/query?query=" + text;
    try {
      var request =
          HttpRequest.newBuilder(prometheus.resolve(path)).timeout(Duration.ofSeconds(30)).build();
      return JSON.readTree(http.send(request, HttpResponse.BodyHandlers.ofString()).body());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
