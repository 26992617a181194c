package io.refork.operator.agents;

import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.file.FileSystemOptions;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * An event loop for the agents alone: ten thousand of them do not wait for the API server's
 * watches, nor the other way round, and no framework's instrumentation names their hosts.
 */
final class VertxLoop implements Loop {
  private final Vertx vertx;
  private final Context context;
  private long alarm = -1;

  VertxLoop() {
    vertx =
        Vertx.vertx(
            new VertxOptions()
                .setEventLoopPoolSize(1)
                .setWorkerPoolSize(1)
                .setInternalBlockingPoolSize(1)
                // Else it makes a directory for files of the class path; the root is read-only.
                .setFileSystemOptions(
                    new FileSystemOptions()
                        .setFileCachingEnabled(false)
                        .setClassPathResolvingEnabled(false)));
    context = vertx.getOrCreateContext();
  }

  Vertx vertx() {
    return vertx;
  }

  @Override
  public long nanos() {
    return System.nanoTime();
  }

  @Override
  public Instant now() {
    return Instant.now();
  }

  @Override
  public void execute(Runnable task) {
    try {
      context.runOnContext(nothing -> task.run());
    } catch (RejectedExecutionException e) {
      // A pass that ends after the operator has stopped: there is nobody left to tell.
    }
  }

  @Override
  public void alarm(Duration in, Runnable task) {
    if (alarm >= 0) {
      vertx.cancelTimer(alarm);
    }
    // Rounded up: an alarm that comes too early is one more for the rest of the millisecond.
    long millis = Math.max(1, (in.toNanos() + 999_999) / 1_000_000);
    alarm =
        vertx.setTimer(
            millis,
            id -> {
              alarm = -1;
              task.run();
            });
  }

  /** Waits at most five seconds for the thread to end. */
  void close() {
    try {
      vertx.close().toCompletionStage().toCompletableFuture().get(5, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      System.getLogger(VertxLoop.class.getName())
          .log(System.Logger.Level.WARNING, "the poller's connections were not closed in time", e);
    }
  }
}
