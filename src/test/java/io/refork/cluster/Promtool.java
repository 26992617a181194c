package io.refork.cluster;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Prometheus' own judge of rules. */
public final class Promtool {
  private Promtool() {}

  /** Runs it and waits. */
  public static Ran run(String... arguments) {
    var command = new ArrayList<>(List.of(Binaries.of("promtool").toString()));
    command.addAll(List.of(arguments));
    return Ran.run(Map.of(), "", command);
  }
}
