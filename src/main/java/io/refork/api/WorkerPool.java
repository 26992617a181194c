package io.refork.api;

import io.fabric8.kubernetes.api.model.Namespaced;
import io.fabric8.kubernetes.client.CustomResource;
import io.fabric8.kubernetes.model.annotation.Group;
import io.fabric8.kubernetes.model.annotation.ShortNames;
import io.fabric8.kubernetes.model.annotation.Version;

/** A pool of preforked workers in a number of pods: the resource that users write. */
@Group(WorkerPool.GROUP)
@Version(WorkerPool.VERSION)
@ShortNames("wp")
public final class WorkerPool extends CustomResource<WorkerPoolSpec, WorkerPoolStatus>
    implements Namespaced {
  public static final String GROUP = "refork.io";
  public static final String VERSION = "v1alpha1";
}
