package io.refork.agent.cli;

import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Whose thread, file or peer a name is likely to be, and what helps. Only a hint: names are not
 * proof, and advice is given beside them, never instead.
 */
final class KnownNames {
  /** A thread's name, a file's or an address, and what to do where it is in the way. */
  private record Known(Pattern name, String advice) {}

  private static final List<Known> ALL =
      List.of(
          known("^sentry[.-]", "sentry-sdk: docs/recipes.md#sentry-sdk"),
          known("^OtelPeriodic", "OpenTelemetry: docs/recipes.md#opentelemetry-metrics"),
          known("^Otel", "OpenTelemetry: docs/recipes.md#opentelemetry-traces"),
          known("^pool-\\d+-(worker-\\d+|scheduler)$", "psycopg_pool: docs/recipes.md#psycopg"),
          known(
              "^APScheduler",
              "one scheduler for the pool: docs/recipes.md#background-threads-apscheduler"),
          known(
              "^(grpc_|event_engine|timer_manager|lifeguard|default-executo|resolver-exe)",
              "gRPC: docs/recipes.md#grpc"),
          known("^pymongo_", "PyMongo: close the client, make it in after_fork"),
          known(
              "^ThreadPoolExecutor-|^asyncio_\\d+$",
              "an executor's threads end by themselves once no task runs"),
          known(
              "^unnamed$",
              "mostly of OpenMP or MKL: OMP_NUM_THREADS=1 and MKL_NUM_THREADS=1, or --allow-thread unnamed"),
          known(
              "(counter|gauge_\\w+|histogram|summary)_\\d+\\.db",
              "prometheus_client: docs/recipes.md#prometheus_client-multiprocess"),
          known(
              "\\.(db|sqlite3?)\\b", "SQLite: close the connection; Django: refork.contrib.django"),
          known(":5432$", "PostgreSQL: docs/recipes.md#sqlalchemy and #psycopg"),
          known(":3306$", "MySQL: docs/recipes.md#sqlalchemy"),
          known(":6379$", "Redis: docs/recipes.md#redis"));

  private KnownNames() {}

  private static Known known(String name, String advice) {
    return new Known(Pattern.compile(name), advice);
  }

  /** What is known of the first of these names that anything is known of. */
  static Optional<String> advice(List<String> names) {
    return names.stream()
        .flatMap(name -> ALL.stream().filter(k -> k.name().matcher(name).find()))
        .map(Known::advice)
        .findFirst();
  }

  /** As {@link #advice(List)}, for what stands in single quotes in a text and for its words. */
  static Optional<String> adviceOn(String text) {
    var names = new java.util.ArrayList<String>();
    var quoted = Pattern.compile("'([^']*)'").matcher(text);
    while (quoted.find()) {
      names.add(quoted.group(1));
    }
    names.addAll(List.of(text.split("[\\s,;]+")));
    return advice(names);
  }
}
