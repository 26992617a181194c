package io.refork.agent.control;

import io.refork.agent.http.Bucket;
import io.refork.agent.http.Head;
import java.net.InetAddress;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What each client may cost us. Everyone has a budget of its own, so that a flood from inside the
 * pod, or from a neighbour, does not use up the operator's; and all together have one, which bounds
 * what the agent pays. For one thread, but for the ends of requests.
 */
final class Sources {
  /** Tokens a second that are looked at: half a millisecond each. */
  private static final int LOOKS = 60;

  private static final int LOOKS_EACH = 20;

  /** Signatures a second that are verified: twenty milliseconds each, 16 % of a core. */
  private static final int VERIFICATIONS = 8;

  private static final int VERIFICATIONS_EACH = 4;

  /** An operator that has restarted and finds much to say; tests, too. */
  private static final int BURST = 10;

  /**
   * Requests of one client whose body is being read or that wait for the lane. The operator has one
   * at a time, and one that it has given up; the others are left to other clients.
   */
  private static final int UNDER_WAY_EACH = 2;

  /** Those of all clients together: what they hold is bounded. */
  static final int UNDER_WAY = 8;

  /** Addresses with a budget of their own; the one that was quiet for longest makes room. */
  private static final int MAX = 64;

  private final Map<InetAddress, Budget> budgets = new LinkedHashMap<>(16, 0.75f, true);
  private final Budget inside;
  private final Budget all;

  private record Budget(Bucket looks, Bucket verifications, AtomicInteger underWay) {}

  Sources(long now) {
    inside = each(now);
    all =
        new Budget(
            new Bucket(BURST * LOOKS, LOOKS, now),
            new Bucket(4 * BURST, VERIFICATIONS, now),
            new AtomicInteger());
  }

  private static Budget each(long now) {
    return new Budget(
        new Bucket(BURST * LOOKS_EACH, LOOKS_EACH, now),
        new Bucket(2 * BURST, VERIFICATIONS_EACH, now),
        new AtomicInteger());
  }

  boolean mayLook(Head.Peer peer, long now) {
    return of(peer, now).looks().take(now) && all.looks().take(now);
  }

  /**
   * Whether a token's body may be read and its signature be verified. What is returned runs once,
   * on any thread, when the request is over.
   */
  Optional<Runnable> mayVerify(Head.Peer peer, long now) {
    var own = of(peer, now);
    boolean room = own.underWay().get() < UNDER_WAY_EACH && all.underWay().get() < UNDER_WAY;
    if (!room || !own.verifications().take(now) || !all.verifications().take(now)) {
      return Optional.empty();
    }
    own.underWay().incrementAndGet();
    all.underWay().incrementAndGet();
    return Optional.of(
        () -> {
          own.underWay().decrementAndGet();
          all.underWay().decrementAndGet();
        });
  }

  /** A process in the pod has 127.0.0.0/8 to choose from: all of it is one source. */
  private Budget of(Head.Peer peer, long now) {
    if (peer.inside()) {
      return inside;
    }
    var known = budgets.get(peer.address());
    if (known != null) {
      return known;
    }
    if (budgets.size() >= MAX) {
      var oldest = budgets.keySet().iterator();
      oldest.next();
      oldest.remove();
    }
    var fresh = each(now);
    budgets.put(peer.address(), fresh);
    return fresh;
  }
}
