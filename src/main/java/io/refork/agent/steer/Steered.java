package io.refork.agent.steer;

import io.refork.protocol.control.Permit;
import io.refork.protocol.control.Report;
import io.refork.protocol.control.Report.Outcome;
import io.refork.protocol.control.Revision;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What this pod knows of being steered, across restarts of its agent.
 *
 * @param pod its UID: another pod's file in the same directory counts for nothing
 * @param observed revision of the desired state in force; empty before the first
 * @param settings that came with it
 * @param open the permit that was taken last and has not ended
 * @param spent ids of all permits that were taken, the newest first, at most {@value #MAX_SPENT}
 * @param last the refork that ended last
 * @param lastRequest token of the last requested wave that this pod has done its part of
 */
public record Steered(
    String pod,
    Optional<Revision> observed,
    Map<String, String> settings,
    Optional<Open> open,
    List<String> spent,
    Optional<Report.Finished> last,
    Optional<String> lastRequest) {
  /** An operator gives one at a time, and none again that is older than a few. */
  static final int MAX_SPENT = 16;

  public Steered {
    settings = Map.copyOf(settings);
    spent = List.copyOf(spent);
  }

  /** A permit under way. */
  public record Open(String id, Optional<String> request) {}

  /** Nothing was heard yet. */
  public static Steered by(String pod) {
    return new Steered(
        pod,
        Optional.empty(),
        Map.of(),
        Optional.empty(),
        List.of(),
        Optional.empty(),
        Optional.empty());
  }

  /**
   * What is left of it after a restart of the agent: a refork that was under way is over, and its
   * request was answered. The pod had its chance: one refork per request, through every failure.
   */
  public Steered restarted() {
    return open.isEmpty()
        ? this
        : ended(
            new Report.Finished(
                Optional.of(open.get().id()),
                Outcome.LAPSED,
                "agent-restarted",
                "the agent ended before the refork did"),
            true);
  }

  /** Another desired state is in force. */
  public Steered heeding(Revision revision, Map<String, String> wanted) {
    return new Steered(pod, Optional.of(revision), wanted, open, spent, last, lastRequest);
  }

  /** Its settings are not in force after all: the next desired state is asked for them again. */
  public Steered withoutSettings() {
    return new Steered(pod, observed, Map.of(), open, spent, last, lastRequest);
  }

  /** A permit is taken; from now on its id counts for nothing. */
  public Steered taking(Permit permit) {
    var ids = new ArrayList<String>();
    ids.add(permit.id());
    ids.addAll(spent);
    return new Steered(
        pod,
        observed,
        settings,
        Optional.of(new Open(permit.id(), permit.request())),
        ids.subList(0, Math.min(ids.size(), MAX_SPENT)),
        last,
        lastRequest);
  }

  /**
   * A refork, or a permit before it began one, is over.
   *
   * @param begun whether it counts as this pod's part of the request: a permit that lapsed before
   *     anything began does not, and the pod may be asked again
   */
  Steered ended(Report.Finished finished, boolean begun) {
    boolean mine = open.isPresent() && finished.permit().equals(open.map(Open::id));
    var request = mine && begun ? open.get().request() : Optional.<String>empty();
    return new Steered(
        pod,
        observed,
        settings,
        mine ? Optional.empty() : open,
        spent,
        Optional.of(finished),
        request.or(() -> lastRequest));
  }

  /** The same, in the pool's words. */
  public Steered ended(Optional<String> permit, String outcome, String reason, String detail) {
    var how =
        switch (outcome) {
          case "completed" -> Outcome.COMPLETED;
          case "completed-unproven" -> Outcome.COMPLETED_UNPROVEN;
          case "refused" -> Outcome.REFUSED;
          case "aborted" -> Outcome.ABORTED;
          default -> Outcome.LAPSED;
        };
    return ended(
        new Report.Finished(permit, how, reason, ReportMaker.line(detail)), how != Outcome.LAPSED);
  }
}
