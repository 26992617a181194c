package io.refork.operator.startup;

import jakarta.inject.Singleton;

/** The operator's stage, for health checks and metrics; set by {@link Main} alone. */
@Singleton
public class Progress {
  private volatile Stage stage = Stage.Checking;

  public Stage stage() {
    return stage;
  }

  void reached(Stage next) {
    stage = next;
  }
}
