package io.refork.operator.plan;

import io.refork.api.WaveLedger.Canary;
import io.refork.api.WaveLedger.Grant;
import io.refork.api.WaveLedger.Request;
import io.refork.api.WorkerPoolSpec.Policy;
import io.refork.operator.status.Reason;
import io.refork.protocol.control.Report;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** New permits. */
final class Granting {
  /**
   * An agent begins within a few polls: a spawn that is out has to end first. Longer, and a pod
   * that cannot begin would hold its slot for nothing.
   */
  static final Duration START_WITHIN = Duration.ofMinutes(2);

  /** As many digits as the ledger's schema has for it; whoever reports more is lying. */
  private static final int MAX_LEVEL = 999_999_998;

  private Granting() {}

  /** A pod that could begin now, with what its agent says. */
  private record Candidate(PodSeen pod, Report report, int level) {}

  static void grant(Draft draft) {
    var request = draft.request;
    if (request != null && draft.requestRunning()) {
      if (draft.canary != null) {
        return; // it was alone when it began, and stays so
      }
      var left = left(draft, request).stream().flatMap(p -> idle(draft, p).stream()).toList();
      if (request.proven()) {
        follow(draft, left, true);
      } else if (request.canary() == null && draft.used() == 0) {
        left.stream().findFirst().ifPresent(c -> canary(draft, c, true));
      }
      return;
    }
    if (draft.in.rules().policy() != Policy.Automatic || draft.canary != null) {
      return;
    }
    var eligible =
        draft.members().stream()
            .flatMap(p -> idle(draft, p).stream())
            .filter(c -> c.report().eligible().isPresent())
            .sorted(Comparator.comparingInt(Candidate::level).thenComparing(c -> c.pod().uid()))
            .toList();
    var followers = eligible.stream().filter(c -> c.level() <= draft.proven).toList();
    if (!followers.isEmpty()) {
      follow(draft, followers, false);
    } else if (!eligible.isEmpty() && draft.used() == 0) {
      canary(draft, eligible.getFirst(), false);
    }
  }

  /** The pods that a request is about: of the wanted template, and older than it. */
  static List<PodSeen> asked(Draft draft, Request request) {
    var started = Instant.parse(request.startedAt());
    return draft.members().stream().filter(p -> p.createdAt().isBefore(started)).toList();
  }

  /** Those of them that have not done their part, as far as anybody knows; by UID. */
  static List<PodSeen> left(Draft draft, Request request) {
    var token = Optional.of(request.token());
    return asked(draft, request).stream()
        .filter(p -> !Draft.report(p).flatMap(Report::lastRequest).equals(token))
        .sorted(Comparator.comparing(PodSeen::uid))
        .toList();
  }

  private static Optional<Candidate> idle(Draft draft, PodSeen pod) {
    return Draft.report(pod)
        .filter(r -> pod.ready() && !draft.granted(pod.uid()))
        .filter(r -> r.phase() == Report.Phase.SERVING && r.running().isEmpty())
        .filter(r -> r.level() < MAX_LEVEL)
        .map(r -> new Candidate(pod, r, r.level() + 1));
  }

  private static void follow(Draft draft, List<Candidate> candidates, boolean request) {
    long free = draft.in.rules().maxConcurrent() - draft.used();
    candidates.stream().limit(Math.max(0, free)).forEach(c -> add(draft, c, request));
  }

  private static void canary(Draft draft, Candidate candidate, boolean request) {
    add(draft, candidate, request);
    var canary =
        new Canary(
            candidate.pod().uid(),
            candidate.report().session(),
            draft.nextSeq(),
            candidate.level(),
            null);
    if (request) {
      draft.requestCanary(canary, false);
    } else {
      draft.canary = canary;
    }
    draft.notes.add(
        new Note(
            false,
            Reason.CanaryReforking,
            Optional.of(candidate.pod().name()),
            "reforks first, alone"));
  }

  private static void add(Draft draft, Candidate candidate, boolean request) {
    var uid = candidate.pod().uid();
    draft.grants.add(
        new Grant(
            id(draft, uid, candidate.level(), request),
            uid,
            candidate.report().session(),
            draft.nextSeq(),
            candidate.level(),
            request,
            Draft.text(draft.now.plus(START_WITHIN)),
            false));
  }

  /** The same permit has the same name whichever operator gives it; no two attempts share one. */
  private static String id(Draft draft, String uid, int level, boolean request) {
    var goal =
        request ? "request " + Objects.requireNonNull(draft.request).token() : "level " + level;
    var text = String.join("\n", draft.in.pool(), uid, goal, Long.toString(draft.nextSeq()));
    try {
      var hash = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(hash, 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
