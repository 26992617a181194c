package io.refork.operator.pass;

import io.javaoperatorsdk.operator.processing.retry.Retry;
import io.javaoperatorsdk.operator.processing.retry.RetryExecution;
import java.util.Optional;

/**
 * After a pass that failed: sooner at first, then every half minute, for ever. The SDK's own gives
 * up after five, and a pool would wait for the next event, which may never come.
 */
public final class SteadyRetry implements Retry {
  private static final long FIRST_MILLIS = 500;
  private static final long MOST_MILLIS = 30_000;

  @Override
  public RetryExecution initExecution() {
    return new Execution();
  }

  private static final class Execution implements RetryExecution {
    private int attempts;

    @Override
    public Optional<Long> nextDelay() {
      attempts++;
      // Six doublings are beyond the most.
      return Optional.of(Math.min(MOST_MILLIS, FIRST_MILLIS << Math.min(attempts - 1, 6)));
    }

    @Override
    public int getAttemptCount() {
      return attempts;
    }

    @Override
    public boolean isLastAttempt() {
      return false;
    }
  }
}
