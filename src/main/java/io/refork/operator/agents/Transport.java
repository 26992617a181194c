package io.refork.operator.agents;

import java.net.InetAddress;
import java.util.function.Consumer;

/** Carries one request to one agent. */
interface Transport {
  /**
   * {@code PUT /v1/desired}.
   *
   * @param token for {@code Authorization: Bearer}
   */
  record Request(InetAddress address, int port, String token, byte[] body) {}

  /** Bytes. An agent's refusal is one sentence. */
  int MAX_SENTENCE = 512;

  /** What came back. */
  sealed interface Reply {
    /**
     * An HTTP response.
     *
     * @param contentType its header, as it was sent; empty when there is none
     * @param body of a 200, at most {@link io.refork.protocol.control.Report#MAX_BYTES}; of a 400
     *     or 422 the beginning, at most {@value #MAX_SENTENCE} bytes; that of another status is not
     *     read
     */
    record Answer(int status, String contentType, byte[] body) implements Reply {}

    /** The body of a 200 was longer than a report may be; the rest was not read. */
    record TooLong() implements Reply {}

    /** There was no whole answer. */
    record None(Cause cause) implements Reply {}
  }

  /** Why there was no answer: words of our own, since a message might repeat what a peer wrote. */
  enum Cause {
    REFUSED("nothing listens on the control port: connection refused"),
    TIMEOUT("no whole answer in time"),
    UNROUTABLE("the pod's address cannot be reached"),
    CLOSED("the connection ended before the answer was complete"),
    NOT_HTTP("what answers does not speak HTTP");

    final String sentence;

    Cause(String sentence) {
      this.sentence = sentence;
    }
  }

  /**
   * Sends it; calls back exactly once, within the timeout, on the {@link Loop}'s thread and not
   * before this call has returned.
   */
  void put(Request request, Consumer<Reply> done);
}
