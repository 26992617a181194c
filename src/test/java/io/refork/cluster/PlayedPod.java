package io.refork.cluster;

import io.fabric8.kubernetes.api.model.Pod;
import java.util.Map;

/**
 * A pod as its node sees it.
 *
 * @param ip of 127.0.0.0/8 and of no other pod
 * @param restarts of its containers, at least 0
 * @param files those of the ConfigMaps that it mounts, by name, as they were when it started
 */
public record PlayedPod(
    String namespace,
    String name,
    String uid,
    String ip,
    int restarts,
    Map<String, String> labels,
    Map<String, String> annotations,
    Map<String, String> files) {
  static PlayedPod of(Pod pod, String ip, int restarts, Map<String, String> files) {
    var meta = pod.getMetadata();
    return new PlayedPod(
        meta.getNamespace(),
        meta.getName(),
        meta.getUid(),
        ip,
        restarts,
        meta.getLabels() == null ? Map.of() : Map.copyOf(meta.getLabels()),
        meta.getAnnotations() == null ? Map.of() : Map.copyOf(meta.getAnnotations()),
        Map.copyOf(files));
  }

  /** What runs in pods and has to hear of their lives. Called by several threads. */
  public interface Listener {
    /** Its containers start: for the first time, or again when {@code restarts} has risen. */
    void started(PlayedPod pod);

    /** Its labels or annotations changed. */
    void changed(PlayedPod pod);

    /** Its containers have ended, for now or for good. */
    void stopped(PlayedPod pod);

    /** It is gone for good. */
    void gone(PlayedPod pod);
  }
}
