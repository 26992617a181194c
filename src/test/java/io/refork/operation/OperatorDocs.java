package io.refork.operation;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The tables of docs/operator.md. */
final class OperatorDocs {
  private static final Path FILE = Path.of("docs/operator.md");
  private static final Path AGENTS = Path.of("docs/operations.md");
  private static final Pattern CODE = Pattern.compile("`([^`]+)`");

  private OperatorDocs() {}

  /** The rows below a heading, each the cells between its bars; without the table's head. */
  static List<List<String>> rows(String heading) {
    return rows(FILE, heading);
  }

  private static List<List<String>> rows(Path file, String heading) {
    try {
      var text = Files.readString(file);
      int start = text.indexOf("\n## " + heading + "\n");
      if (start < 0) {
        throw new AssertionError(file + " has no heading: " + heading);
      }
      int end = text.indexOf("\n## ", start + 4);
      return text.substring(start, end < 0 ? text.length() : end)
          .lines()
          .filter(line -> line.startsWith("|") && !line.startsWith("|--"))
          .map(
              line ->
                  List.of(line.substring(1, line.lastIndexOf('|')).split("\\|")).stream()
                      .map(String::strip)
                      .toList())
          .skip(1)
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What stands in the first cell of each row between backticks. */
  static Set<String> names(String heading) {
    return rows(heading).stream()
        .flatMap(row -> CODE.matcher(row.getFirst()).results())
        .map(match -> match.group(1))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** Names of the operator's series, as Prometheus stores them. */
  static Set<String> metrics() {
    return metrics(rows("Metrics"));
  }

  /** The same of the agents, from docs/operations.md. */
  static Set<String> agentMetrics() {
    return metrics(rows(AGENTS, "Metrics"));
  }

  private static Set<String> metrics(List<List<String>> rows) {
    var all = new TreeSet<String>();
    for (var row : rows) {
      for (var name : CODE.matcher(row.getFirst()).results().toList()) {
        var bare = name.group(1).replaceAll("\\{.*", "");
        if (bare.endsWith("_duration_seconds")) {
          all.addAll(List.of(bare + "_sum", bare + "_count"));
          if (row.get(1).contains("(histogram)")) {
            all.add(bare + "_bucket");
          }
        } else if (bare.startsWith("refork_")) {
          all.add(bare);
        }
      }
    }
    return all;
  }
}
