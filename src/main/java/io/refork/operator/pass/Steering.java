package io.refork.operator.pass;

import io.fabric8.kubernetes.client.KubernetesClient;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.micrometer.core.instrument.MeterRegistry;
import io.refork.operator.OperatorSettings;
import io.refork.operator.agents.AgentReport;
import io.refork.operator.agents.Agents;
import io.refork.operator.agents.KeySecret;
import io.refork.operator.agents.KeyUnavailableException;
import io.refork.operator.agents.Keys;
import io.refork.operator.agents.PollSettings;
import io.refork.operator.agents.Target;
import io.refork.operator.health.Pulse;
import jakarta.inject.Singleton;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The reconciler's line to the agents: the operator's keys and the poller, both there from the
 * moment this operator leads until it stops.
 */
@Singleton
public class Steering {
  private static final String POLLER = "poller";

  /** Six of its idle turns: a machine that is merely slow must not have its operator killed. */
  private static final Duration STUCK = Agents.IDLE.multipliedBy(6);

  private final KubernetesClient client;
  private final OperatorSettings settings;
  private final MeterRegistry registry;
  private final Pulse pulse;
  private @Nullable Keys keys;
  private volatile @Nullable Line line;

  private record Line(String publicKeys, Agents agents) {}

  Steering(
      KubernetesClient client, OperatorSettings settings, MeterRegistry registry, Pulse pulse) {
    this.client = client;
    this.settings = settings;
    this.registry = registry;
    this.pulse = pulse;
  }

  /**
   * Reads or makes the keys. Before anything else, so that an operator without a key ends with one
   * sentence.
   *
   * @throws KeyUnavailableException there is no key to sign with
   */
  public synchronized void prepare() throws KeyUnavailableException {
    if (keys == null) {
      keys = new KeySecret(client, settings.namespace(), settings.key().secret()).keys();
    }
  }

  /**
   * Begins to ask, after {@link #prepare} and before the first pass.
   *
   * @param news called with a pool when an agent's report could change what is decided
   */
  public synchronized void open(Consumer<ResourceID> news) {
    var own = Objects.requireNonNull(keys, "the keys are read first");
    if (line != null) {
      return;
    }
    var signer = own.signer(InstantSource.system(), new SecureRandom());
    var agents = Agents.overHttp(PollSettings.of(settings), signer, registry, news);
    line = new Line(own.publicKeys(), agents);
    agents.whenTurning(this::beat);
    beat(); // a thread that never turns is stuck, too
    agents.start();
  }

  private void beat() {
    pulse.beat(POLLER, STUCK);
  }

  /** No agent is asked any more. */
  public synchronized void close() {
    var open = line;
    line = null;
    if (open != null) {
      open.agents().whenTurning(() -> {});
      open.agents().close();
      pulse.end(POLLER);
    }
  }

  /** The text of the agents' key file. */
  public String publicKeys() {
    return open().publicKeys();
  }

  /** What is known of the agent of a pod that is Ready or not. */
  public Optional<AgentReport> report(String uid, boolean ready) {
    return open().agents().report(uid, ready);
  }

  /** These are the pool's pods now, all of them, and what each is told. */
  public void steer(ResourceID pool, List<Target> targets) {
    open().agents().steer(pool, targets);
  }

  /** The pool is gone. */
  public void forget(ResourceID pool) {
    var open = line;
    if (open != null) {
      open.agents().forget(pool);
    }
  }

  private Line open() {
    var open = line;
    if (open == null) {
      throw new IllegalStateException("a pass before the keys were read");
    }
    return open;
  }
}
