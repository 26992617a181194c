package io.refork.cluster;

import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.authentication.TokenRequestBuilder;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.awaitility.Awaitility;

/**
 * A Kubernetes control plane on this machine: etcd, kube-apiserver with RBAC and an audit log, and
 * the controllers that an operator's children need. There are no nodes: {@link PlayedKubelet} plays
 * them. Processes, ports and folder are its own, so any number can run at once; a started one takes
 * about four seconds and 400 MB.
 */
public final class ControlPlane implements AutoCloseable {
  /** What of the controller manager is run; the rest would look for nodes and clouds. */
  private static final String CONTROLLERS =
      String.join(
          ",",
          "deployment-controller",
          "replicaset-controller",
          "namespace-controller",
          "serviceaccount-controller",
          "serviceaccount-token-controller",
          "garbage-collector-controller",
          "disruption-controller",
          "resourcequota-controller",
          "endpoints-controller",
          "endpointslice-controller",
          "clusterrole-aggregation-controller");

  private static final Duration START_BOUND = Duration.ofSeconds(60);

  private static final class Shared {
    // Initialised once, by whichever test comes first.
    static final ControlPlane INSTANCE = startWithCrds();

    static {
      Runtime.getRuntime().addShutdownHook(new Thread(INSTANCE::close));
    }
  }

  private final Path folder;
  private final int etcdPort = freePort();
  private final int etcdPeerPort = freePort();
  private final int port = freePort();
  private final String adminToken = "admin-" + System.nanoTime();
  private final AtomicInteger namespaces = new AtomicInteger();
  private final ConcurrentLinkedQueue<KubernetesClient> clients = new ConcurrentLinkedQueue<>();
  private final AuditLog audit;
  private final KubernetesClient admin;
  private final Child etcd;
  private final Child controllers;
  private volatile Child apiServer;

  /**
   * The one that all tests of a JVM share, with the project's CRDs in it; started when first asked
   * for.
   */
  public static ControlPlane shared() {
    return Shared.INSTANCE;
  }

  /** A new one, for tests that stop the API server or have CRDs of their own. Close it. */
  public static ControlPlane start() {
    return new ControlPlane(List.of());
  }

  /** A new one with the project's CRDs. Close it. */
  public static ControlPlane startWithCrds() {
    if (!Files.isDirectory(Path.of("crds"))) {
      return start();
    }
    try (var files = Files.list(Path.of("crds"))) {
      return new ControlPlane(files.filter(f -> f.toString().endsWith(".yml")).toList());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private ControlPlane(List<Path> crds) {
    try {
      folder = Files.createTempDirectory("refork-cluster");
      audit = new AuditLog(folder.resolve("audit.log"));
      writeFiles();
      etcd = startEtcd();
      apiServer = startApiServer();
      awaitApiServer();
      admin = client(writeKubeconfig("admin", url(), adminToken));
      // Before the controllers: the garbage collector looks for new kinds of owners twice a minute
      // only.
      crds.forEach(this::applyCrd);
      controllers = startControllers();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** As the cluster's administrator. Not to be closed. */
  public KubernetesClient client() {
    return admin;
  }

  /** The administrator's; valid as long as this runs. */
  public Path kubeconfig() {
    return folder.resolve("admin.kubeconfig");
  }

  /** The API server's address, {@code https://127.0.0.1:PORT}. */
  public String url() {
    return "https://127.0.0.1:" + port;
  }

  /** The certificate to trust, a PEM file. */
  public Path certificate() {
    return folder.resolve("certificates/apiserver.crt");
  }

  /** Who did what. */
  public AuditLog audit() {
    return audit;
  }

  /** A folder for files that live as long as this. */
  public Path folder() {
    return folder;
  }

  /** kubectl as administrator. */
  public Ran kubectl(String... arguments) {
    return kubectl(kubeconfig(), "", arguments);
  }

  /**
   * kubectl with {@code input} on stdin ({@code -f -}), as the one that {@code kubeconfig} names.
   */
  public Ran kubectl(Path kubeconfig, String input, String... arguments) {
    var command = new ArrayList<>(List.of(Binaries.of("kubectl").toString()));
    command.addAll(List.of(arguments));
    return Ran.run(
        Map.of("KUBECONFIG", kubeconfig.toString(), "KUBECACHEDIR", folder + "/kubectl-cache"),
        input,
        command);
  }

  /** A new namespace that is ready for pods: it has its default service account. */
  public String namespace() {
    return namespace(Map.of());
  }

  /** The same, with labels. */
  public String namespace(Map<String, String> labels) {
    var name = "test-" + namespaces.incrementAndGet();
    admin
        .resource(
            new NamespaceBuilder()
                .withNewMetadata()
                .withName(name)
                .withLabels(labels)
                .endMetadata()
                .build())
        .create();
    await(
        "the default service account of " + name,
        () -> admin.serviceAccounts().inNamespace(name).withName("default").get() != null);
    return name;
  }

  /** A token of a service account, valid for an hour. */
  public String token(String namespace, String serviceAccount) {
    return admin
        .serviceAccounts()
        .inNamespace(namespace)
        .withName(serviceAccount)
        .tokenRequest(
            new TokenRequestBuilder().withNewSpec().withExpirationSeconds(3600L).endSpec().build())
        .getStatus()
        .getToken();
  }

  /** A kubeconfig of a service account. */
  public Path kubeconfig(String namespace, String serviceAccount) {
    return writeKubeconfig(
        namespace + "." + serviceAccount, url(), token(namespace, serviceAccount));
  }

  /** A client with the rights of a kubeconfig; closed with the control plane. */
  public KubernetesClient client(Path kubeconfig) {
    try {
      var config =
          new ConfigBuilder(Config.fromKubeconfig(Files.readString(kubeconfig)))
              // A test wants to see the error, not a client that hides it for minutes.
              .withRequestRetryBackoffLimit(0)
              .build();
      var client = new KubernetesClientBuilder().withConfig(config).build();
      clients.add(client);
      return client;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A kubeconfig with another address than ours, for a proxy before the API server. */
  public Path writeKubeconfig(String name, String address, String token) {
    var tls =
        address.startsWith("https:") ? ", certificate-authority: \"" + certificate() + "\"" : "";
    return write(
        name + ".kubeconfig",
        """
        apiVersion: v1
        kind: Config
        current-context: test
        contexts: [{name: test, context: {cluster: test, user: test}}]
        clusters: [{name: test, cluster: {server: "%s"%s}}]
        users: [{name: test, user: {token: "%s"}}]
        """
            .formatted(address, tls, token));
  }

  /** The administrator's token. */
  public String adminToken() {
    return adminToken;
  }

  /** The API server stops answering, connections stay. Until {@link #resumeApiServer}. */
  public void pauseApiServer() {
    apiServer.signal("STOP");
  }

  /** Undoes {@link #pauseApiServer}. */
  public void resumeApiServer() {
    apiServer.signal("CONT");
  }

  /** Kills the API server: connections are refused. Until {@link #restartApiServer}. */
  public void killApiServer() {
    apiServer.close();
  }

  /**
   * Starts it again after {@link #killApiServer}, at the same address with the same certificate.
   */
  public void restartApiServer() {
    apiServer = startApiServer();
    awaitApiServer();
  }

  @Override
  public void close() {
    clients.forEach(KubernetesClient::close);
    controllers.close();
    apiServer.close();
    etcd.close();
    deleteFolder();
  }

  /** A client for our own played parts, which the audit log leaves out. */
  KubernetesClient playersClient() {
    return client(writeKubeconfig("kubelet", url(), adminToken.replace("admin", "kubelet")));
  }

  private void writeFiles() {
    var keys = Pem.newKeys();
    write("service-account.key", Pem.text("PRIVATE KEY", keys.getPrivate()));
    write("service-account.pub", Pem.text("PUBLIC KEY", keys.getPublic()));
    // Tokens, not certificates: three lines instead of a certificate authority.
    write(
        "tokens.csv",
        """
        %1$s,admin,admin,"system:masters"
        controllers-%1$s,system:kube-controller-manager,controllers,"system:masters"
        %2$s,system:kubelet,kubelet,"system:masters"
        """
            .formatted(adminToken, adminToken.replace("admin", "kubelet")));
    write(
        "audit-policy.yaml",
        """
        apiVersion: audit.k8s.io/v1
        kind: Policy
        omitStages: [RequestReceived]
        rules:
        - level: None
          users: ["system:kube-controller-manager", "system:apiserver", "system:kubelet"]
        - level: None
          nonResourceURLs: ["/readyz*", "/livez*", "/version", "/openapi*"]
        - level: Metadata
        """);
  }

  private Child startEtcd() {
    var clientUrl = "http://127.0.0.1:" + etcdPort;
    var peerUrl = "http://127.0.0.1:" + etcdPeerPort;
    return Child.start(
        "etcd",
        folder.resolve("etcd.log"),
        Map.of(),
        List.of(
            Binaries.of("etcd").toString(),
            "--data-dir=" + folder.resolve("etcd"),
            "--unsafe-no-fsync",
            "--quota-backend-bytes=4294967296",
            "--listen-client-urls=" + clientUrl,
            "--advertise-client-urls=" + clientUrl,
            "--listen-peer-urls=" + peerUrl,
            "--initial-advertise-peer-urls=" + peerUrl,
            "--initial-cluster=default=" + peerUrl,
            "--log-level=warn"));
  }

  private Child startApiServer() {
    return Child.start(
        "kube-apiserver",
        folder.resolve("apiserver.log"),
        Map.of(),
        List.of(
            Binaries.of("kube-apiserver").toString(),
            "--etcd-servers=http://127.0.0.1:" + etcdPort,
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            "--secure-port=" + port,
            "--cert-dir=" + folder.resolve("certificates"),
            "--endpoint-reconciler-type=none",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--authorization-mode=RBAC",
            "--token-auth-file=" + folder.resolve("tokens.csv"),
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-account-key-file=" + folder.resolve("service-account.pub"),
            "--service-account-signing-key-file=" + folder.resolve("service-account.key"),
            "--audit-policy-file=" + folder.resolve("audit-policy.yaml"),
            "--audit-log-path=" + folder.resolve("audit.log"),
            // Megabytes; a file that is rotated away cannot be counted.
            "--audit-log-maxsize=4000",
            "--profiling=false"));
  }

  private Child startControllers() {
    var kubeconfig = writeKubeconfig("controllers", url(), "controllers-" + adminToken);
    return Child.start(
        "kube-controller-manager",
        folder.resolve("controllers.log"),
        Map.of(),
        List.of(
            Binaries.of("kube-controller-manager").toString(),
            "--kubeconfig=" + kubeconfig,
            "--controllers=" + CONTROLLERS,
            "--leader-elect=false",
            "--secure-port=0",
            "--service-account-private-key-file=" + folder.resolve("service-account.key"),
            "--root-ca-file=" + certificate(),
            // Ten thousand pods are made in a minute, not in ten.
            "--kube-api-qps=1000",
            "--kube-api-burst=2000",
            "--concurrent-deployment-syncs=20",
            "--concurrent-replicaset-syncs=20",
            "--concurrent-gc-syncs=20"));
  }

  private void awaitApiServer() {
    await("kube-apiserver is ready", () -> Files.exists(certificate()));
    var config =
        new ConfigBuilder(Config.empty())
            .withMasterUrl(url())
            .withOauthToken(adminToken)
            .withCaCertFile(certificate().toString())
            .withRequestRetryBackoffLimit(0)
            .build();
    try (var client = new KubernetesClientBuilder().withConfig(config).build()) {
      await("kube-apiserver is ready", () -> "ok".equals(client.raw("/readyz")));
    }
  }

  private void applyCrd(Path file) {
    try (var in = Files.newInputStream(file)) {
      var crd = admin.apiextensions().v1().customResourceDefinitions().load(in).item();
      admin.resource(crd).serverSideApply();
      var crds = admin.apiextensions().v1().customResourceDefinitions();
      await(
          crd.getMetadata().getName() + " is established",
          () -> {
            var now = crds.withName(crd.getMetadata().getName()).get().getStatus();
            return now != null
                && now.getConditions() != null
                && now.getConditions().stream()
                    .anyMatch(
                        c -> c.getType().equals("Established") && c.getStatus().equals("True"));
          });
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void await(String what, BooleanSupplier condition) {
    try {
      Awaitility.await(what)
          .atMost(START_BOUND)
          .pollInterval(Duration.ofMillis(50))
          .ignoreExceptionsMatching(e -> e instanceof KubernetesClientException)
          .failFast(
              "a process of the control plane has ended", () -> !etcd.alive() || !apiServer.alive())
          .until(condition::getAsBoolean);
    } catch (RuntimeException e) {
      throw new IllegalStateException(
          e.getMessage() + "\n" + etcd.tail() + "\n" + apiServer.tail(), e);
    }
  }

  private Path write(String name, String text) {
    try {
      return Files.writeString(folder.resolve(name), text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void deleteFolder() {
    try (var files = Files.walk(folder)) {
      for (var file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static int freePort() {
    try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
