package io.refork.agent.control;

import io.refork.agent.control.ControlOutcomes.Outcome;
import io.refork.agent.http.Head;
import io.refork.agent.http.Lane;
import io.refork.agent.http.Reply;
import io.refork.agent.http.Routes.Decision;
import io.refork.agent.log.Log;
import io.refork.agent.log.RateLimit;
import io.refork.protocol.control.Reason;
import io.refork.protocol.control.TokenVerifier;
import io.refork.protocol.control.TokenVerifier.Checked;
import io.refork.protocol.control.TokenVerifier.Receiver;
import io.refork.protocol.control.Verdict;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * Who may say {@code PUT /v1/desired}. Each step costs more than the one before, and has a budget:
 *
 * <ol>
 *   <li>at the door, knowing only the first line: has this pod keys, has this client been looked at
 *       too often;
 *   <li>with the head: the lengths, the token's form, claims and times;
 *   <li>with the body, on the lane's thread: signature and hash, 20 ms interpreted;
 *   <li>has this token been used.
 * </ol>
 *
 * Answers are constant: whoever guesses learns nothing from them. Reasons are counted and logged.
 */
final class Gate {
  static final String PATH = "/v1/desired";

  /** Eight times what the largest desired state needs. */
  static final int MAX_BODY = 32 * 1024;

  private static final String SCHEME = "bearer ";
  private static final Reply UNAUTHORIZED =
      Reply.text(401, "unauthorized", "WWW-Authenticate: Bearer");
  private static final Reply FORBIDDEN = Reply.text(403, "this pod has no key");
  private static final Reply REPLAYED = Reply.text(409, "used before");
  private static final Reply TOO_LARGE = Reply.text(413, "too large");
  private static final Reply FLOODED = Reply.text(429, "too many requests", "Retry-After: 1");

  private final String podUid;
  private final KeysFile keysFile;
  private final DesiredSink sink;
  private final ControlOutcomes outcomes;
  private final Log log;
  private final InstantSource clock;
  private final LongSupplier nanos;
  private final Instant started;
  private final Sources sources;
  private final SeenIds seen = new SeenIds();
  private final Lane lane = new Lane("refork-control", Sources.UNDER_WAY, FLOODED);
  private final RateLimit refusals = new RateLimit(3, Duration.ofMinutes(1));

  /**
   * @param clock the wall's, which tokens speak of
   * @param nanos monotonic
   */
  Gate(
      String podUid,
      KeysFile keysFile,
      DesiredSink sink,
      ControlOutcomes outcomes,
      Log log,
      InstantSource clock,
      LongSupplier nanos) {
    this.podUid = podUid;
    this.keysFile = keysFile;
    this.sink = sink;
    this.outcomes = outcomes;
    this.log = log;
    this.clock = clock;
    this.nanos = nanos;
    this.started = clock.instant();
    this.sources = new Sources(nanos.getAsLong());
  }

  void close() {
    lane.close();
  }

  /** The first step, on the listener's thread. */
  Optional<Reply> door(Head.Peer peer) {
    long now = nanos.getAsLong();
    if (keysFile.keys(now).isEmpty()) {
      return Optional.of(refuse(Reason.NO_KEYS, peer));
    }
    return sources.mayLook(peer, now)
        ? Optional.empty()
        : Optional.of(refuse(Reason.FLOODED, peer));
  }

  /** The second step, on the listener's thread. */
  Decision decide(Head head) {
    if (head.contentLength() > MAX_BODY) {
      return new Decision.Answer(refuse(Reason.TOO_LARGE, head.peer()));
    }
    return switch (check(head)) {
      case Checked.Refused(var reason) -> new Decision.Answer(refuse(reason, head.peer()));
      case Checked.Plausible p -> admit(head, p);
    };
  }

  private Checked check(Head head) {
    var keys = keysFile.keys(nanos.getAsLong());
    if (keys.isEmpty()) {
      return new Checked.Refused(Reason.NO_KEYS);
    }
    var given = head.authorizations();
    if (given.size() != 1 || !given.getFirst().regionMatches(true, 0, SCHEME, 0, SCHEME.length())) {
      return new Checked.Refused(Reason.MISSING);
    }
    return TokenVerifier.check(
        given.getFirst().substring(SCHEME.length()),
        head.line().method(),
        head.line().target(),
        new Receiver(keys.get(), podUid, started),
        clock.instant());
  }

  private Decision admit(Head head, Checked.Plausible token) {
    var admitted = sources.mayVerify(head.peer(), nanos.getAsLong());
    if (admitted.isEmpty()) {
      return new Decision.Answer(refuse(Reason.FLOODED, head.peer()));
    }
    var over = admitted.get();
    return new Decision.Work(
        lane,
        body -> {
          try {
            return take(token, body, head.peer());
          } finally {
            over.run();
          }
        },
        () -> {
          over.run();
          outcomes.count(Outcome.REFUSED);
        });
  }

  /** The last steps, on the lane's thread. */
  private Reply take(Checked.Plausible token, byte[] body, Head.Peer peer) {
    return switch (token.verify(body)) {
      case Verdict.Rejected(var reason) -> refuse(reason, peer);
      case Verdict.Accepted(var claims) ->
          switch (seen.add(claims, clock.instant())) {
            case SEEN -> refuse(Reason.REPLAYED, peer);
            case FULL -> refuse(Reason.FLOODED, peer);
            case NEW -> hand(body);
          };
    };
  }

  private Reply hand(byte[] body) {
    var answer = sink.take(body);
    boolean taken = answer.code() == 200;
    outcomes.count(taken ? Outcome.ACCEPTED : Outcome.REFUSED);
    return Reply.of(answer.code(), taken ? Reply.JSON : Reply.TEXT, answer.body());
  }

  /** Nothing of the request is logged but where it came from: it is a stranger's. */
  private Reply refuse(Reason reason, Head.Peer peer) {
    outcomes.count(reason);
    synchronized (refusals) {
      if (refusals.admit(nanos.getAsLong())) {
        log.warn(
            "request to steer refused",
            "reason",
            reason.word(),
            "from",
            String.valueOf(peer.address().getHostAddress()),
            "unsaid",
            refusals.takeSuppressed());
      }
    }
    return switch (reason) {
      case NO_KEYS -> FORBIDDEN;
      case REPLAYED -> REPLAYED;
      case TOO_LARGE -> TOO_LARGE;
      case FLOODED -> FLOODED;
      case MISSING,
          MALFORMED,
          ALGORITHM,
          TYPE,
          KEY,
          SIGNATURE,
          ISSUER,
          AUDIENCE,
          CLOCK,
          EXPIRED,
          LIFETIME,
          REQUEST ->
          UNAUTHORIZED;
    };
  }
}
