package io.refork.agent.pool;

import static io.refork.agent.pool.Given.KILL;
import static io.refork.agent.pool.Given.PROMOTE;
import static io.refork.agent.pool.Given.workers;
import static org.assertj.core.api.Assertions.assertThat;

import io.refork.agent.linux.Signal;
import io.refork.agent.pool.ScriptedProcesses.Candidate;
import io.refork.agent.pool.ScriptedProcesses.Newborn;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** From the wish for a refork to a new mold that is ready, or not. */
class PromotionRulesTest {
  @Test
  @DisplayName(
      "GEN-03 the worker that served the most is promoted, and leaves when its mold is ready")
  void theBusiest() {
    var pool = workers(4).serving().allServe(10).serves(2, 5, 0);
    int busiest = pool.pid(2);
    pool.moldReadyAfter(Duration.ofSeconds(3)).askRefork().seconds(2);

    assertThat(pool.all(Action.Promote.class))
        .singleElement()
        .satisfies(p -> assertThat(p.worker()).isEqualTo(busiest))
        .satisfies(p -> assertThat(p.timeout()).isEqualTo(PROMOTE))
        .satisfies(p -> assertThat(p.generation()).isEqualTo(1));
    assertThat(pool.all(Action.AskStop.class)).isEmpty();

    pool.seconds(2);
    assertThat(pool.all(Action.AskStop.class).getFirst().pid()).isEqualTo(busiest);
    assertThat(pool.all(Action.Spawn.class).getFirst())
        .matches(s -> s.slot() == 2 && s.generation() == 1, "the canary takes the vacated slot");
  }

  @Test
  @DisplayName("GEN-03 no promotion while a spawn is outstanding")
  void notWhileForking() {
    var pool = workers(4).maxUnavailable(2).serving();
    pool.moldsFork(false).dies(pool.pid(0)).pass(Duration.ofMillis(1_500));
    assertThat(pool.all(Action.Spawn.class)).hasSize(1);

    pool.askRefork().seconds(1);
    assertThat(pool.all(Action.Promote.class)).isEmpty();
  }

  @ParameterizedTest(name = "GEN-06 {0}: the worker serves on, one other is asked, then none")
  @EnumSource(
      names = {
        "THREADS",
        "CHILDREN",
        "DESCRIPTORS",
        "NOT_FORK_SAFE",
        "HOOK_FAILED",
        "FORK_FAILED",
        "TIMEOUT"
      })
  void refused(ReforkReason reason) {
    var pool = workers(4).serving();
    var before = pool.pids();
    pool.candidatesRefuse(reason).askRefork().seconds(60);

    assertThat(pool.refork()).isEqualTo("refused " + reason.word());
    assertThat(pool.all(Action.Promote.class).stream().map(Action.Promote::worker).distinct())
        .hasSize(2);
    assertThat(pool.pids()).isEqualTo(before);
    assertThat(pool.leastReady()).isEqualTo(3);
    assertThat(pool.pool().tally().refusals()).containsEntry(reason, 2L);
  }

  @Test
  @DisplayName("GEN-06 after a refusal another candidate makes the next mold, under another number")
  void anotherCandidate() {
    var pool = workers(4).serving().serves(1, 5, 0);
    int first = pool.pid(1);
    pool.candidatesRefuse(ReforkReason.THREADS).askRefork().pass(Duration.ofMillis(1));
    pool.on(new Event.Refused(first, ReforkReason.THREADS, "two"));
    pool.candidates(Candidate.FORKS).seconds(1);

    assertThat(pool.all(Action.Promote.class))
        .extracting(Action.Promote::generation)
        .containsExactly(1, 2);
  }

  @Test
  @DisplayName("GEN-06 a candidate that does not answer is resumed, not blamed")
  void silent() {
    var pool = workers(4).serving();
    var before = pool.pids();
    int candidate = pool.pid(0);
    pool.candidates(Candidate.IS_SILENT).askRefork().pass(PROMOTE.plus(KILL).minusMillis(1));
    assertThat(pool.all(Action.Resume.class)).isEmpty();

    pool.pass(Duration.ofMillis(1));
    assertThat(pool.all(Action.Resume.class))
        .extracting(Action.Resume::worker)
        .containsExactly(candidate);
    pool.seconds(60);

    assertThat(pool.refork()).isEqualTo("refused timeout");
    assertThat(pool.pids()).isEqualTo(before);
    assertThat(pool.all(Action.Kill.class)).isEmpty();
  }

  @ParameterizedTest(
      name = "GEN-06 a candidate stopped serving and is silent, then comes back: {0}")
  @ValueSource(booleans = {true, false})
  void lost(boolean comesBack) {
    var pool = workers(4).heartbeat(Duration.ofSeconds(30)).serving();
    int candidate = pool.pid(0);
    pool.candidates(Candidate.IS_SILENT).askRefork();
    pool.on(away(candidate, true)).seconds(60);
    assertThat(pool.refork()).isEqualTo("refused timeout");
    assertThat(pool.all(Action.Promote.class)).as("nobody else is lost to it").hasSize(1);

    for (int i = 0; i < 40; i++) {
      pool.on(away(candidate, !comesBack)).seconds(1);
    }
    assertThat(pool.all(Action.Kill.class).stream().map(Action.Kill::pid).distinct().toList())
        .isEqualTo(comesBack ? List.of() : List.of(candidate));
    assertThat(pool.ready()).isEqualTo(4);
  }

  private static Event.Readings away(int pid, boolean away) {
    return new Event.Readings(List.of(new Event.Reading(pid, 0, 0, 0, 0, 0, away)));
  }

  @Test
  @DisplayName(
      "GEN-06 spawned comes after the promotion was given up: resumed again, the newborn ends")
  void lateSpawned() {
    var pool = workers(4).serving();
    pool.candidates(Candidate.IS_SILENT).askRefork().seconds(60).forget();
    int late = pool.pid(0);
    pool.on(new Event.Spawned(late, "0.late", 99));

    assertThat(pool.all(Action.Resume.class))
        .extracting(Action.Resume::worker)
        .containsExactly(late);
    assertThat(pool.all(Action.KillNewborn.class))
        .extracting(Action.KillNewborn::spawn)
        .containsExactly("0.late");
  }

  @Test
  @DisplayName("GEN-03 a new mold that never gets ready is killed, and the worker serves on")
  void moldHangs() {
    var pool = workers(4).serving();
    var before = pool.pids();
    pool.candidates(Candidate.ITS_MOLD_HANGS).askRefork().seconds(60);

    assertThat(pool.refork()).isEqualTo("refused timeout");
    assertThat(pool.pids()).isEqualTo(before);
    assertThat(pool.all(Action.Resume.class)).hasSize(2);
    assertThat(pool.all(Action.Kill.class))
        .hasSize(2)
        .allMatch(k -> k.signal() == Signal.KILL && !before.contains(k.pid()));
    assertThat(pool.molds()).containsExactly(0);
  }

  @Test
  @DisplayName("GEN-03 a new mold that dies before it is ready costs no worker")
  void moldDies() {
    var pool = workers(4).serving();
    var before = pool.pids();
    pool.candidates(Candidate.ITS_MOLD_DIES).askRefork().seconds(5);

    assertThat(pool.refork()).isEqualTo("refused mold-died");
    assertThat(pool.pids()).isEqualTo(before);
    assertThat(pool.leastReady()).isEqualTo(3);
  }

  @Test
  @DisplayName(
      "GEN-09 a candidate that dies is replaced by the current mold; the next try is later")
  void candidateDies() {
    var pool = workers(4).serving();
    pool.candidates(Candidate.DIES).askRefork().seconds(5);

    assertThat(pool.refork()).isEqualTo("refused candidate-died");
    assertThat(pool.generations()).containsExactly(0, 0, 0, 0);
    assertThat(pool.all(Action.Promote.class)).hasSize(1);
  }

  @Test
  @DisplayName("GEN-11 one worker, none unavailable: a spare first, never without a ready worker")
  void oneWorker() {
    var pool = workers(1).maxUnavailable(0).serving();
    pool.askRefork();
    assertThat(pool.refork()).isEqualTo("spare");
    pool.seconds(60);

    assertThat(pool.refork()).startsWith("completed");
    assertThat(pool.generations()).containsExactly(1);
    assertThat(pool.leastReady()).isEqualTo(1);
    assertThat(pool.most()).isEqualTo(2);
  }

  @Test
  @DisplayName("GEN-11 none of four unavailable: five at most, four ready at every instant")
  void noneUnavailable() {
    var pool = workers(4).maxUnavailable(0).serving();
    pool.askRefork().seconds(60);

    assertThat(pool.generations()).containsExactly(1, 1, 1, 1);
    assertThat(pool.leastReady()).isEqualTo(4);
    assertThat(pool.most()).isEqualTo(5);
  }

  @Test
  @DisplayName("GEN-11 a spare that does not get ready: refused in time, and no worker is missed")
  void noSpare() {
    var pool = workers(1).maxUnavailable(0).serving();
    pool.newborns(generation -> Newborn.NEVER_READY).askRefork().seconds(26);

    assertThat(pool.refork()).isEqualTo("refused timeout");
    assertThat(pool.leastReady()).isEqualTo(1);
    pool.seconds(30);
    assertThat(pool.pool().view().slots()).hasSize(1);
  }
}
