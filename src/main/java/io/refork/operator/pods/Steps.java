package io.refork.operator.pods;

import java.time.Duration;

/**
 * Times of the pod template that follow from time limits which agents take over while they run. A
 * pod's grace period cannot be changed, so each new value would roll the pods for nothing: the
 * template has the next of a few steps instead. A step too long costs nothing, since the agent
 * itself keeps the exact limit.
 */
final class Steps {
  /** Above the defaults, so that a pool with a drain of up to 45 s stays on it. */
  private static final long FIRST_SECONDS = 60;

  /** Few steps: a limit must be raised fourfold before pods roll for certain. */
  private static final long FACTOR = 4;

  private Steps() {}

  /** 60, 240, 960, … seconds: the first that is not less. */
  static long atLeast(Duration least) {
    long step = FIRST_SECONDS;
    while (step < least.toSeconds() + (least.toNanosPart() > 0 ? 1 : 0)) {
      step *= FACTOR;
    }
    return step;
  }
}
