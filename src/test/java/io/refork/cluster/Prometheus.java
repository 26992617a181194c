package io.refork.cluster;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;

/** A real Prometheus beside the tests, with the project's alerts. Its data goes with it. */
public final class Prometheus implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path RULES = Path.of("deploy/rules/refork.rules.yaml");

  /** What it scrapes, on 127.0.0.1; labels as a monitor of Kubernetes would add them. */
  public record Target(String job, int port, Map<String, String> labels) {}

  private final Path folder;
  private final URI address;
  private final Child child;

  private Prometheus(Path folder, int port) {
    this.folder = folder;
    address = URI.create("http://127.0.0.1:" + port);
    child =
        Child.start(
            "Prometheus",
            folder.resolve("log"),
            Map.of(),
            List.of(
                Binaries.of("prometheus").toString(),
                "--config.file=" + folder.resolve("prometheus.json"),
                "--storage.tsdb.path=" + folder.resolve("data"),
                "--web.listen-address=127.0.0.1:" + port,
                "--log.level=warn"));
  }

  /** Starts one that scrapes and judges every {@code interval}, and waits until it answers. */
  public static Prometheus start(Duration interval, List<Target> targets) {
    return scraping(interval, targets(targets));
  }

  /** The same, told what to scrape in Prometheus' own words: its {@code scrape_configs}. */
  public static Prometheus scraping(Duration interval, List<Map<String, Object>> configs) {
    try {
      var folder = Files.createTempDirectory("refork-prometheus");
      Files.writeString(
          folder.resolve("prometheus.json"),
          JSON.writeValueAsString(configuration(interval, configs)));
      var prometheus = new Prometheus(folder, ControlPlane.freePort());
      prometheus.awaitReady();
      return prometheus;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Map<String, Object> configuration(
      Duration interval, List<Map<String, Object>> configs) {
    var every = interval.toMillis() + "ms";
    return Map.of(
        "global",
        Map.of("scrape_interval", every, "scrape_timeout", every, "evaluation_interval", every),
        "rule_files",
        List.of(RULES.toAbsolutePath().toString()),
        "scrape_configs",
        configs);
  }

  private static List<Map<String, Object>> targets(List<Target> targets) {
    return targets.stream()
        .map(Target::job)
        .distinct()
        .map(
            job ->
                Map.<String, Object>of(
                    "job_name",
                    job,
                    "honor_labels",
                    true,
                    "static_configs",
                    targets.stream()
                        .filter(target -> target.job().equals(job))
                        .map(Prometheus::group)
                        .toList()))
        .toList();
  }

  private static Map<String, Object> group(Target target) {
    return Map.of("targets", List.of("127.0.0.1:" + target.port()), "labels", target.labels());
  }

  private void awaitReady() {
    try {
      Awaitility.await("Prometheus is ready")
          .atMost(Duration.ofSeconds(30))
          .pollInterval(Duration.ofMillis(100))
          .ignoreExceptionsInstanceOf(UncheckedIOException.class)
          .until(() -> child.alive() && get("/-/ready").statusCode() == 200);
    } catch (RuntimeException e) {
      var tail = child.tail();
      close();
      throw new AssertionError("Prometheus does not start\n" + tail, e);
    }
  }

  /** Where its API is. */
  public URI address() {
    return address;
  }

  /** The names of all series that it has seen. */
  public List<String> names() {
    var names = new ArrayList<String>();
    data("/api/v1/label/__name__/values").forEach(name -> names.add(name.asText()));
    return names;
  }

  /** The job of each target that answers. */
  public List<String> up() {
    var jobs = new ArrayList<String>();
    for (var target : data("/api/v1/targets?state=active").path("activeTargets")) {
      if (target.path("health").asText().equals("up")) {
        jobs.add(target.at("/labels/job").asText());
      }
    }
    return jobs;
  }

  /**
   * The alerts that are pending or firing, but for those of other pools' namespaces: one operator
   * looks after the pools of all tests.
   *
   * @param namespaces of the pool and of the operator
   */
  public List<String> alerts(String... namespaces) {
    return data("/api/v1/alerts").path("alerts").findParents("alertname").stream()
        .filter(
            labels ->
                labels.path("namespace").isMissingNode()
                    || List.of(namespaces).contains(labels.path("namespace").asText()))
        .map(labels -> labels.path("alertname").asText())
        .distinct()
        .toList();
  }

  private JsonNode data(String path) {
    try {
      return JSON.readTree(get(path).body()).path("data");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private HttpResponse<String> get(String path) {
    try (var http = HttpClient.newHttpClient()) {
      var request =
          HttpRequest.newBuilder(address.resolve(path)).timeout(Duration.ofSeconds(10)).build();
      return http.send(request, HttpResponse.BodyHandlers.ofString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    child.close();
    try (var files = Files.walk(folder)) {
      files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
