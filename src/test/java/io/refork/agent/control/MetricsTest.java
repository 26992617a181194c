package io.refork.agent.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.refork.agent.control.Status.Counters;
import io.refork.agent.control.Status.Listener;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class MetricsTest {
  private final AtomicReference<Status> status = new AtomicReference<>(Statuses.serving(8));
  private final Metrics metrics = new Metrics(status::get, new ControlOutcomes());

  private List<String> scrape() {
    return metrics.scrape().lines().filter(line -> !line.startsWith("#")).toList();
  }

  @Test
  @DisplayName("every metric of the agent has its documented name and its value of this moment")
  void names() {
    metrics.spawnTook(Duration.ofMillis(120));
    metrics.reforkTook(Duration.ofSeconds(42));
    assertThat(scrape())
        .contains(
            "refork_workers{state=\"ready\"} 7.0",
            "refork_workers{state=\"promoting\"} 1.0",
            "refork_workers_desired 8.0",
            "refork_generation 3.0",
            "refork_level 2.0",
            "refork_mold_state{state=\"ready\"} 1.0",
            "refork_requests_total 10000.0",
            "refork_request_errors_total 12.0",
            "refork_busy_workers 5.0",
            "refork_oldest_request_seconds 0.25",
            "refork_accept_queue_length{listener=\"http\"} 3.0",
            "refork_accept_queue_limit{listener=\"http\"} 2048.0",
            "refork_worker_exits_total{reason=\"crashed\"} 3.0",
            "refork_spawns_total{outcome=\"ok\"} 30.0",
            "refork_spawn_duration_seconds_bucket{le=\"0.5\"} 1",
            "refork_spawn_duration_seconds_count 1",
            "refork_spawn_duration_seconds_sum 0.12",
            "refork_refork_duration_seconds_sum 42.0",
            "refork_reforks_total{outcome=\"aborted\",reason=\"canary-died\"} 1.0",
            "refork_promotion_refusals_total{reason=\"threads\"} 1.0",
            "refork_memory_private_bytes{role=\"mold\"} 1048576.0",
            "refork_memory_proportional_bytes{role=\"current\"} 1.6777216E8",
            "refork_memory_resident_bytes{role=\"old\"} 6.291456E8",
            "refork_memory_shared_ratio 0.8125",
            "refork_container_memory_bytes 5.24288E8",
            "refork_orphans_reaped_total 5.0",
            "refork_log_lines_dropped_total 0.0",
            "refork_agent_info{version=\"0.1.0\"} 1")
        .anyMatch(line -> line.startsWith("refork_reforks_total{outcome=\"completed\""))
        .anyMatch(line -> line.startsWith("refork_memory_saved_bytes "));
  }

  @Test
  @DisplayName("what is unknown has no series but a reason, and comes when it is known")
  void unknown() {
    status.set(Statuses.booting());
    assertThat(scrape())
        .contains(
            "refork_memory_unknown{reason=\"not-sampled-yet\"} 1.0",
            "refork_mold_state{state=\"starting\"} 0.0",
            "refork_mold_state{state=\"ready\"} 0.0")
        .noneMatch(line -> line.startsWith("refork_memory_shared_ratio"))
        .noneMatch(line -> line.startsWith("refork_accept_queue"))
        .noneMatch(line -> line.contains("NaN"));
    status.set(Statuses.serving(2));
    assertThat(scrape())
        .contains("refork_memory_shared_ratio 0.8125")
        .noneMatch(line -> line.startsWith("refork_memory_unknown"));
  }

  @Test
  @DisplayName("how the last refork ended and when stands there until the next one has ended")
  void lastRefork() {
    long before = System.currentTimeMillis() / 1000;
    metrics.reforkTook(Duration.ofSeconds(42));
    assertThat(last()).isEmpty();
    status.set(Statuses.reforked(status.get(), "aborted", "canary-died"));
    assertThat(last())
        .singleElement()
        .asString()
        .contains("{outcome=\"aborted\",reason=\"canary-died\"}");
    status.set(Statuses.reforked(status.get(), "running", ""));
    assertThat(last()).singleElement().asString().contains("canary-died");
    status.set(Statuses.reforked(status.get(), "completed", ""));
    metrics.reforkTook(Duration.ofSeconds(42));
    assertThat(last()).singleElement().asString().contains("{outcome=\"completed\",reason=\"\"}");
    var end = last().getFirst();
    assertThat(Double.parseDouble(end.substring(end.lastIndexOf(' '))))
        .isBetween((double) before, before + 60.0);
  }

  private List<String> last() {
    return scrape().stream()
        .filter(line -> line.startsWith("refork_last_refork_timestamp_seconds"))
        .toList();
  }

  @Test
  @DisplayName(
      "at most 60 series with 64 workers, 16 sockets and every word there is; nothing is lost in 'other'")
  void bounded() {
    var words = new HashMap<String, Long>();
    for (var reason : io.refork.agent.pool.ExitReason.values()) {
      words.put(reason.word(), 1L);
    }
    var reforks = new HashMap<String, Map<String, Long>>();
    for (var outcome : List.of("completed", "completed-unproven", "refused", "aborted")) {
      var reasons = new HashMap<String, Long>();
      for (var reason : io.refork.agent.pool.ReforkReason.values()) {
        reasons.put(reason.word(), 1L);
      }
      reforks.put(outcome, reasons);
    }
    var listeners = new ArrayList<Listener>();
    for (int i = 0; i < 16; i++) {
      listeners.add(
          new Listener("s" + i, "0.0.0.0:" + (8000 + i), Statuses.known(0), Statuses.known(1)));
    }
    scrape();
    status.set(
        Statuses.with(
            Statuses.limited(Statuses.serving(64)),
            new Counters(
                1,
                1,
                words,
                Map.of("ok", 1L, "failed", 1L, "timeout", 1L),
                reforks,
                words,
                1,
                1,
                1,
                1),
            listeners));
    status.set(Statuses.reforked(status.get(), "completed", ""));
    metrics.reforkTook(Duration.ofSeconds(42));
    metrics.spawnTook(Duration.ofMillis(1));
    var lines = scrape();
    assertThat(lines).hasSizeLessThanOrEqualTo(60);
    assertThat(sum(lines, "refork_worker_exits_total")).isEqualTo(9);
    assertThat(sum(lines, "refork_reforks_total")).isEqualTo(4 * 14);
    assertThat(scrape()).hasSameSizeAs(lines);
  }

  private static double sum(List<String> lines, String name) {
    return lines.stream()
        .filter(line -> line.startsWith(name + "{"))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
        .sum();
  }
}
