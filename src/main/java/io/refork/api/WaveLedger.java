package io.refork.api;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import com.fasterxml.jackson.annotation.JsonValue;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Size;
import java.time.Instant;
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
    @JsonPropertyDescription("Hash of the pod template that all of this is about.") @Size(max = 64) String template,
    @JsonPropertyDescription("Rises with every write of the ledger.") long seq,
    @JsonPropertyDescription("The highest level that a canary has reached and soaked.") int proven,
    @JsonPropertyDescription("The pod that reforks alone to the level above proven.")
        @Nullable Canary canary,
    @JsonPropertyDescription(
            "Permits that are out, each as id, pod UID, session of its agent, seq, level, r for the requested wave or o for its own trigger, and until when it may begin in seconds since 1970.")
        @Size(max = MAX_GRANTS) List<Grant> grants,
    @JsonPropertyDescription("The newest requested wave.") @Nullable Request request,
    @JsonPropertyDescription("Why nothing is granted now, and until when.") @Nullable Abort abort) {
  /** As many as {@code maxConcurrent} allows: with them the status still fits 8 KiB. */
  public static final int MAX_GRANTS = 32;

  /** Every time in a ledger, so that a pool with another one is refused and not met by a pass. */
  public static final String TIME = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$";

  /**
   * The pod that reforks alone.
   *
   * @param seq of the ledger that granted it: a report of an older revision says nothing about it
   * @param reachedAt when it had reached {@code level} and its soak began; absent before
   */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Canary(
      @JsonPropertyDescription("UID of the pod.") @Size(max = 64) String uid,
      @JsonPropertyDescription("Session of its agent.") @Size(max = 20) String session,
      @JsonPropertyDescription("seq of the ledger that granted it.") long seq,
      @JsonPropertyDescription("Level that it reaches.") int level,
      @JsonPropertyDescription("When it had reached the level, RFC 3339; absent before.")
          @Size(max = 40) @Pattern(TIME) @Nullable String reachedAt) {}

  /**
   * One permit. In JSON it is one text, its fields in this order with spaces between them, {@code
   * startBy} as seconds since 1970: 32 objects with seven names each would fill the status alone.
   *
   * @param seq of the ledger that granted it: a report of an older revision says nothing about it
   * @param request for the requested wave ({@code r}); else for the pod's own trigger ({@code o})
   * @param startBy the agent does not begin later
   * @param revoked it is sent no more, but the pod may have had it: it holds its slot until it has
   *     run out
   */
  public record Grant(
      String id,
      String uid,
      String session,
      long seq,
      int level,
      boolean request,
      String startBy,
      boolean revoked) {
    private static final String REVOKED = "revoked";

    /** Of the text; more may follow, from a newer operator. */
    public static final String PATTERN =
        "^[a-zA-Z0-9-]{1,64} [a-zA-Z0-9-]{1,64} [a-zA-Z0-9-]{1,20} [0-9]{1,18} [0-9]{1,9} [or]"
            + " [0-9]{1,11}( .*)?$";

    /**
     * Reads {@link #text}. What is none becomes the permit of no pod, which the planner drops: one
     * broken text must not keep the operator from reading every other pool.
     */
    @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
    public static Grant of(String text) {
      if (!text.matches(PATTERN)) {
        return new Grant("", "", "", 0, 0, false, "1970-01-01T00:00:00Z", true);
      }
      var words = text.split(" ");
      return new Grant(
          words[0],
          words[1],
          words[2],
          Long.parseLong(words[3]),
          Integer.parseInt(words[4]),
          words[5].equals("r"),
          Instant.ofEpochSecond(Long.parseLong(words[6])).toString(),
          words.length > 7 && words[7].equals(REVOKED));
    }

    /** The same, sent no more. */
    public Grant revoke() {
      return new Grant(id, uid, session, seq, level, request, startBy, true);
    }

    @JsonValue
    public String text() {
      return String.join(
          " ",
          id,
          uid,
          session,
          Long.toString(seq),
          Integer.toString(level),
          request ? "r" : "o",
          Long.toString(Instant.parse(startBy).getEpochSecond()) + (revoked ? " " + REVOKED : ""));
    }
  }

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
      @JsonPropertyDescription("spec.refork.requestedAt that asked for it.") @Size(max = 64) String token,
      @JsonPropertyDescription("seq of the ledger that began it.") long seq,
      @JsonPropertyDescription("When it began, RFC 3339; younger pods take no part.")
          @Size(max = 40) @Pattern(TIME) String startedAt,
      @JsonPropertyDescription("When a pod last finished its part, RFC 3339.")
          @Size(max = 40) @Pattern(TIME) String progressedAt,
      @JsonPropertyDescription("Its first pod, which reforks alone.") @Nullable Canary canary,
      @JsonPropertyDescription("Whether its canary has soaked.") boolean proven,
      @JsonPropertyDescription("How it ended; Running until then.") Outcome outcome,
      @JsonPropertyDescription("When it ended, RFC 3339.") @Size(max = 40) @Pattern(TIME) @Nullable String endedAt) {
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
  public record Abort(
      @JsonPropertyDescription("The agent's word for it.") @Size(max = 64) String reason,
      @JsonPropertyDescription("Name of the pod.") @Size(max = 253) String pod,
      @JsonPropertyDescription("What happened.") @Size(max = WorkerPoolStatus.MAX_MESSAGE) String message,
      @JsonPropertyDescription("How often in a row; the pause doubles with it.") int count,
      @JsonPropertyDescription("Nothing is granted before, RFC 3339.")
          @Size(max = 40) @Pattern(TIME) String retryAt) {}
}
