package io.refork.operation;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.rbac.ClusterRole;
import io.fabric8.kubernetes.api.model.rbac.PolicyRule;
import io.fabric8.kubernetes.api.model.rbac.Role;
import io.refork.cluster.Cluster;
import io.refork.cluster.Helm;
import io.refork.cluster.OperatorProcess;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * The chart's service account with exactly the chart's rights, for an operator that runs beside the
 * tests.
 */
record Installed(Cluster cluster, String home, List<HasMetadata> objects) {
  private static final String ACCOUNT = "refork-operator";

  /** A leave: {@code verb group/resource} in a namespace, {@code *} for all. */
  record Right(String verb, String group, String resource, String namespace)
      implements Comparable<Right> {
    @Override
    public int compareTo(Right other) {
      return toString().compareTo(other.toString());
    }

    @Override
    public String toString() {
      var kind = group.isEmpty() ? resource : resource + "." + group;
      return verb + " " + kind + " in " + namespace;
    }
  }

  /** Into a namespace of its own. */
  static Installed in(Cluster cluster, String... values) {
    var home = cluster.controlPlane().namespace();
    var objects =
        Helm.objects("refork", home, values).stream()
            .filter(
                object ->
                    List.of(
                            "ServiceAccount",
                            "Role",
                            "RoleBinding",
                            "ClusterRole",
                            "ClusterRoleBinding")
                        .contains(object.getKind()))
            // They are for people.
            .filter(object -> !object.getMetadata().getName().matches("refork-(view|edit)"))
            .toList();
    objects.forEach(object -> cluster.controlPlane().client().resource(object).serverSideApply());
    return new Installed(cluster, home, objects);
  }

  /** An operator with these rights and no other; not started. */
  OperatorProcess.Setup operator() {
    Path kubeconfig = cluster.controlPlane().kubeconfig(home, ACCOUNT);
    return OperatorProcess.of(cluster).in(home).as(kubeconfig);
  }

  /** Its name in the audit log. */
  String user() {
    return "system:serviceaccount:" + home + ":" + ACCOUNT;
  }

  /** Every right that is granted. */
  Set<Right> granted() {
    var all = new TreeSet<Right>();
    for (var object : objects) {
      switch (object) {
        case ClusterRole role -> role.getRules().forEach(rule -> add(all, rule, "*"));
        case Role role ->
            role.getRules().forEach(rule -> add(all, rule, role.getMetadata().getNamespace()));
        default -> {}
      }
    }
    return all;
  }

  /** The name of its Role in a namespace. */
  String roleIn(String namespace) {
    return objects.stream()
        .filter(o -> o instanceof Role && namespace.equals(o.getMetadata().getNamespace()))
        .findFirst()
        .orElseThrow()
        .getMetadata()
        .getName();
  }

  private static void add(Set<Right> all, PolicyRule rule, String namespace) {
    for (var group : rule.getApiGroups()) {
      for (var resource : rule.getResources()) {
        for (var verb : rule.getVerbs()) {
          all.add(new Right(verb, group, resource, namespace));
        }
      }
    }
  }

  /** Takes the rights that are the cluster's away again; the others go with their namespaces. */
  void remove() {
    objects.forEach(object -> cluster.controlPlane().client().resource(object).delete());
  }
}
