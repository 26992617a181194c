package io.refork.operator.pods;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.Volume;
import io.fabric8.kubernetes.api.model.VolumeMount;
import io.refork.api.Pools;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The agent in the user's template. */
class InjectionTest {
  @Test
  @DisplayName("OP-02 the application starts through the agent, its arguments untouched")
  void command() {
    var app = app("{containers: [{name: app, command: [python, $(X)], args: [--a, b]}]}");
    assertThat(app.getCommand())
        .containsExactly(
            "/opt/refork/bin/refork",
            "run",
            "--config",
            "/etc/refork/agent.json",
            "--control-keys",
            "/etc/refork/keys.json",
            "--control",
            "0.0.0.0:7300",
            "--listen",
            "http=0.0.0.0:8000",
            "--",
            "python",
            "$(X)");
    assertThat(app.getArgs()).containsExactly("--a", "b");
  }

  @Test
  @DisplayName("OP-02 an init container copies the agent to a volume that the application reads")
  void installer() {
    var spec = spec("{}");
    var installer = spec.getInitContainers().getFirst();
    assertThat(installer.getImage()).isEqualTo("refork-agent:test");
    assertThat(installer.getArgs()).containsExactly("install", "/opt/refork");
    assertThat(installer.getVolumeMounts())
        .extracting(VolumeMount::getName)
        .containsExactly("refork-agent");
    assertThat(spec.getVolumes())
        .extracting(Volume::getName)
        .containsExactly("refork-agent", "refork-config", "refork-state", "refork-tmp");
    var mounts = spec.getContainers().getFirst().getVolumeMounts();
    assertThat(mounts)
        .filteredOn(mount -> Boolean.TRUE.equals(mount.getReadOnly()))
        .extracting(VolumeMount::getMountPath)
        .containsExactly("/opt/refork", "/etc/refork");
  }

  @Test
  @DisplayName("the init container comes first, before what the user wants done at the start")
  void order() {
    assertThat(spec("{initContainers: [{name: migrate}]}").getInitContainers())
        .extracting(Container::getName)
        .containsExactly("refork-agent", "migrate");
  }

  @Test
  @DisplayName("spec.container chooses the container; others are left as they are")
  void chosen() {
    var pool =
        Pools.shop(
            "spec: {container: web, template: {spec: {containers: [{name: sidecar, image: s},"
                + " {name: web, image: w, command: [x]}]}}}");
    var spec = injected(Injection.into(pool, Settings.AGENT)).getSpec();
    assertThat(spec.getContainers().get(0))
        .isEqualTo(pool.getSpec().template().getSpec().getContainers().get(0));
    assertThat(spec.getContainers().get(1).getCommand()).startsWith("/opt/refork/bin/refork");
  }

  @Test
  @DisplayName(
      "the agent's folder and the pod's UID are variables, after the user's own: refork status in the"
          + " container finds the agent")
  void environment() {
    var app = app("{containers: [{name: app, command: [x], env: [{name: A, value: b}]}]}");
    assertThat(app.getEnv())
        .extracting(EnvVar::getName)
        .containsExactly("A", "REFORK_STATE_DIR", "REFORK_POD_UID");
    assertThat(app.getEnv().get(1).getValue()).isEqualTo("/run/refork");
    assertThat(app.getEnv().get(2).getValueFrom().getFieldRef().getFieldPath())
        .isEqualTo("metadata.uid");
  }

  @Test
  @DisplayName(
      "listeners and the control port are ports, once, under the user's name if they have one")
  void ports() {
    assertThat(app("{}").getPorts())
        .extracting(port -> port.getName() + port.getContainerPort())
        .containsExactly("http8000", "refork7300");
    var own =
        app("{containers: [{name: app, command: [x], ports: [{name: web, containerPort: 8000}]}]}");
    assertThat(own.getPorts())
        .extracting(port -> port.getName() + port.getContainerPort())
        .containsExactly("web8000", "refork7300");
  }

  @Test
  @DisplayName("the kubelet asks the agent, unless the user has other questions")
  void probes() {
    var app = app("{}");
    assertThat(app.getStartupProbe().getHttpGet().getPath()).isEqualTo("/startupz");
    assertThat(app.getReadinessProbe().getHttpGet().getPath()).isEqualTo("/readyz");
    assertThat(app.getLivenessProbe().getHttpGet().getPath()).isEqualTo("/livez");
    assertThat(app.getStartupProbe().getFailureThreshold()).isEqualTo(120);
    var own =
        app("{containers: [{name: app, command: [x], readinessProbe: {httpGet: {path: /ok}}}]}");
    assertThat(own.getReadinessProbe().getHttpGet().getPath()).isEqualTo("/ok");
    assertThat(own.getLivenessProbe().getHttpGet().getPath()).isEqualTo("/livez");
  }

  @ParameterizedTest(name = "delay {0}, drain {1}, the user's {2}: grace period {3} s")
  @CsvSource({
    "5s,30s,null,60",
    "5s,45s,null,60",
    "5s,46s,null,240",
    "5s,30s,20,60",
    "5s,30s,300,300",
    "0,10m,null,960",
  })
  void grace(String delay, String drain, String given, long seconds) {
    var pool =
        Pools.shop(
            "spec: {timeouts: {shutdownDelay: '%s', drain: %s}, template: {spec: {terminationGracePeriodSeconds: %s}}}"
                .formatted(delay, drain, given));
    assertThat(
            injected(Injection.into(pool, Settings.AGENT))
                .getSpec()
                .getTerminationGracePeriodSeconds())
        .isEqualTo(seconds);
  }

  @Test
  @DisplayName("restricted by default, and no service account's token")
  void restricted() {
    var spec = spec("{}");
    assertThat(spec.getAutomountServiceAccountToken()).isFalse();
    assertThat(spec.getSecurityContext().getRunAsNonRoot()).isTrue();
    assertThat(spec.getSecurityContext().getSeccompProfile().getType()).isEqualTo("RuntimeDefault");
    for (var container :
        java.util.List.of(spec.getContainers().getFirst(), spec.getInitContainers().getFirst())) {
      var context = container.getSecurityContext();
      assertThat(context.getAllowPrivilegeEscalation()).isFalse();
      assertThat(context.getReadOnlyRootFilesystem()).isTrue();
      assertThat(context.getCapabilities().getDrop()).containsExactly("ALL");
    }
  }

  @Test
  @DisplayName("what the user says about security stands, field by field")
  void loosened() {
    var spec =
        spec(
            "{automountServiceAccountToken: true, securityContext: {runAsUser: 0}, containers:"
                + " [{name: app, command: [x], securityContext: {readOnlyRootFilesystem: false,"
                + " capabilities: {add: [NET_ADMIN]}}}]}");
    assertThat(spec.getAutomountServiceAccountToken()).isTrue();
    assertThat(spec.getSecurityContext().getRunAsNonRoot()).isNull();
    var context = spec.getContainers().getFirst().getSecurityContext();
    assertThat(context.getReadOnlyRootFilesystem()).isFalse();
    assertThat(context.getCapabilities().getDrop()).isEmpty();
    assertThat(context.getAllowPrivilegeEscalation()).isFalse();
    assertThat(spec.getVolumes()).extracting(Volume::getName).doesNotContain("refork-tmp");
  }

  @Test
  @DisplayName("the init container asks for what the application asks, but for devices")
  void resources() {
    var app =
        "{containers: [{name: app, command: [x], resources: {limits: {cpu: 1, memory: 1Gi,"
            + " example.com/gpu: 1}}}]}";
    assertThat(spec(app).getInitContainers().getFirst().getResources().getLimits())
        .containsOnlyKeys("cpu", "memory");
    var pool =
        Pools.shop(
            "spec: {agent: {resources: {limits: {memory: 64Mi}}}, template: {spec: " + app + "}}");
    assertThat(
            injected(Injection.into(pool, Settings.AGENT))
                .getSpec()
                .getInitContainers()
                .getFirst()
                .getResources()
                .getLimits())
        .containsEntry("memory", new Quantity("64Mi"))
        .hasSize(1);
  }

  @Test
  @DisplayName("the user's template is not changed by it")
  void pure() {
    var pool = Pools.shop();
    Injection.into(pool, Settings.AGENT);
    assertThat(pool.getSpec()).isEqualTo(Pools.shop().getSpec());
  }

  private static PodSpec spec(String podSpec) {
    var pool = Pools.shop("spec: {template: {spec: " + podSpec + "}}");
    return injected(Injection.into(pool, Settings.AGENT)).getSpec();
  }

  private static Container app(String podSpec) {
    return spec(podSpec).getContainers().getFirst();
  }

  private static PodTemplateSpec injected(Injection injection) {
    return ((Injection.Injected) injection).template();
  }
}
