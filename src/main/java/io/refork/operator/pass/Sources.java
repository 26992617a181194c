package io.refork.operator.pass;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import io.javaoperatorsdk.operator.api.config.informer.InformerEventSourceConfiguration;
import io.javaoperatorsdk.operator.api.reconciler.EventSourceContext;
import io.javaoperatorsdk.operator.processing.event.source.EventSource;
import io.javaoperatorsdk.operator.processing.event.source.informer.InformerEventSource;
import io.javaoperatorsdk.operator.processing.event.source.informer.Mappers;
import io.refork.api.WorkerPool;
import io.refork.operator.pods.Names;
import java.util.List;
import java.util.stream.Stream;

/** Where children and pods are seen: by their label, so that nothing else is held in memory. */
public record Sources(
    InformerEventSource<Deployment, WorkerPool> deployments,
    InformerEventSource<ConfigMap, WorkerPool> configMaps,
    InformerEventSource<PodDisruptionBudget, WorkerPool> disruptionBudgets,
    InformerEventSource<Pod, WorkerPool> pods) {

  private static final String BY_POOL = "pool";

  /** Objects of one answer to a list: ten thousand pods at once would double the heap. */
  private static final long PAGE = 500;

  /** Of one controller. */
  public static Sources of(EventSourceContext<WorkerPool> context) {
    return new Sources(
        children(Deployment.class, context),
        children(ConfigMap.class, context),
        children(PodDisruptionBudget.class, context),
        pods(context));
  }

  /** For the controller. */
  public List<EventSource<?, WorkerPool>> all() {
    return List.of(deployments, configMaps, disruptionBudgets, pods);
  }

  /** Pods with the pool's label. Not all of them need be its own. */
  public Stream<Pod> pods(WorkerPool pool) {
    var metadata = pool.getMetadata();
    return pods.byIndex(BY_POOL, key(metadata.getNamespace(), metadata.getName())).stream();
  }

  private static <T extends HasMetadata> InformerEventSource<T, WorkerPool> children(
      Class<T> kind, EventSourceContext<WorkerPool> context) {
    return new InformerEventSource<>(
        InformerEventSourceConfiguration.from(kind, WorkerPool.class)
            .withName(HasMetadata.getKind(kind))
            .withLabelSelector(Names.POOL)
            .withNamespacesInheritedFromController()
            .withInformerListLimit(PAGE)
            .withSecondaryToPrimaryMapper(Mappers.fromOwnerReferences(WorkerPool.class))
            .build(),
        context);
  }

  private static InformerEventSource<Pod, WorkerPool> pods(EventSourceContext<WorkerPool> context) {
    var configuration =
        InformerEventSourceConfiguration.from(Pod.class, WorkerPool.class)
            .withName("Pod")
            .withLabelSelector(Names.POOL)
            .withNamespacesInheritedFromController()
            .withInformerListLimit(PAGE)
            .withSecondaryToPrimaryMapper(Mappers.fromLabel(Names.POOL, "", WorkerPool.class));
    // With several namespaces there are several informers, and each would take what the others have
    // put into the one store for gone.
    var namespaces =
        context
            .getControllerConfiguration()
            .getInformerConfig()
            .getEffectiveNamespaces(context.getControllerConfiguration());
    if (namespaces.size() <= 1) {
      configuration.withItemStore(new PodStore());
    }
    var pods = new InformerEventSource<>(configuration.build(), context);
    pods.addIndexers(java.util.Map.of(BY_POOL, Sources::keys));
    return pods;
  }

  private static List<String> keys(Pod pod) {
    var metadata = pod.getMetadata();
    var labels = metadata.getLabels();
    return labels == null || !labels.containsKey(Names.POOL)
        ? List.of()
        : List.of(key(metadata.getNamespace(), String.valueOf(labels.get(Names.POOL))));
  }

  private static String key(String namespace, String pool) {
    return namespace + "/" + pool;
  }
}
