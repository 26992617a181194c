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

  /** Annotation of the CRD that says which {@link #CRD_VERSION} it is. */
  public static final String CRD_VERSION_ANNOTATION = "refork.io/crd-version";

  /**
   * Rises by one whenever the CRD gains, loses or changes a field, so that an operator refuses to
   * run with a CRD that would drop what it writes.
   */
  public static final int CRD_VERSION = 1;
}
