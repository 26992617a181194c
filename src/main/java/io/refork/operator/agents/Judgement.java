package io.refork.operator.agents;

import io.refork.operator.agents.Transport.Reply;
import io.refork.protocol.Escape;
import io.refork.protocol.control.MalformedException;
import io.refork.protocol.control.Report;
import io.refork.protocol.control.ReportCodec;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * What a reply is worth. Everything in it is a stranger's word: the application may have taken the
 * agent's port.
 */
sealed interface Judgement {
  /** The word in the metric. */
  Outcome outcome();

  /** A report of the pod that was asked. */
  record Valid(Report report) implements Judgement {
    @Override
    public Outcome outcome() {
      return Outcome.OK;
    }
  }

  /** No answer. {@code why} repeats nothing of what the peer sent. */
  record Silent(Outcome outcome, String why) implements Judgement {}

  /**
   * An answer that is no report of that pod. {@code why} repeats nothing of what the peer sent but
   * the sentence of a refusal, escaped and cut.
   */
  record Wrong(Outcome outcome, String why) implements Judgement {}

  /** A closed set, so that a peer cannot make series. */
  enum Outcome {
    OK,
    REFUSED,
    TIMEOUT,
    UNROUTABLE,
    CLOSED,
    NOT_HTTP,
    UNAUTHORIZED,
    NO_KEY,
    REPLAYED,
    FLOODED,
    NOT_UNDERSTOOD,
    STATUS,
    TOO_LONG,
    CONTENT_TYPE,
    MALFORMED,
    OTHER_POD,
    /** Not sent: the desired state does not fit a request. */
    UNSENDABLE;

    String word() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  /**
   * The rules.
   *
   * @param uid of the pod that was asked
   */
  static Judgement of(String uid, Reply reply) {
    return switch (reply) {
      case Reply.Answer(int status, String type, byte[] body) when status == 200 ->
          report(uid, type, body);
      case Reply.Answer(int status, _, byte[] body) -> refusal(status, body);
      case Reply.TooLong() ->
          new Wrong(
              Outcome.TOO_LONG, "the answer is longer than a report: " + Report.MAX_BYTES + " B");
      case Reply.None(var cause) -> none(cause);
    };
  }

  private static Judgement none(Transport.Cause cause) {
    return switch (cause) {
      case REFUSED -> new Silent(Outcome.REFUSED, cause.sentence);
      case TIMEOUT -> new Silent(Outcome.TIMEOUT, cause.sentence);
      case UNROUTABLE -> new Silent(Outcome.UNROUTABLE, cause.sentence);
      case CLOSED -> new Silent(Outcome.CLOSED, cause.sentence);
      case NOT_HTTP -> new Wrong(Outcome.NOT_HTTP, cause.sentence);
    };
  }

  private static Judgement report(String uid, String contentType, byte[] body) {
    var semicolon = contentType.indexOf(';');
    var type = semicolon < 0 ? contentType : contentType.substring(0, semicolon);
    if (!type.strip().equalsIgnoreCase("application/json")) {
      return new Wrong(Outcome.CONTENT_TYPE, "the answer is not application/json");
    }
    Report report;
    try {
      report = ReportCodec.decode(body);
    } catch (MalformedException e) {
      return new Wrong(Outcome.MALFORMED, "the answer is no report: " + e.sentence());
    }
    return report.pod().equals(uid)
        ? new Valid(report)
        : new Wrong(Outcome.OTHER_POD, "the report names another pod's UID");
  }

  /** What an agent says of its reasons, as one quoted line. */
  private static String sentence(byte[] body) {
    var text = new String(body, StandardCharsets.UTF_8).strip();
    return text.isEmpty() ? "" : " and says " + Escape.quoted(text);
  }

  private static Judgement refusal(int status, byte[] body) {
    return switch (status) {
      case 400, 413, 422 ->
          new Wrong(
              Outcome.NOT_UNDERSTOOD,
              "the agent does not take the desired state (HTTP "
                  + status
                  + ")"
                  + sentence(body)
                  + ": roll the pod to this operator's agent image");
      case 401 ->
          new Wrong(
              Outcome.UNAUTHORIZED,
              "the agent does not accept the operator's signature (HTTP 401): do the pod's key file"
                  + " and the node's clock match the operator's?");
      case 403 ->
          new Wrong(
              Outcome.NO_KEY,
              "the agent has no public key of an operator (HTTP 403): is the pool's ConfigMap"
                  + " mounted?");
      case 409 ->
          new Wrong(Outcome.REPLAYED, "the agent has seen this very request before (HTTP 409)");
      case 429 ->
          new Wrong(
              Outcome.FLOODED,
              "the agent gets more requests than it verifies (HTTP 429): by whom?");
      default ->
          new Wrong(
              Outcome.STATUS,
              "HTTP "
                  + status
                  + " where a report was expected: is it Refork's agent that answers?");
    };
  }
}
