package io.refork.operator.startup;

/** How far this operator has come. */
public enum Stage {
  /** Settings, API server and CRD are being looked at. */
  Checking,
  /** All is well, another operator leads. */
  Waiting,
  /** It leads and reads what there is. */
  Syncing,
  /** It leads and reconciles. */
  Leading,
  /** It has been told to stop. */
  Stopping
}
