package io.refork.operator;

import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.javaoperatorsdk.operator.OperatorException;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.ControllerConfiguration;
import io.javaoperatorsdk.operator.api.reconciler.EventSourceContext;
import io.javaoperatorsdk.operator.api.reconciler.PrimaryUpdateAndCacheUtils;
import io.javaoperatorsdk.operator.api.reconciler.Reconciler;
import io.javaoperatorsdk.operator.api.reconciler.UpdateControl;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.source.EventSource;
import io.refork.api.WaveLedger;
import io.refork.api.WorkerPool;
import io.refork.api.WorkerPoolStatus;
import io.refork.operator.agents.AgentReport;
import io.refork.operator.metrics.OperatorMetrics;
import io.refork.operator.metrics.OperatorMetrics.Written;
import io.refork.operator.pass.ChildWriter;
import io.refork.operator.pass.ChildWriter.Outcome;
import io.refork.operator.pass.EventWriter;
import io.refork.operator.pass.News;
import io.refork.operator.pass.Plan;
import io.refork.operator.pass.Planner;
import io.refork.operator.pass.PodReader;
import io.refork.operator.pass.Seen;
import io.refork.operator.pass.Sources;
import io.refork.operator.pass.SteadyRetry;
import io.refork.operator.pass.Steering;
import io.refork.operator.pass.Telling;
import io.refork.operator.plan.PodSeen;
import io.refork.operator.pods.Children;
import io.refork.operator.pods.Names;
import io.refork.operator.status.Problem;
import java.net.HttpURLConnection;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * One pass over one pool: bring the children about, see everything, plan, write the status, and
 * only then tell the agents what that write has confirmed. Decides nothing itself.
 *
 * <p>A status is written with the resource version that was read. When somebody else has written
 * meanwhile, another operator for example, everything is thrown away and planned anew: nothing of
 * such a plan may reach an agent.
 */
@ControllerConfiguration(
    name = "workerpool",
    fieldManager = Names.FIELD_MANAGER,
    retry = SteadyRetry.class)
public class WorkerPoolReconciler implements Reconciler<WorkerPool> {
  /** Until the cache has what the other one wrote. */
  private static final Duration AFTER_CONFLICT = Duration.ofMillis(500);

  private final OperatorSettings settings;
  private final KubernetesClient client;
  private final Steering steering;
  private final OperatorMetrics metrics;
  private final InstantSource clock = InstantSource.system();
  private final ChildWriter writer;
  private final EventWriter events;

  /** When this operator looked at each pool first. */
  private final Map<ResourceID, Instant> looks = new ConcurrentHashMap<>();

  /** When each status was written last, so that what may wait does. */
  private final Map<ResourceID, Instant> writes = new ConcurrentHashMap<>();

  private volatile @Nullable Sources sources;

  WorkerPoolReconciler(
      OperatorSettings settings,
      KubernetesClient client,
      Steering steering,
      OperatorMetrics metrics) {
    this.settings = settings;
    this.client = client;
    this.steering = steering;
    this.metrics = metrics;
    this.writer = new ChildWriter(client, clock);
    this.events = new EventWriter(client, clock);
  }

  @Override
  public List<EventSource<?, WorkerPool>> prepareEventSources(
      EventSourceContext<WorkerPool> context) {
    var own = Sources.of(context);
    sources = own;
    var all = new ArrayList<>(own.all());
    all.add(new News(steering, this::gone));
    return all;
  }

  private void gone(WorkerPool pool) {
    var id = ResourceID.fromResource(pool);
    steering.forget(id);
    writer.forget(pool);
    looks.remove(id);
    writes.remove(id);
    metrics.gone(id);
  }

  @Override
  public UpdateControl<WorkerPool> reconcile(WorkerPool pool, Context<WorkerPool> context) {
    if (pool.isMarkedForDeletion()) {
      gone(pool);
      return UpdateControl.noUpdate();
    }
    var own = java.util.Objects.requireNonNull(sources, "sources come before the first pass");
    var children = Children.of(pool, settings.agent(), steering.publicKeys());
    var made = new Made();
    switch (children) {
      case Children.Desired desired -> {
        // The ConfigMap first: pods wait for it.
        made.add(writer.write(pool, desired.configMap(), own.configMaps()));
        made.add(writer.write(pool, desired.disruptionBudget(), own.disruptionBudgets()));
        made.addDeployment(writer.write(pool, desired.deployment(), own.deployments()));
      }
      case Children.Invalid _ ->
          made.deployment =
              own.deployments()
                  .get(new ResourceID(Names.deployment(pool), pool.getMetadata().getNamespace()))
                  .filter(there -> Names.owns(pool, there));
    }
    if (made.going) {
      return UpdateControl.noUpdate();
    }
    var now = clock.instant();
    var id = ResourceID.fromResource(pool);
    var seen =
        new Seen(
            pool,
            children,
            made.problems,
            made.deployment,
            pods(pool, own),
            looks.computeIfAbsent(id, first -> now),
            Optional.ofNullable(writes.get(id)),
            now);
    var control = execute(seen, Planner.plan(seen), context);
    if (context.getPrimaryCache().get(id).isEmpty()) {
      // Deleted during this pass, and no other comes: its pods would be asked for ever.
      gone(pool);
    }
    return control;
  }

  private List<PodSeen> pods(WorkerPool pool, Sources own) {
    return own.pods(pool)
        .filter(pod -> PodReader.isOf(pool, pod))
        .map(pod -> PodReader.read(pool, pod, report(pod)))
        .sorted(Comparator.comparing(PodSeen::name))
        .toList();
  }

  private Optional<AgentReport> report(Pod pod) {
    return steering.report(pod.getMetadata().getUid(), PodReader.isReady(pod));
  }

  private UpdateControl<WorkerPool> execute(Seen seen, Plan plan, Context<WorkerPool> context) {
    var pool = seen.pool();
    var confirmed = Optional.ofNullable(pool.getStatus());
    if (plan.write()) {
      var written = write(pool, plan.status(), context);
      if (written.isEmpty()) {
        return UpdateControl.<WorkerPool>noUpdate().rescheduleAfter(AFTER_CONFLICT);
      }
      confirmed = Optional.ofNullable(written.get().getStatus());
    }
    var id = ResourceID.fromResource(pool);
    steering.steer(id, Telling.targets(seen, confirmed.flatMap(WorkerPoolReconciler::ledger)));
    metrics.pool(id, Planner.podsWanted(seen), plan.status());
    events.write(pool, plan.notes());
    return UpdateControl.<WorkerPool>noUpdate().rescheduleAfter(plan.nextLook());
  }

  private static Optional<WaveLedger> ledger(WorkerPoolStatus status) {
    return Optional.ofNullable(status.rollout().ledger());
  }

  /** Empty when somebody else has written since the pool was read. */
  private Optional<WorkerPool> write(
      WorkerPool pool, WorkerPoolStatus status, Context<WorkerPool> context) {
    try {
      var written =
          PrimaryUpdateAndCacheUtils.updateAndCacheResource(
              pool,
              context,
              copy -> {
                copy.setStatus(status);
                return copy;
              },
              copy -> client.resource(copy).updateStatus(),
              0,
              0,
              1);
      metrics.wrote(Written.Accepted);
      writes.put(ResourceID.fromResource(pool), clock.instant());
      return Optional.of(written);
    } catch (OperatorException e) {
      if (isConflict(e)) {
        metrics.wrote(Written.Conflict);
        return Optional.empty();
      }
      metrics.wrote(Written.Failed);
      throw e;
    } catch (KubernetesClientException e) {
      metrics.wrote(Written.Failed);
      if (e.getCode() == HttpURLConnection.HTTP_NOT_FOUND) {
        return Optional.empty(); // deleted meanwhile
      }
      throw e;
    }
  }

  private static boolean isConflict(OperatorException e) {
    return e.getCause() instanceof KubernetesClientException cause
        && cause.getCode() == HttpURLConnection.HTTP_CONFLICT;
  }

  /** What became of the children. */
  private static final class Made {
    private final List<Problem> problems = new ArrayList<>();
    private Optional<Deployment> deployment = Optional.empty();
    private boolean going;

    private <T> Optional<T> add(Outcome<T> outcome) {
      return switch (outcome) {
        case Outcome.Done<T>(var actual) -> Optional.of(actual);
        case Outcome.Failed<T>(var problem, var actual) -> {
          problems.add(problem);
          yield actual;
        }
        case Outcome.Going<T>() -> {
          going = true;
          yield Optional.empty();
        }
      };
    }

    private void addDeployment(Outcome<Deployment> outcome) {
      deployment = add(outcome);
    }
  }
}
