package io.refork.agent.http;

import java.util.Optional;
import java.util.function.Function;

/** What {@link HttpListener} serves. Called on its one thread: must not wait. */
public interface Routes {
  /** What becomes of a request. */
  sealed interface Decision {
    record Answer(Reply reply) implements Decision {}

    /**
     * The body is read, then {@code work} runs on the lane's thread.
     *
     * @param abandoned runs when the body never came whole: exactly one of the two is called
     */
    record Work(Lane lane, Function<byte[], Reply> work, Runnable abandoned) implements Decision {}
  }

  /**
   * The first line is read. An answer now saves reading the rest, which costs several times as
   * much.
   */
  Optional<Reply> door(Head.Line line, Head.Peer peer);

  /** The head is read, the body is not. */
  Decision decide(Head head);
}
