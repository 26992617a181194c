package io.refork.operator.pass;

import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.source.ResourceEventAware;
import io.javaoperatorsdk.operator.processing.event.source.inbound.SimpleInboundEventSource;
import io.refork.api.WorkerPool;
import java.util.function.Consumer;

/**
 * Passes for what the API server does not tell: news from agents. Lives as long as the controller
 * does, and hears of pools that are deleted, for which no pass comes.
 */
public final class News extends SimpleInboundEventSource<WorkerPool>
    implements ResourceEventAware<WorkerPool> {
  private final Steering steering;
  private final Consumer<WorkerPool> gone;

  public News(Steering steering, Consumer<WorkerPool> gone) {
    super("agents");
    this.steering = steering;
    this.gone = gone;
  }

  @Override
  public void start() {
    super.start();
    steering.open(this::tell);
  }

  private void tell(ResourceID pool) {
    if (isRunning()) {
      propagateEvent(pool);
    }
  }

  @Override
  public void stop() {
    super.stop();
    steering.close();
  }

  @Override
  public void onResourceDeleted(WorkerPool pool) {
    gone.accept(pool);
  }
}
