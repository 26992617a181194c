package io.refork.node;

import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The example application as a pool: two pods with four workers each. */
final class Shop {
  /** Pages that fill its caches. */
  static final List<String> PATHS =
      Stream.concat(
              IntStream.range(0, 12).mapToObj(i -> "/category/" + i % 6),
              IntStream.range(1, 60).mapToObj(i -> "/product/" + 7 * i))
          .toList();

  private Shop() {}

  /**
   * Its spec. Soaks are short, or a test would mostly wait; {@code shutdownDelay} is longer than
   * kube-proxy takes to hear that a pod ends.
   *
   * @param refork the YAML of spec.refork
   */
  static String spec(String refork) {
    return """
        replicas: 2
        workers: 4
        listeners: [{name: http, port: 8000}]
        refork: %s
        rollout:
          workers: {maxUnavailable: 1, canarySoak: 1s}
          pods: {maxConcurrent: 1, canarySoak: 2s}
        timeouts: {shutdownDelay: 3s, drain: 10s}
        template:
          spec:
            containers:
            - name: app
              image: refork-example/shop:1
              command: [python3, -m, refork, gunicorn, -c, gunicorn.conf.py]
              resources:
                requests: {cpu: 20m, memory: 64Mi}
                limits: {memory: 1Gi}
        """
        .formatted(refork);
  }
}
