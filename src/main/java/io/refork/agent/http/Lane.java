package io.refork.agent.http;

import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * One thread for answers that take longer than a moment, and a few that wait for it. The thread
 * exists only while it is used.
 */
public final class Lane implements AutoCloseable {
  private static final long STACK = 256 * 1024;

  private final ThreadPoolExecutor pool;
  private final Reply busy;

  /**
   * @param waiting how many may wait
   * @param busy what the others are told
   */
  public Lane(String name, int waiting, Reply busy) {
    this.busy = busy;
    pool =
        new ThreadPoolExecutor(
            1,
            1,
            30,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(waiting),
            task -> {
              var thread = new Thread(null, task, name, STACK);
              thread.setDaemon(true);
              return thread;
            });
    pool.allowCoreThreadTimeOut(true);
  }

  Reply busy() {
    return busy;
  }

  /** False when too many wait, or the process limit allows no thread. */
  boolean offer(Runnable task) {
    try {
      pool.execute(task);
      return true;
    } catch (RejectedExecutionException | OutOfMemoryError e) {
      return false;
    }
  }

  @Override
  public void close() {
    pool.shutdownNow();
  }
}
