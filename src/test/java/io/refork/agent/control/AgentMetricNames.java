package io.refork.agent.control;

import java.time.Duration;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The names that a scrape of the agent can hold, for tests of what asks for them. */
public final class AgentMetricNames {
  private static final Pattern NAME = Pattern.compile("(?m)^(refork_[a-z_]+)");

  private AgentMetricNames() {}

  /** Of an agent that serves under a memory limit, and of one that boots. */
  public static Set<String> all() {
    var names = new TreeSet<String>();
    var limited = Statuses.limited(Statuses.serving(8));
    Stream.of(limited, Statuses.reforked(limited, "completed", ""), Statuses.booting())
        .map(status -> new Metrics(() -> status, new ControlOutcomes()))
        .peek(metrics -> metrics.reforkTook(Duration.ofSeconds(1)))
        .forEach(
            metrics ->
                NAME.matcher(metrics.scrape()).results().forEach(name -> names.add(name.group(1))));
    return names;
  }
}
