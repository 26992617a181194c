package io.refork.operator.plan;

import io.refork.api.WaveLedger.Canary;
import io.refork.api.WaveLedger.Grant;
import io.refork.operator.status.Reason;
import io.refork.protocol.Escape;
import io.refork.protocol.control.Report;
import io.refork.protocol.control.Report.Finished;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What has become of the permits that are out, and of the canaries. */
final class Settling {
  /**
   * How far a pod's clock may be behind ours. Agents refuse tokens beyond 30 s; as much again for
   * the way there.
   */
  static final Duration CLOCKS = Duration.ofSeconds(60);

  private Settling() {}

  /** What a permit has come to. */
  private sealed interface Fate {
    /** It holds its slot. */
    record Out() implements Fate {}

    record Done() implements Fate {}

    /** Nothing came of it and nobody is to blame; another pod, or the same, may try. */
    record Gone() implements Fate {}

    record Failed(String reason, String message) implements Fate {}
  }

  static void settle(Draft draft) {
    for (var grant : List.copyOf(draft.grants)) {
      var fate = fate(draft, grant);
      if (fate instanceof Fate.Out) {
        continue;
      }
      draft.grants.removeIf(g -> g.id().equals(grant.id()));
      if (grant.revoked()) {
        continue; // it has stopped being anybody's: only its slot mattered
      }
      switch (fate) {
        case Fate.Done() -> {
          if (!isCanary(draft, grant.uid()) && !draft.backingOff()) {
            draft.abort = null; // what had failed goes well again
          }
          reached(draft, grant);
        }
        case Fate.Failed f -> draft.abort(f.reason(), grant.uid(), f.message());
        case Fate.Gone(), Fate.Out() -> dropCanary(draft, grant.uid());
      }
    }
    watch(draft, draft.canary, false);
    var request = draft.request;
    if (request != null && draft.requestRunning()) {
      watch(draft, request.canary(), true);
    }
  }

  private static Fate fate(Draft draft, Grant grant) {
    var pod = draft.pod(grant.uid());
    if (pod.isEmpty()) {
      return new Fate.Gone();
    }
    var startBy = Instant.parse(grant.startBy());
    var report = Draft.reportSince(pod.get(), grant.seq());
    if (report.isPresent()) {
      var fate = told(draft, grant, report.get(), startBy);
      if (!(fate instanceof Fate.Out)) {
        return fate;
      }
    }
    // Nobody can say what such a pod does; it must not hold its slot for ever.
    var end = startBy.plus(draft.in.rules().progressDeadline()).plus(CLOCKS);
    return draft.now.isAfter(end) ? new Fate.Gone() : new Fate.Out();
  }

  /** What the agent itself says, having seen the ledger with this permit. */
  private static Fate told(Draft draft, Grant grant, Report report, Instant startBy) {
    var last = report.last().filter(f -> f.permit().equals(Optional.of(grant.id())));
    if (last.isPresent() && last.get().outcome() != Report.Outcome.LAPSED) {
      return ended(last.get());
    }
    if (!report.session().equals(grant.session())) {
      return isCanary(draft, grant.uid())
          ? new Fate.Failed("canary-restarted", "its container restarted during the refork")
          : new Fate.Gone();
    }
    if (last.isPresent()) {
      return new Fate.Gone();
    }
    if (report.running().isPresent()) {
      return new Fate.Out();
    }
    // At that level already, by another refork: a permit for it will never be acted on.
    return report.level() >= grant.level() || draft.now.isAfter(startBy.plus(CLOCKS))
        ? new Fate.Gone()
        : new Fate.Out();
  }

  private static Fate ended(Finished last) {
    return switch (last.outcome()) {
      case COMPLETED, COMPLETED_UNPROVEN -> new Fate.Done();
      case REFUSED, ABORTED ->
          new Fate.Failed(word(last.reason()), Escape.plain(last.detail(), 200));
      case LAPSED -> new Fate.Gone();
    };
  }

  /** A reason's word, as agents have them; anything else is no word. */
  private static String word(String text) {
    return text.length() <= 32 && text.matches("[a-z0-9-]+") ? text : "unknown";
  }

  private static void reached(Draft draft, Grant grant) {
    var request = draft.request;
    if (request != null && request.owns(grant)) {
      draft.progressed();
    }
    var at = Draft.text(draft.now);
    canaries(draft)
        .filter(c -> c.uid().equals(grant.uid()) && c.reachedAt() == null)
        .toList()
        .forEach(
            c -> {
              var soaking = new Canary(c.uid(), c.session(), c.seq(), c.level(), at);
              if (c == draft.canary) {
                draft.canary = soaking;
              } else {
                draft.requestCanary(soaking, false);
              }
              draft.notes.add(
                  new Note(
                      false,
                      Reason.CanarySoaking,
                      Optional.of(draft.name(c.uid())),
                      "has reforked and is watched for "
                          + draft.in.rules().canarySoak().toSeconds()
                          + " s"));
            });
  }

  private static void watch(Draft draft, @Nullable Canary canary, boolean requested) {
    if (canary == null) {
      return;
    }
    var pod = draft.pod(canary.uid());
    if (pod.isEmpty()) {
      dropCanary(draft, canary.uid());
      return;
    }
    var report = Draft.reportSince(pod.get(), canary.seq());
    if (report.isPresent() && !report.get().session().equals(canary.session())) {
      draft.abort("canary-restarted", canary.uid(), "its container restarted while it was watched");
      return;
    }
    if (!pod.get().ready()) {
      draft.abort("canary-not-ready", canary.uid(), "it is not Ready any more");
      return;
    }
    if (canary.reachedAt() == null) {
      if (!draft.granted(canary.uid())) {
        dropCanary(draft, canary.uid());
      }
      return;
    }
    if (!hasSoaked(draft, canary, pod.get())) {
      // Ready, but its agent is silent: nobody is to blame, and nobody may wait for it for ever.
      var patience = soaked(draft, canary).plus(draft.in.rules().progressDeadline());
      if (draft.now.isAfter(patience)) {
        dropCanary(draft, canary.uid());
      }
      return;
    }
    draft.abort = null;
    if (requested) {
      draft.requestCanary(null, true);
      draft.progressed();
    } else {
      draft.canary = null;
      draft.proven = Math.max(draft.proven, canary.level());
    }
    draft.notes.add(
        new Note(
            false,
            Reason.PodsReforking,
            Optional.empty(),
            "pod " + draft.name(canary.uid()) + " has proven itself; the other pods follow"));
  }

  /** The word must be younger than the end of the soak: what happened in its last second counts. */
  private static boolean hasSoaked(Draft draft, Canary canary, PodSeen pod) {
    var end = soaked(draft, canary);
    return !draft.now.isBefore(end) && Waves.same(pod, canary.session(), end);
  }

  static Instant soaked(Draft draft, Canary canary) {
    return Instant.parse(Objects.requireNonNull(canary.reachedAt()))
        .plus(draft.in.rules().canarySoak());
  }

  static Stream<Canary> canaries(Draft draft) {
    var request = draft.request;
    var requested =
        request == null || !draft.requestRunning()
            ? Stream.<Canary>empty()
            : Stream.ofNullable(request.canary());
    return Stream.concat(Stream.ofNullable(draft.canary), requested);
  }

  private static boolean isCanary(Draft draft, String uid) {
    return canaries(draft).anyMatch(c -> c.uid().equals(uid));
  }

  private static void dropCanary(Draft draft, String uid) {
    var canary = draft.canary;
    if (canary != null && canary.uid().equals(uid)) {
      draft.canary = null;
    }
    var request = draft.request;
    if (request != null && draft.requestRunning()) {
      var requested = request.canary();
      if (requested != null && requested.uid().equals(uid)) {
        draft.requestCanary(null, false);
      }
    }
  }
}
