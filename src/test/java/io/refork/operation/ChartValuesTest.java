package io.refork.operation;

import static org.assertj.core.api.Assertions.assertThat;

import io.refork.cluster.Helm;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Wrong values of the chart are refused, each with one sentence that names it. */
class ChartValuesTest {
  /** A digest, had it one digit more. */
  private static final String SHORT = "sha256:" + "0123456789abcdef".repeat(4).substring(1);

  static Stream<Arguments> wrong() {
    return Stream.of(
        // Unknown, at every depth.
        wrong("replcas=2", "at '': additional properties 'replcas' not allowed"),
        wrong("agent.prot=1", "at '/agent': additional properties 'prot' not allowed"),
        wrong("agent.image.name=x", "at '/agent/image': additional properties 'name' not allowed"),
        wrong("poll.every=1s", "at '/poll': additional properties 'every' not allowed"),
        wrong("crd.enabled=true", "at '/crd': additional properties 'enabled' not allowed"),
        wrong(
            "monitoring.podMonitor.interval=1s",
            "at '/monitoring/podMonitor': additional properties 'interval' not allowed"),
        wrong(
            "networkPolicy.apiServer.cidr=10.0.0.1/32",
            "at '/networkPolicy/apiServer': additional properties 'cidr' not allowed"),
        wrong(
            "networkPolicy.metricsFrom[0].namespace=x",
            "at '/networkPolicy/metricsFrom/0': additional properties 'namespace' not allowed"),
        wrong("resources.cpu=1", "at '/resources': additional properties 'cpu' not allowed"),
        wrong(
            "extraEnv[0].name=A,extraEnv[0].vaule=x",
            "at '/extraEnv/0': additional properties 'vaule' not allowed"),
        // Of the wrong type.
        wrong("agent.port=http", "at '/agent/port': got string, want integer"),
        wrong("image.tag=12", "at '/image/tag': got number, want string"),
        wrong("crd.install=maybe", "at '/crd/install': got string, want boolean"),
        wrong("watchNamespaces=web", "at '/watchNamespaces': got string, want array"),
        wrong("podLabels.a=1", "at '/podLabels/a': got number, want string"),
        wrong("monitoring.podMonitor.enabled=true", "'Auto', 'Always', 'Never'"),
        wrong("poll=null", "the value poll is missing: it is null, or"),
        // Of the wrong form or out of range.
        wrong("image.repository=Refork", "at '/image/repository': 'Refork' does not match pattern"),
        wrong("image.repository=x:1", "at '/image/repository': 'x:1' does not match pattern"),
        wrong("image.digest=" + SHORT, "at '/image/digest': '" + SHORT + "' does not match"),
        wrong("agent.image.tag=a b", "at '/agent/image/tag': 'a b' does not match pattern"),
        wrong("image.pullPolicy=Sometimes", "'Always', 'IfNotPresent', 'Never'"),
        wrong("agent.port=0", "at '/agent/port': minimum: got 0, want 1"),
        wrong("agent.port=70000", "at '/agent/port': maximum: got 70,000, want 65,535"),
        wrong("poll.concurrency=2000", "at '/poll/concurrency': maximum"),
        wrong("poll.interval=10", "at '/poll/interval': got number, want string"),
        wrong("poll.interval=1d", "at '/poll/interval': '1d' does not match pattern"),
        wrong("poll.interval=900ms", "poll.interval is 900ms; allowed: from 1s to 600s"),
        wrong("poll.interval=1h", "poll.interval is 1h; allowed: from 1s to 600s"),
        wrong("poll.timeout=61s", "poll.timeout is 61s; allowed: from 1s to 60s"),
        wrong("leaderElection.lease=4s", "leaderElection.lease is 4s; allowed: from 5s to 300s"),
        wrong("watchNamespaces={Web}", "at '/watchNamespaces/0': 'Web' does not match pattern"),
        wrong("serviceAccount.name=a_b", "at '/serviceAccount/name': 'a_b' does not match pattern"),
        wrong("log.format=xml", "at '/log/format': value must be one of 'json', 'text'"),
        wrong("resources.limits.memory=much", "at '/resources/limits/memory': 'much' does not"),
        wrong("networkPolicy.apiServer.ports={}", "'/networkPolicy/apiServer/ports"),
        // What does not go together.
        wrong("serviceAccount.create=false", "name the service account that exists"),
        wrong("networkPolicy.pools=true", "networkPolicy.pools needs watchNamespaces"),
        wrong(
            "extraEnv[0].name=REFORK_POLL_TIMEOUT",
            "extraEnv sets REFORK_POLL_TIMEOUT, which the chart sets itself"),
        // What has another name now.
        wrong("image=registry/operator:1", "image is no longer a text: set image.repository"),
        wrong("agent.image=registry/agent:1", "no longer a text: set agent.image.repository"),
        wrong("imagePullPolicy=Always", "imagePullPolicy is gone: set image.pullPolicy"),
        wrong("replicas=2", "highAvailability.enabled makes one operator or two"),
        wrong("leaderElection.enabled=true", "highAvailability.enabled makes one operator or two"),
        wrong("monitoring=null", "use --reset-then-reuse-values instead of --reuse-values"));
  }

  private static Arguments wrong(String values, String sentence) {
    return Arguments.of(values, sentence);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("wrong")
  @DisplayName("K8S-08 wrong values are refused with one sentence that names what is wrong")
  void refused(String values, String sentence) {
    var ran = Helm.template("refork", "refork-system", values);
    assertThat(ran.exit()).isNotZero();
    assertThat(ran.err()).contains(sentence);
    assertThat(faults(ran.err())).as(ran.err()).hasSize(1);
  }

  /** Helm's own lines around the sentences: where it happened, and that there is a flag. */
  private static List<String> faults(String err) {
    return err.lines()
        .filter(line -> line.startsWith("- at ") || line.contains("execution error"))
        .toList();
  }
}
