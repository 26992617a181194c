package io.refork.operator.leading;

import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.extended.leaderelection.LeaderCallbacks;
import io.fabric8.kubernetes.client.extended.leaderelection.LeaderElectionConfig;
import io.fabric8.kubernetes.client.extended.leaderelection.LeaderElector;
import io.fabric8.kubernetes.client.extended.leaderelection.resourcelock.LeaseLock;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jboss.logging.Logger;

/**
 * A lease that one operator holds. The controllers run inside of it, not beside it: they are
 * started when the lease has been taken, the process is halted when it is lost, and it is given
 * back after they have stopped, so that the next operator need not wait until it runs out.
 *
 * <p>It spares work and noise, no more: two leaders at once do no harm, because a permit is sent
 * only after the versioned status write that holds it.
 */
public final class Leadership {
  /** The name of the lease, in the operator's own namespace. */
  public static final String LEASE = "refork-operator";

  private static final Logger LOG = Logger.getLogger(Leadership.class);

  private final LeaderElector elector;
  private final Executor executor;
  private volatile Optional<CompletableFuture<?>> election = Optional.empty();

  /**
   * Nothing happens before {@link #start}.
   *
   * @param identity unique among the operators
   * @param lease how long it lasts when its holder has died; the holder gives up after two thirds
   * @param won called once, on a thread of the executor
   * @param lost called when the lease was held and is not any more, also by {@link #giveBack}
   */
  public Leadership(
      KubernetesClient client,
      String namespace,
      String identity,
      Duration lease,
      Executor executor,
      Runnable won,
      Runnable lost) {
    var config =
        new LeaderElectionConfig(
            new LeaseLock(namespace, LEASE, identity),
            lease,
            lease.multipliedBy(2).dividedBy(3),
            // Five tries before the holder gives up.
            lease.dividedBy(8),
            new LeaderCallbacks(
                () -> executor.execute(won),
                lost,
                leader -> LOG.infof("The leader is %s", leader.isEmpty() ? "nobody" : leader)),
            true,
            LEASE);
    this.executor = executor;
    this.elector = new LeaderElector(client, config, executor);
  }

  /** Tries to take the lease from now on; returns at once. */
  public void start() {
    election = Optional.of(elector.start());
  }

  /** Gives the lease back, or stops trying to take it. Waits at most as long as said. */
  public void giveBack(Duration patience) {
    election.ifPresent(
        running -> {
          try {
            CompletableFuture.runAsync(() -> running.cancel(true), executor)
                .get(patience.toMillis(), TimeUnit.MILLISECONDS);
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          } catch (ExecutionException | TimeoutException e) {
            LOG.warnf("The lease %s was not given back: it runs out by itself", LEASE);
          }
        });
  }
}
