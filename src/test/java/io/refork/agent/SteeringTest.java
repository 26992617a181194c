package io.refork.agent;

import static org.assertj.core.api.Assertions.assertThat;

import io.refork.agent.config.UsageException;
import io.refork.agent.control.Statuses;
import io.refork.agent.log.Log;
import io.refork.agent.pool.Action;
import io.refork.agent.pool.Event;
import io.refork.agent.steer.ReportMaker.Seen;
import io.refork.agent.steer.Steered;
import io.refork.agent.steer.SteeredFile;
import io.refork.protocol.control.Desired;
import io.refork.protocol.control.DesiredCodec;
import io.refork.protocol.control.Permit;
import io.refork.protocol.control.Report;
import io.refork.protocol.control.Report.Finished;
import io.refork.protocol.control.Report.Outcome;
import io.refork.protocol.control.ReportCodec;
import io.refork.protocol.control.Revision;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Between the endpoint, the disk and the loop: the order of things, and what fails visibly. */
class SteeringTest {
  private static final Instant NOW = Instant.ofEpochSecond(1_800_000_000);

  @TempDir private Path dir;
  private final Log log = Log.start(Log.Format.TEXT, line -> {});
  private final Played loop = new Played();

  /** A loop that does at once what it is asked, or nothing. */
  private final class Played implements Steering.Loop {
    final List<Event> events = new ArrayList<>();
    final List<Map<String, String>> settings = new ArrayList<>();
    final List<Boolean> recordedFirst = new ArrayList<>();
    String refusal = "";
    boolean stuck;

    @Override
    public void ask(Event event) {
      recordedFirst.add(Files.exists(dir.resolve("steered.json")));
      events.add(event);
    }

    @Override
    public void later(Runnable work) {
      if (!stuck) {
        work.run();
      }
    }

    @Override
    public Seen look() {
      return new Seen(Statuses.serving(2), Optional.empty(), Optional.empty());
    }

    @Override
    public Seen newest() {
      return look();
    }

    @Override
    public void want(long generation, Map<String, String> wanted) throws UsageException {
      if (!refusal.isEmpty()) {
        throw new UsageException(refusal);
      }
      settings.add(wanted);
    }
  }

  @AfterEach
  void close() {
    log.close();
  }

  private Steering steering() {
    var file = new SteeredFile(dir);
    return new Steering(log, loop, file, Steering.found(file, "uid", log), "k3x9", () -> NOW);
  }

  private static Desired desired(long seq, Optional<Permit> permit) {
    return new Desired(
        "a/b",
        "uid",
        Optional.of("k3x9"),
        new Revision(1, seq),
        Map.of("workers", "4"),
        permit,
        false);
  }

  /** The played pool is at level 2. */
  private static Optional<Permit> permit(String id) {
    return Optional.of(new Permit(id, 3, Optional.of("monday"), NOW.plusSeconds(60)));
  }

  private static Report report(Steering steering, Desired desired) throws Exception {
    var answer = steering.take(DesiredCodec.encode(desired));
    assertThat(answer.code()).isEqualTo(200);
    return ReportCodec.decode(answer.body());
  }

  @Test
  @DisplayName("OP-11 a permit is on the disk before the pool hears of it, and told once")
  void recordedFirst() throws Exception {
    var steering = steering();
    for (int i = 0; i < 10; i++) {
      assertThat(report(steering, desired(5, permit("p-1"))).observed())
          .hasValue(new Revision(1, 5));
    }
    assertThat(loop.events).containsExactly(new Event.Permitted("p-1", 3, Duration.ofSeconds(60)));
    assertThat(loop.recordedFirst).containsExactly(true);
    assertThat(loop.settings).hasSize(1);

    steering.ended(new Action.ReforkEnded(Optional.of("p-1"), "completed", "", ""));
    var done = report(steering, desired(5, permit("p-1")));
    assertThat(done.last().map(Finished::outcome)).hasValue(Outcome.COMPLETED);
    assertThat(done.lastRequest()).hasValue("monday");
    assertThat(loop.events).hasSize(1);

    // The next agent of the pod knows it all.
    var after = report(steering(), desired(4, permit("p-0")));
    assertThat(after.observed()).hasValue(new Revision(1, 5));
    assertThat(after.lastRequest()).hasValue("monday");
    assertThat(loop.events).hasSize(1);
  }

  @Test
  @DisplayName("OP-11 a permit that cannot be recorded is refused visibly and not acted on")
  void notRecorded() throws Exception {
    Files.createDirectories(dir.resolve("steered.json.new/in/the/way"));
    var steering = steering();
    var report = report(steering, desired(5, permit("p-1")));
    assertThat(loop.events).isEmpty();
    assertThat(report.last().flatMap(Finished::permit)).hasValue("p-1");
    assertThat(report.last().map(Finished::outcome)).hasValue(Outcome.REFUSED);
    assertThat(report.last().map(Finished::reason)).hasValue("not-recorded");
    assertThat(report.observed()).hasValue(new Revision(1, 5));
    assertThat(loop.settings).hasSize(1);
  }

  @Test
  @DisplayName("OP-11 settings that cannot be used refuse the whole of it, the permit too")
  void refused() {
    loop.refusal = "setting \"workers\": no";
    var steering = steering();
    var answer = steering.take(DesiredCodec.encode(desired(5, permit("p-1"))));
    assertThat(answer.code()).isEqualTo(422);
    assertThat(new String(answer.body(), StandardCharsets.UTF_8))
        .isEqualTo("setting \"workers\": no\n");
    assertThat(loop.events).isEmpty();
    assertThat(dir.resolve("steered.json")).doesNotExist();
  }

  @Test
  @DisplayName("OP-11 when no thread is allowed, what has ended is written by the next request")
  void noThread() throws Exception {
    var file = new SteeredFile(dir);
    var steering =
        new Steering(
            log,
            loop,
            file,
            Steered.by("uid"),
            "k3x9",
            () -> NOW,
            task -> {
              throw new OutOfMemoryError("unable to create native thread");
            });
    report(steering, desired(5, permit("p-1")));
    steering.ended(new Action.ReforkEnded(Optional.of("p-1"), "completed", "", ""));
    report(steering, desired(5, permit("p-1")));
    assertThat(((SteeredFile.Found.State) file.read("uid")).steered().lastRequest())
        .hasValue("monday");
  }

  @Test
  @DisplayName(
      "OP-11 a loop that does not turn is not waited for: the newest report, nothing taken")
  void stuck() throws Exception {
    loop.stuck = true;
    var steering = steering();
    long begun = System.nanoTime();
    var report = report(steering, desired(5, permit("p-1")));
    assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofSeconds(10));
    assertThat(report.observed()).isEmpty();
    assertThat(loop.events).isEmpty();
    loop.stuck = false;
    assertThat(report(steering, desired(5, permit("p-1"))).observed()).hasValue(new Revision(1, 5));
    assertThat(loop.events).hasSize(1);
  }

  @Test
  @DisplayName("OP-11 a corrupt file of an earlier agent is a warning, not a death")
  void corrupt() throws Exception {
    Files.writeString(dir.resolve("steered.json"), "{\"pod\":");
    assertThat(report(steering(), desired(5, Optional.empty())).observed())
        .hasValue(new Revision(1, 5));
    assertThat(new SteeredFile(dir).read("uid")).isInstanceOf(SteeredFile.Found.State.class);
    assertThat(((SteeredFile.Found.State) new SteeredFile(dir).read("uid")).steered())
        .extracting(Steered::settings)
        .isEqualTo(Map.of("workers", "4"));
  }
}
