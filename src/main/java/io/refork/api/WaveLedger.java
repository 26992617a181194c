package io.refork.api;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The operator's memory of permits and waves, kept in the status so that any operator can go on
 * from it. Versioned by the resource: a permit is sent only after the write that holds it has been
 * accepted. Times are RFC 3339 with whole seconds.
 *
 * @param template hash of the pod template that everything here is about
 * @param seq rises with every write of this ledger; orders permits
 * @param proven the highest level that a canary has reached and soaked
 * @param canary the pod that reforks alone to {@code proven + 1}
 * @param grants permits that are out, at most {@value #MAX_GRANTS}
 * @param request the newest requested wave
 * @param abort why nothing is granted now, and until when
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record WaveLedger(
    String template,
    long seq,
    int proven,
    @Nullable Canary canary,
    List<Grant> grants,
    @Nullable Request request,
    @Nullable Abort abort) {
  /** As many as {@code maxConcurrent} allows: with them the status still fits 8 KiB. */
  public static final int MAX_GRANTS = 32;

  /**
   * The pod that reforks alone.
   *
   * @param seq of the ledger that granted it: a report of an older revision says nothing about it
   * @param reachedAt when it had reached {@code level} and its soak began; absent before
   */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Canary(
      String uid, String session, long seq, int level, @Nullable String reachedAt) {}

  /**
   * One permit.
   *
   * @param seq of the ledger that granted it: a report of an older revision says nothing about it
   * @param request for the requested wave; else for the pod's own trigger
   * @param startBy the agent does not begin later
   */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Grant(
      String id,
      String uid,
      String session,
      long seq,
      int level,
      boolean request,
      String startBy) {}

  /**
   * A requested wave over the pods that existed at {@code startedAt}.
   *
   * @param seq of the ledger that began it: grants of an older one belong to an earlier request
   * @param progressedAt when a pod last finished its part; the progress deadline counts from here
   * @param proven whether its canary has soaked
   * @param outcome Running until it has ended
   */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Request(
      String token,
      long seq,
      String startedAt,
      String progressedAt,
      @Nullable Canary canary,
      boolean proven,
      Outcome outcome,
      @Nullable String endedAt) {
    /** Whether this permit was given for this request. */
    public boolean owns(Grant grant) {
      return grant.request() && grant.seq() >= seq;
    }
  }

  /** How a requested wave ended. */
  public enum Outcome {
    Running,
    Completed,
    Aborted,
    DeadlineExceeded,
    /** Another request or another pod template came. */
    Superseded
  }

  /** {@code count}: how often in a row, which doubles the pause. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record Abort(String reason, String pod, String message, int count, String retryAt) {}
}
