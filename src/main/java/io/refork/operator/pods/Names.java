package io.refork.operator.pods;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import io.fabric8.kubernetes.api.model.OwnerReference;
import io.fabric8.kubernetes.api.model.OwnerReferenceBuilder;
import io.refork.api.WorkerPool;

/** Names and labels of a pool's children: how they are found, and told from others' objects. */
public final class Names {
  /** Label of every child and pod; its value is the pool's name. */
  public static final String POOL = "refork.io/pool";

  /** Label of a pod: the {@link Revision} of the template that it was made from. */
  public static final String REVISION = "refork.io/revision";

  /** Annotation of a child: hash of what we applied last. */
  public static final String APPLIED = "refork.io/applied";

  /** Field manager of everything that we apply. */
  public static final String FIELD_MANAGER = "refork-operator";

  /** A label's value has at most this many characters, and the pool's name is one. */
  public static final int MAX_POOL_NAME = 63;

  private Names() {}

  /** Also of the disruption budget. */
  public static String deployment(WorkerPool pool) {
    return pool.getMetadata().getName();
  }

  /** Not the pool's bare name: applications often have a ConfigMap of that name themselves. */
  public static String configMap(WorkerPool pool) {
    return pool.getMetadata().getName() + "-agent";
  }

  /** What the scale subresource hands to an autoscaler; the Deployment's selector is the same. */
  public static String selector(WorkerPool pool) {
    return POOL + "=" + pool.getMetadata().getName();
  }

  static ObjectMeta metadata(WorkerPool pool, String name) {
    return new ObjectMetaBuilder()
        .withName(name)
        .withNamespace(pool.getMetadata().getNamespace())
        .addToLabels(POOL, pool.getMetadata().getName())
        .addToLabels("app.kubernetes.io/managed-by", FIELD_MANAGER)
        .withOwnerReferences(owner(pool))
        .build();
  }

  private static OwnerReference owner(WorkerPool pool) {
    return new OwnerReferenceBuilder()
        .withApiVersion(WorkerPool.GROUP + "/" + WorkerPool.VERSION)
        .withKind("WorkerPool")
        .withName(pool.getMetadata().getName())
        .withUid(pool.getMetadata().getUid())
        .withController(true)
        .build();
  }

  /** Whether the object is this very pool's; one of an earlier pool of the same name is not. */
  public static boolean owns(WorkerPool pool, HasMetadata object) {
    return object.getMetadata().getOwnerReferences().stream()
        .anyMatch(
            owner ->
                Boolean.TRUE.equals(owner.getController())
                    && owner.getUid().equals(pool.getMetadata().getUid()));
  }
}
