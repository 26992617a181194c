package io.refork.operator.pass;

import io.fabric8.kubernetes.api.model.ContainerStatus;
import io.fabric8.kubernetes.api.model.ContainerStatusBuilder;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.PodStatus;
import io.fabric8.kubernetes.api.model.PodStatusBuilder;
import io.fabric8.kubernetes.client.informers.cache.Cache;
import io.fabric8.kubernetes.client.informers.cache.ItemStore;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Keeps of each pod what {@link PodReader} reads. Ten thousand whole pods would be hundreds of
 * megabytes, most of it the template that all of them share.
 */
public final class PodStore implements ItemStore<Pod> {
  private final ConcurrentHashMap<String, Pod> pods = new ConcurrentHashMap<>();

  @Override
  public String getKey(Pod pod) {
    return Cache.metaNamespaceKeyFunc(pod);
  }

  @Override
  public @Nullable Pod put(String key, Pod pod) {
    return pods.put(key, trimmed(pod));
  }

  @Override
  public @Nullable Pod remove(String key) {
    return pods.remove(key);
  }

  @Override
  public Stream<String> keySet() {
    return pods.keySet().stream();
  }

  @Override
  public Stream<Pod> values() {
    return pods.values().stream();
  }

  @Override
  public int size() {
    return pods.size();
  }

  @Override
  public @Nullable Pod get(String key) {
    return pods.get(key);
  }

  static Pod trimmed(Pod pod) {
    var metadata = pod.getMetadata();
    var kept =
        new ObjectMetaBuilder()
            .withName(metadata.getName())
            .withNamespace(metadata.getNamespace())
            .withUid(metadata.getUid())
            .withResourceVersion(metadata.getResourceVersion())
            .withCreationTimestamp(metadata.getCreationTimestamp())
            .withDeletionTimestamp(metadata.getDeletionTimestamp())
            .withLabels(metadata.getLabels())
            .withOwnerReferences(metadata.getOwnerReferences())
            .build();
    return new PodBuilder()
        .withMetadata(kept)
        .withStatus(trimmed(Optional.ofNullable(pod.getStatus()).orElseGet(PodStatus::new)))
        .build();
  }

  private static PodStatus trimmed(PodStatus status) {
    return new PodStatusBuilder()
        .withPhase(status.getPhase())
        .withPodIP(status.getPodIP())
        .withConditions(
            status.getConditions().stream()
                .filter(c -> "Ready".equals(c.getType()) || "PodScheduled".equals(c.getType()))
                .toList())
        .withContainerStatuses(containers(status.getContainerStatuses()))
        .withInitContainerStatuses(containers(status.getInitContainerStatuses()))
        .build();
  }

  private static List<ContainerStatus> containers(List<ContainerStatus> all) {
    return all.stream()
        .map(
            status ->
                new ContainerStatusBuilder()
                    .withName(status.getName())
                    .withRestartCount(status.getRestartCount())
                    .withState(status.getState())
                    .withLastState(status.getLastState())
                    .build())
        .toList();
  }
}
