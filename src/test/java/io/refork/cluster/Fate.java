package io.refork.cluster;

/** What becomes of a new pod. */
public enum Fate {
  /** It runs and is ready. */
  READY,
  /** It runs and never becomes ready. */
  NEVER_READY,
  /** Its image cannot be pulled. */
  IMAGE_PULL_FAILS,
  /** No node takes it. */
  PENDING
}
