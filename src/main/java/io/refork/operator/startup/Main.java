package io.refork.operator.startup;

import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.javaoperatorsdk.operator.Operator;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.QuarkusApplication;
import io.quarkus.runtime.annotations.QuarkusMain;
import io.refork.operator.OperatorSettings;
import io.refork.operator.agents.KeyUnavailableException;
import io.refork.operator.leading.Leadership;
import io.refork.operator.pass.Steering;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;
import sun.misc.Signal;

/**
 * The operator's process: refuses to start with one sentence, or runs the controllers while it
 * leads, and leaves in order. With {@code leads HOST PORT} it asks others instead, see {@link
 * InstallationCheck}.
 *
 * <p>Exit codes: 0 told to stop; {@value #REFUSED} it cannot start as things are, the last line of
 * the log says why; {@value #LOST} it led and does not any more.
 */
@QuarkusMain
public class Main implements QuarkusApplication {
  static final int REFUSED = 2;
  static final int LOST = 3;

  /** For the lease; the kubelet's own patience is 30 s. */
  private static final Duration LEASE_PATIENCE = Duration.ofSeconds(2);

  private static final Logger LOG = Logger.getLogger(Main.class);

  private final OperatorSettings settings;
  private final KubernetesClient client;
  private final Operator operator;
  private final ExecutorService executor;
  private final Progress progress;
  private final Steering steering;

  Main(
      OperatorSettings settings,
      KubernetesClient client,
      Operator operator,
      ExecutorService executor,
      Progress progress,
      Steering steering) {
    this.settings = settings;
    this.client = client;
    this.operator = operator;
    this.executor = executor;
    this.progress = progress;
    this.steering = steering;
  }

  public static void main(String... args) throws InterruptedException {
    if (args.length == 3 && args[0].equals(InstallationCheck.COMMAND)) {
      System.exit(check(args[1], args[2]));
    }
    var faults = ReadSettings.faults();
    if (faults.isEmpty()) {
      Quarkus.run(Main.class, args);
    } else {
      // Nobody has set up the log yet.
      faults.forEach(fault -> System.err.println("refork-operator: " + fault));
      System.exit(REFUSED);
    }
  }

  private static int check(String host, String port) throws InterruptedException {
    var fault = InstallationCheck.fault(host, port, InstallationCheck.PATIENCE);
    System.out.println("refork-operator: " + fault.orElse("an operator leads at " + host));
    return fault.isEmpty() ? 0 : REFUSED;
  }

  @Override
  public int run(String... args) {
    // By itself the JVM ends with 143, which looks like a failure to whoever counts exits.
    Signal.handle(new Signal("TERM"), signal -> Quarkus.asyncExit(0));
    try {
      new CrdCheck(client).check(settings.watchNamespaces().orElse(Set.of()));
    } catch (RefusedException e) {
      LOG.fatal(e.getMessage());
      return REFUSED;
    }
    var leadership = elect();
    Quarkus.waitForExit();
    progress.reached(Stage.Stopping);
    operator.stop();
    leadership.ifPresent(held -> held.giveBack(LEASE_PATIENCE));
    return 0;
  }

  private Optional<Leadership> elect() {
    if (!settings.leaderElection().enabled()) {
      lead();
      return Optional.empty();
    }
    var leadership =
        new Leadership(
            client,
            settings.namespace(),
            identity(),
            settings.leaderElection().lease(),
            executor,
            this::lead,
            this::lost);
    progress.reached(Stage.Waiting);
    leadership.start();
    return Optional.of(leadership);
  }

  private void lead() {
    progress.reached(Stage.Syncing);
    try {
      steering.prepare();
    } catch (KeyUnavailableException e) {
      refuse(e.getMessage());
    }
    try {
      if (operator.getRegisteredControllersNumber() > 0) {
        operator.start();
      }
    } catch (RuntimeException e) {
      if (progress.stage() == Stage.Stopping) {
        return;
      }
      refuse(
          "The pools cannot be watched: "
              + reason(e)
              + "; does the operator have the rights of docs/operator.md, and does the API server answer?");
    }
    progress.reached(Stage.Leading);
    LOG.infof("Reconciling the pools of %s", scope());
  }

  /** Perhaps on the election's thread, of which nobody awaits the end; it would keep the lease. */
  private static void refuse(@Nullable String sentence) {
    LOG.fatal(sentence);
    Runtime.getRuntime().halt(REFUSED);
  }

  /** The API server's own sentence, if it is to blame. */
  private static String reason(Throwable thrown) {
    var said = String.valueOf(thrown.getMessage());
    for (var cause = Optional.of(thrown);
        cause.isPresent();
        cause = Optional.ofNullable(cause.get().getCause())) {
      if (cause.get() instanceof KubernetesClientException e) {
        said = e.getStatus() == null ? e.getMessage() : e.getStatus().getMessage();
      }
    }
    return String.valueOf(said);
  }

  /** At once: whatever it was about to do, another operator may be doing now. */
  private void lost() {
    if (progress.stage() != Stage.Stopping) {
      LOG.fatalf(
          "The lease %s in namespace %s is lost: another operator leads, or the API server did not answer in time",
          Leadership.LEASE, settings.namespace());
      Runtime.getRuntime().halt(LOST);
    }
  }

  private String scope() {
    return settings
        .watchNamespaces()
        .filter(names -> !names.isEmpty())
        .map(names -> "the namespaces " + String.join(", ", names))
        .orElse("all namespaces");
  }

  /** The pod's name says who it is; a restarted container of it is somebody else. */
  private static String identity() {
    var host = System.getenv().getOrDefault("HOSTNAME", "operator");
    return host + "_" + UUID.randomUUID().toString().substring(0, 8);
  }
}
