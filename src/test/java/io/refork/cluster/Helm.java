package io.refork.cluster;

import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.KubernetesList;
import io.fabric8.kubernetes.api.model.rbac.PolicyRule;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

/** The project's chart, rendered. */
public final class Helm {
  /** The chart's folder. */
  public static final String CHART = "helm/refork";

  private Helm() {}

  /**
   * {@code helm template} of a release in a namespace.
   *
   * @param values as {@code --set} wants them
   */
  public static Ran template(String release, String namespace, String... values) {
    var command =
        new ArrayList<>(
            List.of(
                Binaries.of("helm").toString(),
                "template",
                release,
                CHART,
                "--namespace=" + namespace,
                "--kube-version=1.34.2"));
    for (var value : values) {
      command.add("--set");
      command.add(value);
    }
    return Ran.run(Map.of(), "", command);
  }

  /** helm on a cluster, as the one that {@code kubeconfig} names. */
  public static Ran on(Path kubeconfig, String... arguments) {
    var command = new ArrayList<>(List.of(Binaries.of("helm").toString()));
    command.addAll(List.of(arguments));
    return Ran.run(Map.of("KUBECONFIG", kubeconfig.toString()), "", command);
  }

  /** The objects of it, without the CRD. */
  public static List<HasMetadata> objects(String release, String namespace, String... values) {
    var all = new ArrayList<>(List.of(values));
    all.add("crd.install=false");
    return objects(template(release, namespace, all.toArray(String[]::new)).succeeded().out());
  }

  /** The objects of a file. */
  public static List<HasMetadata> objects(String yaml) {
    return Stream.of(yaml.split("(?m)^---\\s*$"))
        .filter(part -> part.contains("kind:"))
        .map(part -> (Object) Serialization.unmarshal(part))
        .filter(Objects::nonNull)
        .flatMap(
            object ->
                object instanceof KubernetesList list
                    ? list.getItems().stream()
                    : Stream.of((HasMetadata) object))
        .toList();
  }

  /** The rules of a Role or ClusterRole. */
  public static List<PolicyRule> rules(HasMetadata role) {
    return switch (role) {
      case io.fabric8.kubernetes.api.model.rbac.Role r -> r.getRules();
      case io.fabric8.kubernetes.api.model.rbac.ClusterRole r -> r.getRules();
      default -> List.of();
    };
  }
}
