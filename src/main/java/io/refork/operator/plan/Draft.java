package io.refork.operator.plan;

import io.refork.api.WaveLedger;
import io.refork.api.WaveLedger.Abort;
import io.refork.api.WaveLedger.Canary;
import io.refork.api.WaveLedger.Grant;
import io.refork.api.WaveLedger.Outcome;
import io.refork.api.WaveLedger.Request;
import io.refork.operator.agents.AgentReport;
import io.refork.operator.status.Reason;
import io.refork.protocol.control.Report;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The ledger while one pass works on it, with the questions that every rule asks. */
final class Draft {
  /** The first pause after an abort; it doubles with each one in a row, up to an hour. */
  static final Duration BACKOFF = Duration.ofMinutes(1);

  static final Duration MAX_BACKOFF = Duration.ofHours(1);

  final WaveInput in;

  /** Whole seconds, as the ledger's times are. */
  final Instant now;

  final List<Note> notes = new ArrayList<>();
  private final Map<String, PodSeen> byUid = new HashMap<>();
  private final WaveLedger before;

  String template;
  int proven;
  @Nullable Canary canary;
  final List<Grant> grants;
  @Nullable Request request;
  @Nullable Abort abort;

  Draft(WaveInput in, WaveLedger ledger) {
    this.in = in;
    now = in.now().truncatedTo(ChronoUnit.SECONDS);
    before = ledger;
    in.pods().forEach(p -> byUid.put(p.uid(), p));
    template = ledger.template();
    proven = ledger.proven();
    canary = ledger.canary();
    grants = new ArrayList<>(ledger.grants());
    request = ledger.request();
    abort = ledger.abort();
  }

  /**
   * What is to be written: the same value as before when nothing changed, else with the next seq.
   */
  WaveLedger ledger() {
    var same =
        new WaveLedger(template, before.seq(), proven, canary, List.copyOf(grants), request, abort);
    return same.equals(before)
        ? before
        : new WaveLedger(template, nextSeq(), proven, canary, same.grants(), request, abort);
  }

  /** The seq that this pass's write will have. */
  long nextSeq() {
    return before.seq() + 1;
  }

  // --- pods ----------------------------------------------------------------------------------

  /** The pod, unless it is gone or on its way out. */
  Optional<PodSeen> pod(String uid) {
    return Optional.ofNullable(byUid.get(uid)).filter(p -> !p.leaving());
  }

  String name(String uid) {
    var pod = byUid.get(uid);
    return pod == null ? uid : pod.name();
  }

  static Optional<Report> report(PodSeen pod) {
    return pod.report().orElse(null) instanceof AgentReport.Reported r
        ? Optional.of(r.report())
        : Optional.empty();
  }

  /** A report that was made after the ledger with this seq had reached the agent. */
  static Optional<Report> reportSince(PodSeen pod, long seq) {
    return report(pod).filter(r -> r.observed().isPresent() && r.observed().get().seq() >= seq);
  }

  /** Pods of the wanted template that are not leaving. */
  List<PodSeen> members() {
    return in.pods().stream().filter(p -> !p.leaving() && p.revision().equals(template)).toList();
  }

  boolean granted(String uid) {
    return grants.stream().anyMatch(g -> g.uid().equals(uid));
  }

  /** Pods that hold a slot: by a permit, or because they say that they refork. */
  long used() {
    return in.pods().stream()
            .filter(p -> !p.leaving() && !granted(p.uid()))
            .filter(p -> report(p).map(r -> r.running().isPresent()).orElse(false))
            .count()
        + grants.size();
  }

  // --- the ledger ----------------------------------------------------------------------------

  boolean requestRunning() {
    return request != null && request.outcome() == Outcome.Running;
  }

  void endRequest(Outcome outcome) {
    if (request != null && requestRunning()) {
      var r = request;
      revoke(r::owns);
      request =
          new Request(
              r.token(),
              r.seq(),
              r.startedAt(),
              r.progressedAt(),
              null,
              r.proven(),
              outcome,
              text(now));
    }
  }

  void revoke(Predicate<Grant> which) {
    grants.replaceAll(g -> which.test(g) ? g.revoke() : g);
  }

  void progressed() {
    if (request != null && requestRunning()) {
      var r = request;
      request =
          new Request(
              r.token(),
              r.seq(),
              r.startedAt(),
              text(now),
              r.canary(),
              r.proven(),
              r.outcome(),
              null);
    }
  }

  void requestCanary(@Nullable Canary pod, boolean soaked) {
    if (request != null) {
      var r = request;
      request =
          new Request(
              r.token(),
              r.seq(),
              r.startedAt(),
              r.progressedAt(),
              pod,
              soaked,
              r.outcome(),
              r.endedAt());
    }
  }

  /** A refork went wrong: nothing is granted for a while, longer each time in a row. */
  void abort(String reason, String uid, String message) {
    int count = abort == null ? 1 : Math.min(abort.count() + 1, 30);
    var pause = BACKOFF.multipliedBy(1L << Math.min(count - 1, 10));
    pause = pause.compareTo(MAX_BACKOFF) > 0 ? MAX_BACKOFF : pause;
    var retryAt = now.plus(pause);
    var pod = name(uid);
    abort = new Abort(reason, pod, cut(message), count, text(retryAt));
    canary = null;
    revoke(g -> true);
    boolean requested = requestRunning();
    endRequest(Outcome.Aborted);
    notes.add(
        new Note(
            true,
            Reason.ReforkAborted,
            Optional.of(pod),
            "its refork failed ("
                + reason
                + (message.isEmpty() ? ")" : "): " + cut(message))
                + (requested
                    ? "; the requested wave is over"
                    : "; nothing is permitted before " + text(retryAt))));
  }

  /** Whether an abort forbids new permits now. */
  boolean backingOff() {
    return abort != null && now.isBefore(Instant.parse(abort.retryAt()));
  }

  private static String cut(String message) {
    return message.length() <= 200 ? message : message.substring(0, 199) + "…";
  }

  static String text(Instant instant) {
    return instant.truncatedTo(ChronoUnit.SECONDS).toString();
  }
}
