package io.refork.operator.startup;

import static io.refork.api.WorkerPool.CRD_VERSION;
import static io.refork.api.WorkerPool.CRD_VERSION_ANNOTATION;

import io.fabric8.kubernetes.api.model.ListOptions;
import io.fabric8.kubernetes.api.model.ListOptionsBuilder;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.refork.api.WorkerPool;
import io.refork.protocol.Escape;
import java.net.HttpURLConnection;
import java.util.Optional;
import java.util.Set;

/**
 * Whether the cluster's CRD is the one that this operator was built with. With an older one the API
 * server would drop what it does not know of a status, silently; of a newer one the operator would.
 *
 * <p>Under Roles alone the CRD cannot be read: then the pools of each watched namespace are asked
 * for, which tells a missing CRD and a missing right, and the version is taken on trust.
 */
final class CrdCheck {
  static final String NAME = "workerpools." + WorkerPool.GROUP;
  private static final String APPLY =
      "kubectl apply --server-side -f the file of this operator's release with the CRD"
          + " (crds/"
          + NAME
          + "-v1.yml)";

  private final KubernetesClient client;

  CrdCheck(KubernetesClient client) {
    this.client = client;
  }

  /**
   * Returns when the operator may run.
   *
   * @param namespaces to watch; empty: all
   * @throws RefusedException when the CRD, a right or the API server is missing
   */
  void check(Set<String> namespaces) throws RefusedException {
    try {
      if (namespaces.isEmpty()) {
        judge(readable());
      } else {
        for (var namespace : namespaces) {
          probe(namespace);
        }
      }
    } catch (KubernetesClientException e) {
      throw new RefusedException(
          "cannot talk to the API server at %s: %s; is it up, and is the operator's service account allowed to?"
              .formatted(client.getMasterUrl(), because(e)));
    }
  }

  private Optional<CustomResourceDefinition> readable() throws RefusedException {
    try {
      return Optional.ofNullable(
          client.apiextensions().v1().customResourceDefinitions().withName(NAME).get());
    } catch (KubernetesClientException e) {
      if (e.getCode() == HttpURLConnection.HTTP_FORBIDDEN) {
        throw new RefusedException(
            "may not get the CRD %s: to watch all namespaces the operator needs the chart's ClusterRole; to watch some, set REFORK_WATCH_NAMESPACES"
                .formatted(NAME));
      }
      throw e;
    }
  }

  private void probe(String namespace) throws RefusedException {
    try {
      client.resources(WorkerPool.class).inNamespace(namespace).list(one());
    } catch (KubernetesClientException e) {
      switch (e.getCode()) {
        case HttpURLConnection.HTTP_NOT_FOUND -> throw missing();
        case HttpURLConnection.HTTP_FORBIDDEN ->
            throw new RefusedException(
                "may not list workerpools in namespace %s, which REFORK_WATCH_NAMESPACES names: create the namespace and the chart's Role and RoleBinding in it, or take it out"
                    .formatted(Escape.plain(namespace, Escape.MAX)));
        default -> throw e;
      }
    }
  }

  private static ListOptions one() {
    return new ListOptionsBuilder().withLimit(1L).build();
  }

  /** The decision, given the CRD of the cluster. */
  static void judge(Optional<CustomResourceDefinition> found) throws RefusedException {
    var crd = found.orElseThrow(CrdCheck::missing);
    var annotations = crd.getMetadata().getAnnotations();
    var version = annotations == null ? null : annotations.get(CRD_VERSION_ANNOTATION);
    if (version == null || !version.matches("[0-9]{1,9}")) {
      throw new RefusedException(
          "the CRD %s of this cluster has no version (annotation %s is '%s'), this operator needs version %d: %s"
              .formatted(
                  NAME,
                  CRD_VERSION_ANNOTATION,
                  version == null ? "" : Escape.plain(version, Escape.MAX),
                  CRD_VERSION,
                  APPLY));
    }
    int theirs = Integer.parseInt(version);
    if (theirs < CRD_VERSION) {
      throw new RefusedException(
          "the CRD %s of this cluster is older (version %d) than this operator (%d): %s"
              .formatted(NAME, theirs, CRD_VERSION, APPLY));
    }
    if (theirs > CRD_VERSION) {
      throw new RefusedException(
          "the CRD %s of this cluster is newer (version %d) than this operator (%d): run the operator of the release that the CRD came with"
              .formatted(NAME, theirs, CRD_VERSION));
    }
  }

  private static RefusedException missing() {
    return new RefusedException(
        "the CRD %s is missing in this cluster, so there are no pools: %s".formatted(NAME, APPLY));
  }

  private static String because(Throwable e) {
    var root = e;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    var message = root.getMessage();
    return Escape.plain(message == null ? root.getClass().getSimpleName() : message, Escape.MAX);
  }
}
