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

  private static final String RECIPE = "docs/recipes.md has the hooks";

  private static final List<Known> ALL =
      List.of(
          known("^sentry[.-]", "sentry-sdk: " + RECIPE),
          known("^Otel", "OpenTelemetry: " + RECIPE),
          known("^pool-\\d+-(worker-\\d+|scheduler)$", "psycopg_pool: close the pool; " + RECIPE),
          known("APScheduler", "APScheduler: one scheduler, not one per worker; " + RECIPE),
          known(
              "^(grpc_|event_engine|timer_manager|lifeguard|default-executo|resolver-exe)",
              "gRPC: make channels in after_fork; " + RECIPE),
          known("^pymongo_", "PyMongo: close the client; make it in after_fork"),
          known(
              "^ThreadPoolExecutor-|^asyncio_\\d+$",
              "an executor: shut it down in before_promote, make a new one in after_fork"),
          known(
              "serve_forever",
              "a server in a thread, such as Prometheus' start_http_server: one for all workers is not theirs; "
                  + RECIPE),
          known(
              "^unnamed$",
              "native, mostly BLAS or OpenMP: OPENBLAS_NUM_THREADS=1 and OMP_NUM_THREADS=1, or --allow-thread unnamed"),
          known("(counter|gauge_\\w+|histogram|summary)_\\d+\\.db", "prometheus_client: " + RECIPE),
          known(
              "\\.(db|sqlite3?)\\b", "SQLite: close the connection; Django: refork.contrib.django"),
          known(":5432$", "PostgreSQL: dispose of the engine or pool; " + RECIPE),
          known(":3306$", "MySQL: dispose of the engine or pool; " + RECIPE),
          known(":6379$", "Redis: disconnect its connection pool; " + RECIPE));

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
