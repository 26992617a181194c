package io.refork.operator.status;

import java.util.Comparator;
import java.util.Optional;

/**
 * A trouble of a pool or of one of its pods.
 *
 * @param reason one that {@link Reason#degrades()}
 * @param pod name of the pod it is about; empty when it is the pool's
 * @param sentence what is wrong, without what to do; may hold anybody's words, so it is escaped and
 *     cut where it is shown
 */
public record Problem(Reason reason, Optional<String> pod, String sentence) {
  /** Worst first, then by name so that two passes tell the same. */
  static final Comparator<Problem> WORST_FIRST =
      Comparator.comparingInt(Problem::rank).thenComparing(p -> p.pod().orElse(""));

  /** A trouble of the pool as a whole. */
  public static Problem ofPool(Reason reason, String sentence) {
    return new Problem(reason, Optional.empty(), sentence);
  }

  /** A trouble of one pod. */
  public static Problem ofPod(Reason reason, String pod, String sentence) {
    return new Problem(reason, Optional.of(pod), sentence);
  }

  /** A pod that is not ready and nobody knows why comes behind those of a known cause. */
  private int rank() {
    return reason == Reason.PodsNotReady ? Reason.AgentInvalid.ordinal() : reason.ordinal();
  }
}
