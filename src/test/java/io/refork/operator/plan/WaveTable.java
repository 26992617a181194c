package io.refork.operator.plan;

import io.refork.api.WaveLedger;
import io.refork.api.WorkerPoolSpec.Policy;
import io.refork.operator.agents.AgentReport;
import io.refork.operator.plan.WaveInput.Rules;
import io.refork.protocol.control.Report;
import io.refork.protocol.control.Report.Eligible;
import io.refork.protocol.control.Report.Finished;
import io.refork.protocol.control.Report.Measure;
import io.refork.protocol.control.Report.Memory;
import io.refork.protocol.control.Report.Outcome;
import io.refork.protocol.control.Report.Running;
import io.refork.protocol.control.Revision;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/** A pool for the tables of {@link WaveRulesTest}: pods by name, one step after the other. */
final class WaveTable {
  static final Duration SOAK = Duration.ofSeconds(60);
  static final Duration DEADLINE = Duration.ofMinutes(30);

  Instant now = Instant.parse("2026-01-01T12:00:00Z");
  Rules rules = new Rules(Policy.Automatic, false, 2, SOAK, DEADLINE, Optional.empty());
  String template = "t1";
  int minReady;
  boolean wasPaused;
  Optional<WaveLedger> ledger = Optional.empty();
  WaveStep step;
  private final Map<String, PodSeen> pods = new LinkedHashMap<>();

  /** Pods that serve at level 0 and ask for nothing. */
  static WaveTable of(String... uids) {
    var table = new WaveTable();
    for (var uid : uids) {
      table.pods.put(
          uid,
          new PodSeen(
              uid,
              "pod-" + uid,
              Optional.of("127.0.0.1"),
              table.now.minusSeconds(3600),
              "t1",
              true,
              false,
              0,
              List.of(),
              Optional.empty()));
      table.told(uid, r -> r);
    }
    return table;
  }

  /** One step; what it wrote is confirmed. */
  WaveTable step() {
    step =
        Waves.step(
            new WaveInput(
                "pool",
                rules,
                template,
                minReady,
                List.copyOf(pods.values()),
                ledger,
                wasPaused,
                now));
    ledger = step.ledger();
    return this;
  }

  WaveTable later(Duration time) {
    now = now.plus(time);
    return this;
  }

  /** The agent answers again, having seen the ledger; {@code change} what it says. */
  WaveTable told(String uid, UnaryOperator<Told> change) {
    var pod = pods.get(uid);
    var before =
        pod.report().orElse(null) instanceof AgentReport.Reported r
            ? Told.of(r.report())
            : Told.fresh(uid);
    var seq = ledger.map(WaveLedger::seq).orElse(0L);
    return put(
        pod, Optional.of(new AgentReport.Reported(change.apply(before).report(uid, seq), now)));
  }

  /** The agent claims to have seen a ledger of this number. */
  WaveTable claims(String uid, long seq) {
    var told = Told.fresh(uid);
    return put(pods.get(uid), Optional.of(new AgentReport.Reported(told.report(uid, seq), now)));
  }

  WaveTable silent(String uid) {
    return put(pods.get(uid), Optional.of(new AgentReport.Unreachable("no answer", now)));
  }

  WaveTable notAsked(String uid) {
    return put(pods.get(uid), Optional.empty());
  }

  WaveTable ready(String uid, boolean ready) {
    return put(uid, p -> p.revision(), p -> p.createdAt(), ready, false);
  }

  WaveTable leaving(String uid) {
    return put(uid, p -> p.revision(), p -> p.createdAt(), true, true);
  }

  WaveTable bornNow(String uid) {
    return put(uid, p -> p.revision(), p -> now, true, false);
  }

  WaveTable gone(String uid) {
    pods.remove(uid);
    return this;
  }

  WaveTable request(String token) {
    rules =
        new Rules(
            rules.policy(),
            rules.paused(),
            rules.maxConcurrent(),
            rules.canarySoak(),
            DEADLINE,
            Optional.of(token));
    return this;
  }

  WaveTable soak(Duration soak) {
    rules =
        new Rules(
            rules.policy(),
            rules.paused(),
            rules.maxConcurrent(),
            soak,
            DEADLINE,
            rules.requestedAt());
    return this;
  }

  WaveTable paused(boolean paused) {
    wasPaused = rules.paused();
    rules =
        new Rules(
            rules.policy(),
            paused,
            rules.maxConcurrent(),
            rules.canarySoak(),
            DEADLINE,
            rules.requestedAt());
    return this;
  }

  WaveTable policy(Policy policy) {
    rules =
        new Rules(
            policy,
            rules.paused(),
            rules.maxConcurrent(),
            rules.canarySoak(),
            DEADLINE,
            rules.requestedAt());
    return this;
  }

  private WaveTable put(PodSeen p, Optional<AgentReport> report) {
    pods.put(
        p.uid(),
        new PodSeen(
            p.uid(),
            p.name(),
            p.ip(),
            p.createdAt(),
            p.revision(),
            p.ready(),
            p.leaving(),
            0,
            List.of(),
            report));
    return this;
  }

  private WaveTable put(
      String uid,
      java.util.function.Function<PodSeen, String> revision,
      java.util.function.Function<PodSeen, Instant> createdAt,
      boolean ready,
      boolean leaving) {
    var p = pods.get(uid);
    pods.put(
        uid,
        new PodSeen(
            uid,
            p.name(),
            p.ip(),
            createdAt.apply(p),
            revision.apply(p),
            ready,
            leaving,
            0,
            List.of(),
            p.report()));
    return this;
  }

  // --- what came of it -----------------------------------------------------------------------

  /** UIDs that would be sent a permit now. */
  List<String> permitted() {
    return pods.values().stream()
        .filter(p -> Permits.of(ledger.orElseThrow(), rules, p, now).isPresent())
        .map(PodSeen::uid)
        .sorted()
        .toList();
  }

  String permitOf(String uid) {
    return ledger.orElseThrow().grants().stream()
        .filter(g -> g.uid().equals(uid))
        .findFirst()
        .orElseThrow()
        .id();
  }

  /** The pod completes what it is permitted. */
  WaveTable completes(String uid) {
    var id = permitOf(uid);
    var token = token(uid);
    return told(uid, r -> r.level(r.level() + 1).last(id, Outcome.COMPLETED, "").request(token));
  }

  WaveTable fails(String uid, Outcome outcome, String reason) {
    var id = permitOf(uid);
    var token = token(uid);
    return told(uid, r -> r.last(id, outcome, reason).request(token));
  }

  private Optional<String> token(String uid) {
    return Permits.of(ledger.orElseThrow(), rules, pods.get(uid), now).flatMap(p -> p.request());
  }

  List<String> reasons() {
    return step.notes().stream().map(n -> n.reason().name()).toList();
  }

  /** What an agent says, as far as the planner listens. */
  record Told(
      String session,
      int level,
      Report.Phase phase,
      Optional<Eligible> eligible,
      Optional<Running> running,
      Optional<Finished> last,
      Optional<String> lastRequest) {
    static Told fresh(String uid) {
      return new Told(
          uid + "-s1",
          0,
          Report.Phase.SERVING,
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty());
    }

    static Told of(Report r) {
      return new Told(
          r.session(), r.level(), r.phase(), r.eligible(), r.running(), r.last(), r.lastRequest());
    }

    Told wants() {
      return new Told(
          session,
          level,
          phase,
          Optional.of(new Eligible(level + 1, "requests")),
          running,
          last,
          lastRequest);
    }

    Told level(int level) {
      return new Told(session, level, phase, Optional.empty(), Optional.empty(), last, lastRequest);
    }

    Told running(String permit) {
      return new Told(
          session,
          level,
          phase,
          eligible,
          Optional.of(new Running(Optional.of(permit).filter(p -> !p.isEmpty()), "rolling", 5, 8)),
          last,
          lastRequest);
    }

    Told last(String permit, Outcome outcome, String reason) {
      return new Told(
          session,
          level,
          phase,
          eligible,
          Optional.empty(),
          Optional.of(new Finished(Optional.of(permit), outcome, reason, "detail")),
          lastRequest);
    }

    Told request(Optional<String> token) {
      return new Told(session, level, phase, eligible, running, last, token.or(() -> lastRequest));
    }

    Told restarted() {
      return new Told(
          session + "x", 0, phase, Optional.empty(), Optional.empty(), last, lastRequest);
    }

    Report report(String uid, long seq) {
      var unknown = new Measure.Unknown("test");
      return new Report(
          session,
          uid,
          "0",
          Optional.of(new Revision(1, seq)),
          phase,
          true,
          level,
          Optional.empty(),
          8,
          Map.of(),
          0,
          List.of(),
          eligible,
          running,
          last,
          lastRequest,
          new Memory(unknown, unknown, unknown, unknown, unknown, unknown, unknown),
          0,
          List.of());
    }
  }
}
