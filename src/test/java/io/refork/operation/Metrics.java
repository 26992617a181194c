package io.refork.operation;

import static org.assertj.core.api.Assertions.assertThat;

import io.refork.cluster.OperatorProcess;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** What a running operator exports is what docs/operator.md lists. */
final class Metrics {
  private static final Pattern NAME = Pattern.compile("(?m)^(refork_[a-z_]+)");

  private Metrics() {}

  /** Of an operator with a pool that has everything known about it. */
  static void check(OperatorProcess operator) {
    var exported =
        NAME.matcher(operator.metrics())
            .results()
            .map(match -> match.group(1))
            .filter(name -> !name.endsWith("_max"))
            .collect(Collectors.toCollection(TreeSet::new));
    var documented = OperatorDocs.metrics();
    documented.remove("refork_pool_problems"); // no line while there is none: QueriesTest sees it
    assertThat(exported).as("docs/operator.md, Metrics").isEqualTo(documented);
  }
}
