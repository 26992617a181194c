package io.refork.api;

import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.HashMap;
import java.util.Map;

/**
 * Pools as the API server hands them out: valid, with every default filled in. For tests that need
 * no server.
 */
public final class Pools {
  private static final String SHOP =
      """
      apiVersion: refork.io/v1alpha1
      kind: WorkerPool
      metadata:
        name: shop
        namespace: web
        uid: 5f0c7c0e-6f0e-4b1e-9a5f-3f4f0a1b2c3d
        resourceVersion: "1"
        generation: 1
        creationTimestamp: "2026-11-21T12:00:00Z"
      spec:
        replicas: 1
        workers: auto
        listeners: [{name: http, port: 8000}]
        refork:
          policy: Automatic
          afterRequests: [500, 2000]
          afterLast: Stop
          minInterval: 10m
        rollout:
          workers: {maxUnavailable: 10%, maxSurge: 0, canarySoak: 10s, failureBudget: 2}
          pods: {maxConcurrent: 1, canarySoak: 1m, progressDeadline: 30m}
        timeouts: {boot: 60s, spawn: 10s, promote: 30s, request: 60s, drain: 30s, shutdownDelay: 5s}
        recycle: {maxRequests: 0, jitter: 0}
        transparentHugePages: Never
        paused: false
        agent: {image: ""}
        template:
          spec:
            containers:
            - name: app
              image: registry.example/shop:1
              command: [python, -m, refork, gunicorn, shop.wsgi]
      """;

  private Pools() {}

  /** A pool of that one container, everything else as the schema defaults it. */
  public static WorkerPool shop() {
    return shop("{}");
  }

  /**
   * The same with some fields set, in YAML, from the root: {@code "spec: {workers: 8}"}. Objects
   * are merged, lists and everything else replaced; {@code null} takes a field out.
   */
  public static WorkerPool shop(String changes) {
    return Serialization.unmarshal(merged(SHOP, changes), WorkerPool.class);
  }

  /** A pool as JSON, which need not be valid, with changes as for {@link #shop(String)}. */
  static String merged(String pool, String changes) {
    return Serialization.asJson(merge(yaml(pool), yaml(changes)));
  }

  private static Map<String, Object> yaml(String text) {
    return objects(Serialization.unmarshal(text, Map.class));
  }

  private static Map<String, Object> merge(Map<String, Object> base, Map<String, Object> changes) {
    var merged = new HashMap<>(base);
    changes.forEach(
        (field, value) -> {
          if (value == null) {
            merged.remove(field);
          } else if (value instanceof Map<?, ?> inner
              && merged.get(field) instanceof Map<?, ?> old) {
            merged.put(field, merge(objects(old), objects(inner)));
          } else {
            merged.put(field, value);
          }
        });
    return merged;
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Object> objects(Map<?, ?> yaml) {
    return (Map<String, Object>) yaml;
  }
}
