package io.refork.node;

import com.fasterxml.jackson.databind.JsonNode;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.refork.cluster.Helm;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The chart's PodMonitor and ServiceMonitor as what a plain Prometheus is told: the same selectors,
 * ports and relabelings, and the labels that the Prometheus Operator adds by itself. Prometheus
 * does the selecting; every port of every pod and Service is offered to it, with the labels that
 * its own discovery in Kubernetes gives them (Debian's Prometheus is built without that).
 */
final class Monitors {
  private Monitors() {}

  /** The {@code scrape_configs} for the operator of a namespace and all pods. */
  static List<Map<String, Object>> scrapeConfigs(Node node, String namespace) {
    var rendered =
        Helm.template(
                "refork",
                namespace,
                "monitoring.podMonitor.enabled=Always",
                "monitoring.serviceMonitor.enabled=Always")
            .succeeded()
            .out();
    var configs = new ArrayList<Map<String, Object>>();
    for (var text : rendered.split("(?m)^---\\s*$")) {
      if (text.contains("kind: PodMonitor")) {
        configs.add(pods(node, Serialization.unmarshal(text, JsonNode.class)));
      } else if (text.contains("kind: ServiceMonitor")) {
        configs.add(services(node, Serialization.unmarshal(text, JsonNode.class)));
      }
    }
    return configs;
  }

  private static Map<String, Object> pods(Node node, JsonNode monitor) {
    var endpoint = monitor.at("/spec/podMetricsEndpoints/0");
    var relabel = new ArrayList<Map<String, Object>>();
    relabel.addAll(selecting(monitor.at("/spec/selector"), "pod"));
    relabel.add(keep("__meta_kubernetes_pod_container_port_name", endpoint.path("port").asText()));
    relabel.add(
        Map.of(
            "action",
            "drop",
            "source_labels",
            List.of("__meta_kubernetes_pod_phase"),
            "regex",
            "(Failed|Succeeded)"));
    relabel.add(copy("__meta_kubernetes_namespace", "namespace"));
    relabel.add(copy("__meta_kubernetes_pod_container_name", "container"));
    relabel.add(copy("__meta_kubernetes_pod_name", "pod"));
    relabel.add(set("job", name(monitor)));
    relabel.add(set("endpoint", endpoint.path("port").asText()));
    return config(node, monitor, endpoint, "pod", relabel);
  }

  private static Map<String, Object> services(Node node, JsonNode monitor) {
    var endpoint = monitor.at("/spec/endpoints/0");
    var relabel = new ArrayList<Map<String, Object>>();
    relabel.addAll(selecting(monitor.at("/spec/selector"), "service"));
    relabel.add(keep("__meta_kubernetes_endpointslice_port_name", endpoint.path("port").asText()));
    relabel.add(copy("__meta_kubernetes_namespace", "namespace"));
    relabel.add(copy("__meta_kubernetes_service_name", "service"));
    relabel.add(copy("__meta_kubernetes_pod_name", "pod"));
    relabel.add(copy("__meta_kubernetes_pod_container_name", "container"));
    relabel.add(copy("__meta_kubernetes_service_name", "job"));
    relabel.add(copy(label("service", monitor.at("/spec/jobLabel").asText()), "job"));
    relabel.add(set("endpoint", endpoint.path("port").asText()));
    return config(node, monitor, endpoint, "endpointslice", relabel);
  }

  private static Map<String, Object> config(
      Node node,
      JsonNode monitor,
      JsonNode endpoint,
      String role,
      List<Map<String, Object>> relabel) {
    for (var each : endpoint.path("relabelings")) {
      var renamed = new LinkedHashMap<String, Object>();
      each.properties()
          .forEach(
              field ->
                  renamed.put(
                      field
                          .getKey()
                          .replaceAll("([A-Z])", "_$1")
                          .toLowerCase(java.util.Locale.ROOT),
                      field.getValue()));
      relabel.add(renamed);
    }
    var offered = role.equals("pod") ? ports(node) : endpoints(node);
    var names = monitor.at("/spec/namespaceSelector/matchNames");
    if (!names.isMissingNode()) {
      var within = new ArrayList<String>();
      names.forEach(name -> within.add(name.asText()));
      relabel.addFirst(keep("__meta_kubernetes_namespace", String.join("|", within)));
    }
    return Map.of(
        "job_name",
        monitor.path("kind").asText() + "/" + name(monitor),
        "metrics_path",
        endpoint.path("path").asText(),
        "honor_labels",
        endpoint.path("honorLabels").asBoolean(),
        "static_configs",
        offered,
        "relabel_configs",
        relabel);
  }

  /** Every port of every container, as {@code role: pod} finds them. */
  private static List<Map<String, Object>> ports(Node node) {
    var all = new ArrayList<Map<String, Object>>();
    for (var pod : node.client().pods().inAnyNamespace().list().getItems()) {
      for (var container : pod.getSpec().getContainers()) {
        for (var port : container.getPorts()) {
          var labels = labels("pod", pod.getMetadata());
          labels.put("__meta_kubernetes_pod_name", pod.getMetadata().getName());
          labels.put("__meta_kubernetes_pod_phase", pod.getStatus().getPhase());
          labels.put("__meta_kubernetes_pod_container_name", container.getName());
          labels.put("__meta_kubernetes_pod_container_port_name", port.getName());
          all.add(target(pod.getStatus().getPodIP(), port.getContainerPort(), labels));
        }
      }
    }
    return all;
  }

  /** Every port of every endpoint of every Service, as {@code role: endpointslice} finds them. */
  private static List<Map<String, Object>> endpoints(Node node) {
    var all = new ArrayList<Map<String, Object>>();
    var client = node.client();
    for (var service : client.services().inAnyNamespace().list().getItems()) {
      var metadata = service.getMetadata();
      var slices =
          client
              .discovery()
              .v1()
              .endpointSlices()
              .inNamespace(metadata.getNamespace())
              .withLabel("kubernetes.io/service-name", metadata.getName())
              .list()
              .getItems();
      for (var slice : slices) {
        for (var endpoint : slice.getEndpoints()) {
          for (var port : slice.getPorts()) {
            var labels = labels("service", metadata);
            labels.put("__meta_kubernetes_service_name", metadata.getName());
            labels.put("__meta_kubernetes_endpointslice_port_name", port.getName());
            Optional.ofNullable(endpoint.getTargetRef())
                .ifPresent(pod -> labels.put("__meta_kubernetes_pod_name", pod.getName()));
            all.add(target(endpoint.getAddresses().getFirst(), port.getPort(), labels));
          }
        }
      }
    }
    return all;
  }

  private static Map<String, Object> target(String ip, int port, Map<String, String> labels) {
    labels.values().removeIf(Objects::isNull);
    return Map.of("targets", List.of(ip + ":" + port), "labels", labels);
  }

  private static Map<String, String> labels(String kind, ObjectMeta metadata) {
    var labels = new LinkedHashMap<String, String>();
    labels.put("__meta_kubernetes_namespace", metadata.getNamespace());
    Optional.ofNullable(metadata.getLabels())
        .orElse(Map.of())
        .forEach(
            (key, value) -> {
              labels.put(label(kind, key), value);
              labels.put(label(kind, key).replace("_label_", "_labelpresent_"), "true");
            });
    return labels;
  }

  private static List<Map<String, Object>> selecting(JsonNode selector, String kind) {
    var labels =
        selector.path("matchLabels").properties().stream()
            .map(label -> keep(label(kind, label.getKey()), label.getValue().asText()));
    var expressions = new ArrayList<Map<String, Object>>();
    for (var expression : selector.path("matchExpressions")) {
      if (!expression.path("operator").asText().equals("Exists")) {
        throw new AssertionError("not translated: " + expression);
      }
      var present =
          label(kind, expression.path("key").asText()).replace("_label_", "_labelpresent_");
      expressions.add(keep(present, "true"));
    }
    return Stream.concat(labels, expressions.stream()).toList();
  }

  private static String label(String kind, String key) {
    return "__meta_kubernetes_" + kind + "_label_" + key.replaceAll("[^a-zA-Z0-9_]", "_");
  }

  private static Map<String, Object> keep(String label, String regex) {
    return Map.of("action", "keep", "source_labels", List.of(label), "regex", regex);
  }

  private static Map<String, Object> copy(String from, String to) {
    return Map.of("source_labels", List.of(from), "regex", "(.+)", "target_label", to);
  }

  private static Map<String, Object> set(String label, String value) {
    return Map.of("target_label", label, "replacement", value);
  }

  private static String name(JsonNode monitor) {
    return monitor.at("/metadata/namespace").asText() + "/" + monitor.at("/metadata/name").asText();
  }
}
