package io.refork.cluster;

import io.fabric8.kubernetes.api.model.BindingBuilder;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.PodStatus;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import io.refork.cluster.PodStatuses.Ended;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/**
 * Scheduler and kubelet of a cluster without nodes: takes every pod, gives it an address, says that
 * it runs and is ready, and lets it go when it is deleted. Tests tell it what else may befall a
 * pod. What would run in the pods hears of it as {@link PlayedPod.Listener}.
 */
public final class PlayedKubelet implements AutoCloseable {
  private static final String NODE = "played";

  /** One pod's steps in order, the pods beside each other; the API server has two cores here. */
  private static final int THREADS = 6;

  private static final Duration STEP_BOUND = Duration.ofSeconds(30);

  private final KubernetesClient client;
  private final PlayedPod.Listener inside;
  private final SharedIndexInformer<Pod> informer;
  private final List<ScheduledExecutorService> threads = new ArrayList<>();
  private final AtomicInteger addresses = new AtomicInteger();
  private final Map<String, Played> pods = new ConcurrentHashMap<>();
  private final Map<String, Fate> fates = new ConcurrentHashMap<>();
  private volatile boolean mounts = true;
  private final Map<String, Duration> deletionTimes = new ConcurrentHashMap<>();

  /** Guarded by its pod's thread. */
  private static final class Played {
    final String ip;
    int restarts;
    boolean begun;
    boolean leaving;
    Optional<Ended> ended = Optional.empty();
    Map<String, String> files = Map.of();

    Played(String ip) {
      this.ip = ip;
    }

    PlayedPod of(Pod pod) {
      return PlayedPod.of(pod, ip, restarts, files);
    }
  }

  /** Plays for all namespaces of the cluster; one at a time. */
  public static PlayedKubelet start(ControlPlane cluster, PlayedPod.Listener inside) {
    return new PlayedKubelet(cluster.playersClient(), inside);
  }

  private PlayedKubelet(KubernetesClient client, PlayedPod.Listener inside) {
    this.client = client;
    this.inside = inside;
    for (int i = 0; i < THREADS; i++) {
      threads.add(
          Executors.newSingleThreadScheduledExecutor(
              Thread.ofPlatform().daemon().name("kubelet-" + i).factory()));
    }
    client
        .resource(new NodeBuilder().withNewMetadata().withName(NODE).endMetadata().build())
        .serverSideApply();
    informer =
        client
            .pods()
            .inAnyNamespace()
            .inform(
                new ResourceEventHandler<>() {
                  @Override
                  public void onAdd(Pod pod) {
                    later(pod, () -> seen(pod));
                  }

                  @Override
                  public void onUpdate(Pod old, Pod pod) {
                    later(pod, () -> seen(pod));
                  }

                  @Override
                  public void onDelete(Pod pod, boolean unknown) {
                    later(pod, () -> gone(pod));
                  }
                });
  }

  /** What becomes of new pods in that namespace; {@link Fate#READY} unless told. */
  public void fate(String namespace, Fate fate) {
    fates.put(namespace, fate);
  }

  /** How long deleted pods of that namespace take to end; no time unless told. */
  public void deletionTakes(String namespace, Duration time) {
    deletionTimes.put(namespace, time);
  }

  /** Whether the pod is ready from now on. */
  public void ready(String namespace, String name, boolean ready) {
    now(namespace, name, (pod, played) -> running(pod, played, ready));
  }

  /** The containers end and start again: not ready, then ready. */
  public void restart(String namespace, String name) {
    restart(namespace, name, "Error", 1);
  }

  /** The same after they ended for that reason, for example {@code OOMKilled} with 137. */
  public void restart(String namespace, String name, String reason, int exitCode) {
    now(
        namespace,
        name,
        (pod, played) -> {
          played.restarts++;
          played.ended = Optional.of(new Ended(reason, exitCode, PodStatuses.now()));
          running(pod, played, false);
          inside.started(played.of(pod));
          running(pod, played, true);
        });
  }

  /**
   * The containers end for that reason, for example {@code OOMKilled} with 137 or {@code
   * StartError} with 128, and wait as {@code CrashLoopBackOff}.
   */
  public void crash(String namespace, String name, String reason, int exitCode) {
    now(
        namespace,
        name,
        (pod, played) -> {
          played.restarts++;
          played.ended = Optional.of(new Ended(reason, exitCode, PodStatuses.now()));
          inside.stopped(played.of(pod));
          write(
              pod,
              PodStatuses.waiting(
                  pod,
                  played.ip,
                  "CrashLoopBackOff",
                  "back-off 10s restarting failed container",
                  played.restarts,
                  played.ended));
        });
  }

  /** The node throws the pod out: its phase is Failed, it stays until somebody deletes it. */
  public void evict(String namespace, String name) {
    now(
        namespace,
        name,
        (pod, played) -> {
          inside.stopped(played.of(pod));
          write(pod, PodStatuses.evicted());
        });
  }

  /** Pods get no files from now on: a request less for each of ten thousand. */
  public void withoutFiles() {
    mounts = false;
  }

  @Override
  public void close() {
    informer.close();
    threads.forEach(ScheduledExecutorService::shutdownNow);
    client.close();
  }

  private interface Step {
    void run(Pod pod, Played played);
  }

  private void now(String namespace, String name, Step step) {
    var pod = client.pods().inNamespace(namespace).withName(name).get();
    var played = pod == null ? null : pods.get(pod.getMetadata().getUid());
    if (played == null) {
      throw new NoSuchElementException("no pod runs as " + namespace + "/" + name);
    }
    try {
      thread(pod).submit(() -> step.run(pod, played)).get(STEP_BOUND.toSeconds(), TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private void seen(Pod pod) {
    var meta = pod.getMetadata();
    var fate = fates.getOrDefault(meta.getNamespace(), Fate.READY);
    if (fate == Fate.PENDING && !pods.containsKey(meta.getUid())) {
      return;
    }
    var played = pods.computeIfAbsent(meta.getUid(), uid -> new Played(nextAddress()));
    if (meta.getDeletionTimestamp() != null) {
      leave(pod, played);
    } else if (!played.begun) {
      begin(pod, played, fate);
      played.begun = true;
    } else {
      inside.changed(played.of(pod));
    }
  }

  private void begin(Pod pod, Played played, Fate fate) {
    var meta = pod.getMetadata();
    if (pod.getSpec().getNodeName() == null) {
      var binding =
          new BindingBuilder()
              .withNewMetadata()
              .withNamespace(meta.getNamespace())
              .withName(meta.getName())
              .endMetadata()
              .withNewTarget()
              .withKind("Node")
              .withName(NODE)
              .endTarget()
              .build();
      unlessGone(
          () -> client.bindings().inNamespace(meta.getNamespace()).resource(binding).create());
    }
    switch (fate) {
      case READY, NEVER_READY -> {
        played.files = mounted(pod);
        inside.started(played.of(pod));
        running(pod, played, fate == Fate.READY);
      }
      case IMAGE_PULL_FAILS -> write(pod, PodStatuses.imagePullFails(pod, played.ip));
      case PENDING -> {}
    }
  }

  /** As a kubelet, it does not start a pod before its ConfigMaps are there. */
  private Map<String, String> mounted(Pod pod) {
    var files = new HashMap<String, String>();
    if (!mounts) {
      return files;
    }
    var namespace = pod.getMetadata().getNamespace();
    for (var volume : pod.getSpec().getVolumes()) {
      if (volume.getConfigMap() != null) {
        var map =
            client
                .configMaps()
                .inNamespace(namespace)
                .withName(volume.getConfigMap().getName())
                .require();
        files.putAll(map.getData() == null ? Map.of() : map.getData());
      }
    }
    return files;
  }

  private void running(Pod pod, Played played, boolean ready) {
    write(pod, PodStatuses.running(pod, played.ip, ready, played.restarts, played.ended));
  }

  private void leave(Pod pod, Played played) {
    if (played.leaving) {
      return;
    }
    played.leaving = true;
    var time = deletionTimes.getOrDefault(pod.getMetadata().getNamespace(), Duration.ZERO);
    thread(pod)
        .schedule(() -> later(pod, () -> finish(pod)), time.toMillis(), TimeUnit.MILLISECONDS);
  }

  private void finish(Pod pod) {
    var meta = pod.getMetadata();
    Optional.ofNullable(pods.get(meta.getUid()))
        .ifPresent(played -> inside.stopped(played.of(pod)));
    // Only this very pod: a StatefulSet's next one has the same name.
    var same =
        new PodBuilder()
            .withNewMetadata()
            .withNamespace(meta.getNamespace())
            .withName(meta.getName())
            .withUid(meta.getUid())
            .endMetadata()
            .build();
    unlessGone(() -> client.resource(same).withGracePeriod(0).delete());
  }

  private void gone(Pod pod) {
    var played = pods.remove(pod.getMetadata().getUid());
    if (played != null) {
      inside.gone(played.of(pod));
    }
  }

  private void write(Pod pod, PodStatus status) {
    var patch = client.getKubernetesSerialization().asJson(Map.of("status", status));
    unlessGone(
        () ->
            client
                .pods()
                .inNamespace(pod.getMetadata().getNamespace())
                .withName(pod.getMetadata().getName())
                .subresource("status")
                .patch(PatchContext.of(PatchType.JSON_MERGE), patch));
  }

  /** Pods vanish while we write about them. */
  private void unlessGone(Supplier<?> request) {
    try {
      request.get();
    } catch (KubernetesClientException e) {
      if (e.getCode() != 404 && e.getCode() != 409) {
        throw e;
      }
    }
  }

  private ScheduledExecutorService thread(Pod pod) {
    return threads.get(Math.floorMod(pod.getMetadata().getUid().hashCode(), THREADS));
  }

  private void later(Pod pod, Runnable step) {
    thread(pod)
        .execute(
            () -> {
              try {
                step.run();
              } catch (RuntimeException e) {
                // The API server may be away on purpose.
                if (!thread(pod).isShutdown()) {
                  thread(pod).schedule(() -> later(pod, step), 1, TimeUnit.SECONDS);
                }
              }
            });
  }

  private String nextAddress() {
    // From 127.1.0.1 on: 127.0.0.1 is everybody's.
    int n = addresses.incrementAndGet();
    return "127.%d.%d.%d".formatted(1 + n / (250 * 250), n / 250 % 250, 1 + n % 250);
  }
}
