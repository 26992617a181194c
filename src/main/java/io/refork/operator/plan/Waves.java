package io.refork.operator.plan;

import io.refork.api.WaveLedger;
import io.refork.api.WaveLedger.Outcome;
import io.refork.api.WaveLedger.Request;
import io.refork.api.WorkerPoolSpec.Policy;
import io.refork.operator.agents.AgentReport;
import io.refork.operator.plan.WaveInput.Rules;
import io.refork.operator.status.Reason;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Who may refork now. Pure: one look at the pool in, the next ledger out.
 *
 * <p>A pod's <i>level</i> is the number of reforks it has completed. The first pod to reach a level
 * that no pod has proven is the canary: it reforks alone and is watched; then the others may
 * follow, {@code maxConcurrent} at once. A requested wave asks every pod that is older than the
 * request for one refork, under the same canary rule of its own.
 *
 * <p>What it rests on: the ledger is written with the resource version that was read, and only what
 * such a write confirmed is sent; each permit is bound to an agent session and a level, and an
 * agent acts on an id once; a report counts against a permit only when the agent had seen the
 * ledger that holds it ({@link Draft#reportSince}), so a late one, or another operator's, misleads
 * nobody. Hence for every request a pod reforks at most once, and never do more than {@code
 * maxConcurrent} pods refork by permit, whatever crashes, is lost or comes twice. {@code
 * WaveSimulationTest} holds it to that.
 */
public final class Waves {
  /**
   * A canary has soaked once its agent has spoken after the end. That it says the same as before is
   * no news, so nobody would wake us for it; agents are asked every few seconds.
   */
  private static final Duration LAST_WORD = Duration.ofSeconds(1);

  /**
   * No ledger is written so often. A pod that reports more is lying, and would use up the numbers
   * that the wire has (2^53) for its whole pool.
   */
  private static final long PLAUSIBLE_SEQ = 1L << 52;

  private Waves() {}

  /** The next step. */
  public static WaveStep step(WaveInput in) {
    var known = in.ledger().or(() -> begin(in));
    if (known.isEmpty()) {
      return new WaveStep(
          Optional.empty(), false, WaveText.unknown(in), List.of(), Optional.empty());
    }
    var draft = new Draft(in, known.get());
    template(draft);
    Settling.settle(draft);
    request(draft);
    endRequest(draft);
    if (mayGrant(draft)) {
      Granting.grant(draft);
    }
    var ledger = draft.ledger();
    return new WaveStep(
        Optional.of(ledger),
        in.ledger().isEmpty() || !ledger.equals(known.get()),
        WaveText.view(draft, ledger),
        draft.notes,
        nextLook(draft));
  }

  /**
   * The first ledger, or the next one after the status was lost: later than anything an agent has
   * seen, and as proven as two pods can witness. Not before every pod has been asked.
   */
  private static Optional<WaveLedger> begin(WaveInput in) {
    if (!everyPodAsked(in.pods())) {
      return Optional.empty();
    }
    var reports = in.pods().stream().flatMap(p -> Draft.report(p).stream()).toList();
    long seq =
        reports.stream()
                .flatMap(r -> r.observed().stream())
                .mapToLong(r -> r.seq())
                .filter(s -> s < PLAUSIBLE_SEQ)
                .max()
                .orElse(0)
            + 1;
    var levels =
        in.pods().stream()
            .filter(p -> p.ready() && !p.leaving() && p.revision().equals(in.template()))
            .flatMap(p -> Draft.report(p).stream())
            .map(r -> r.level())
            .sorted(Comparator.reverseOrder())
            .toList();
    return Optional.of(
        new WaveLedger(
            in.template(),
            seq,
            levels.size() < 2 ? 0 : levels.get(1),
            null,
            List.of(),
            null,
            null));
  }

  /** An agent that has not been asked yet may be reforking. */
  private static boolean everyPodAsked(List<PodSeen> pods) {
    return pods.stream().allMatch(p -> !p.ready() || p.leaving() || p.report().isPresent());
  }

  /**
   * Another template: other pods, which prove their levels themselves. Permits of the old ones hold
   * their slots until they have run out, and are sent no more.
   */
  private static void template(Draft draft) {
    if (draft.template.equals(draft.in.template())) {
      return;
    }
    draft.template = draft.in.template();
    draft.proven = 0;
    draft.canary = null;
    draft.revoke(g -> true);
    draft.abort = null;
    draft.endRequest(Outcome.Superseded);
  }

  private static void request(Draft draft) {
    var rules = draft.in.rules();
    var token = rules.requestedAt();
    var last = draft.request;
    if (token.isEmpty()
        || rules.policy() == Policy.Never
        || last != null && last.token().equals(token.get())) {
      if (draft.in.wasPaused() && !rules.paused()) {
        draft.progressed(); // the deadline did not run meanwhile
      }
      return;
    }
    draft.endRequest(Outcome.Superseded);
    draft.abort = null; // whoever asks anew has seen it
    draft.request =
        new Request(
            token.get(),
            draft.nextSeq(),
            Draft.text(draft.now),
            Draft.text(draft.now),
            null,
            false,
            Outcome.Running,
            null);
  }

  private static void endRequest(Draft draft) {
    var request = draft.request;
    if (request == null || !draft.requestRunning()) {
      return;
    }
    boolean working = request.canary() != null || draft.grants.stream().anyMatch(request::owns);
    var left = Granting.left(draft, request);
    if (left.isEmpty() && !working) {
      draft.endRequest(Outcome.Completed);
      draft.abort = null;
      int pods = Granting.asked(draft, request).size();
      if (pods > 0) {
        draft.notes.add(
            new Note(
                false,
                Reason.Settled,
                Optional.empty(),
                "the requested wave is done: " + pods + (pods == 1 ? " pod" : " pods")));
      }
    } else if (!draft.in.rules().paused() && !draft.now.isBefore(deadline(draft, request))) {
      draft.endRequest(Outcome.DeadlineExceeded);
      draft.notes.add(
          new Note(
              true,
              Reason.ProgressDeadlineExceeded,
              Optional.empty(),
              "the requested wave made no progress for "
                  + seconds(draft.in.rules().progressDeadline())
                  + " s and is over; "
                  + left.size()
                  + " pods have not reforked"
                  + left.stream().findFirst().map(p -> ", among them " + p.name()).orElse("")));
    }
  }

  /** A canary that is being watched is progress until its soak is over. */
  private static Instant deadline(Draft draft, Request request) {
    var canary = request.canary();
    var since =
        canary != null && canary.reachedAt() != null
            ? Settling.soaked(draft, canary)
            : Instant.parse(request.progressedAt());
    return since.plus(draft.in.rules().progressDeadline());
  }

  private static long seconds(Duration duration) {
    return duration.toSeconds();
  }

  private static boolean mayGrant(Draft draft) {
    Rules rules = draft.in.rules();
    return !rules.paused()
        && rules.policy() != Policy.Never
        && !draft.backingOff()
        && everyPodAsked(draft.in.pods())
        && draft.in.pods().stream().filter(p -> p.ready() && !p.leaving()).count()
            >= draft.in.minReady();
  }

  /**
   * The earliest moment at which this step, taken again with nothing else changed, would differ.
   */
  private static Optional<Instant> nextLook(Draft draft) {
    var rules = draft.in.rules();
    var times = Stream.<Instant>builder();
    for (var grant : draft.grants) {
      var startBy = Instant.parse(grant.startBy());
      times.add(startBy.plus(Settling.CLOCKS));
      times.add(startBy.plus(rules.progressDeadline()).plus(Settling.CLOCKS));
    }
    var abort = draft.abort;
    if (abort != null) {
      times.add(Instant.parse(abort.retryAt()));
    }
    var request = draft.request;
    if (request != null && draft.requestRunning()) {
      times.add(deadline(draft, request));
    }
    Settling.canaries(draft)
        .filter(c -> c.reachedAt() != null)
        .map(c -> Settling.soaked(draft, c))
        .forEach(end -> times.add(end.isAfter(draft.now) ? end : draft.now.plus(LAST_WORD)));
    return times.build().filter(t -> t.isAfter(draft.now)).min(Comparator.naturalOrder());
  }

  /** The one report of a pod that says it is still there as it was: fresh and of this session. */
  static boolean same(PodSeen pod, String session, Instant since) {
    return pod.report().orElse(null) instanceof AgentReport.Reported r
        && r.report().session().equals(session)
        && !r.at().isBefore(since);
  }
}
