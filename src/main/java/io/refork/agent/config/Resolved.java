package io.refork.agent.config;

import io.refork.agent.linux.ListenAddress;
import io.refork.agent.linux.ListenAddress.Endpoint;
import io.refork.agent.pool.PoolSettings;
import io.refork.agent.pool.PoolSettings.ReforkPolicy;
import io.refork.agent.pool.PoolSettings.Rollout;
import io.refork.agent.pool.PoolSettings.Timeouts;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The options' values after precedence, before they are checked against each other. */
record Resolved(Map<Option<?>, Values> values, Map<String, String> environment) {
  /** More than any server has; each takes a descriptor of every process. */
  private static final int MAX_LISTENERS = 16;

  /**
   * The values of one option.
   *
   * @param where in the words of an error message
   * @param given false: it is the default
   */
  record Values(List<?> all, String where, boolean given) {}

  /** Options that need a restart and whose values differ from {@code other}'s. */
  List<String> fixedDifferences(Resolved other) {
    var names = new ArrayList<String>();
    for (var option : Options.ALL) {
      if (!option.live() && !of(option).all().equals(other.of(option).all())) {
        names.add(option.name());
      }
    }
    return names;
  }

  RunSettings settings(Optional<Path> config, List<String> warnings) throws UsageException {
    var allWarnings = new ArrayList<>(warnings);
    var pool = pool(allWarnings);
    var listen = listeners();
    return new RunSettings(
        pool,
        listen,
        one(Options.BACKLOG),
        control(listen),
        steering(),
        of(Options.STATE_DIR).all().isEmpty()
            ? StateDir.byDefault(environment)
            : one(Options.STATE_DIR),
        config,
        one(Options.LOG_FORMAT),
        one(Options.THP),
        new LinkedHashSet<>(all(Options.ALLOW_THREAD)),
        allWarnings);
  }

  PoolSettings pool(List<String> warnings) throws UsageException {
    var after = one(Options.REFORK_AFTER);
    var recycle = one(Options.MAX_REQUESTS);
    long lifetime = recycle.maxRequests() + recycle.jitter();
    if (recycle.maxRequests() > 0 && after.after().stream().anyMatch(n -> n > lifetime)) {
      var sentence =
          of(Options.MAX_REQUESTS).where()
              + " replaces every worker after "
              + lifetime
              + " requests at the latest, so "
              + of(Options.REFORK_AFTER).where()
              + " is never reached; give smaller numbers to --refork-after, or off";
      if (of(Options.REFORK_AFTER).given()) {
        throw new UsageException(sentence);
      }
      warnings.add(sentence);
    }
    return new PoolSettings(
        one(Options.WORKERS),
        new ReforkPolicy(
            after.after(),
            after.repeatLast(),
            one(Options.REFORK_BELOW),
            one(Options.REFORK_MIN_INTERVAL)),
        new Rollout(
            one(Options.MAX_UNAVAILABLE),
            one(Options.MAX_SURGE),
            one(Options.CANARY_SOAK),
            one(Options.FAILURE_BUDGET)),
        new Timeouts(
            one(Options.BOOT_TIMEOUT),
            one(Options.SPAWN_TIMEOUT),
            one(Options.PROMOTE_TIMEOUT),
            one(Options.REQUEST_TIMEOUT),
            one(Options.HEARTBEAT_TIMEOUT),
            one(Options.DRAIN_TIMEOUT),
            one(Options.SHUTDOWN_DELAY),
            one(Options.KILL_AFTER)),
        recycle);
  }

  /** Unnamed sockets become http, http2, …; names and addresses are unique. */
  private List<ListenAddress> listeners() throws UsageException {
    var where = of(Options.LISTEN).where();
    var wanted = all(Options.LISTEN);
    if (wanted.size() > MAX_LISTENERS) {
      throw new UsageException(
          where + ": " + wanted.size() + " sockets are too many; give at most " + MAX_LISTENERS);
    }
    var names = new HashSet<String>();
    var addresses = new HashSet<String>();
    for (var listen : wanted) {
      if (!listen.name().isEmpty() && !names.add(listen.name())) {
        throw new UsageException(
            where + ": the name " + listen.name() + " is given twice; names are unique");
      }
      var address = listen.endpoint().toString();
      if (!address.endsWith(":0") && !addresses.add(address)) {
        throw new UsageException(
            where + ": " + address + " is given twice; give each address once");
      }
    }
    var listeners = new ArrayList<ListenAddress>();
    for (var listen : wanted) {
      var name = listen.name();
      for (int n = 1; name.isEmpty(); n++) {
        var candidate = n == 1 ? "http" : "http" + n;
        name = names.add(candidate) ? candidate : "";
      }
      listeners.add(new ListenAddress(name, listen.endpoint()));
    }
    return listeners;
  }

  private HostPort control(List<ListenAddress> listeners) throws UsageException {
    var control = one(Options.CONTROL);
    for (var listen : listeners) {
      if (listen.endpoint() instanceof Endpoint.Tcp tcp
          && control.port() != 0
          && tcp.port() == control.port()
          && (tcp.host().equals(control.host()) || isAny(tcp.host()) || isAny(control.host()))) {
        throw new UsageException(
            of(Options.CONTROL).where()
                + " and "
                + of(Options.LISTEN).where()
                + ": both want port "
                + control.port()
                + "; give one of them another");
      }
    }
    return control;
  }

  private Optional<RunSettings.Steering> steering() throws UsageException {
    var keys = all(Options.CONTROL_KEYS).stream().findFirst();
    var uid = all(Options.POD_UID).stream().findFirst();
    if (keys.isPresent() && uid.isEmpty()) {
      throw new UsageException(
          of(Options.CONTROL_KEYS).where()
              + " needs --pod-uid, which every request must name; in a pod take it from metadata.uid");
    }
    if (keys.isEmpty() && uid.isPresent()) {
      throw new UsageException(
          of(Options.POD_UID).where()
              + " is of use with --control-keys only, the file of public keys of whoever may steer this pod");
    }
    return keys.isPresent() && uid.isPresent()
        ? Optional.of(new RunSettings.Steering(keys.get(), uid.get()))
        : Optional.empty();
  }

  private static boolean isAny(String host) {
    return host.equals("0.0.0.0") || host.equals("::");
  }

  private Values of(Option<?> option) {
    var found = values.get(option);
    return found == null ? new Values(List.of(), option.flag(), false) : found;
  }

  /** Safe: {@link SettingsReader} fills the map with what the option's own parser made. */
  @SuppressWarnings("unchecked")
  private <T> List<T> all(Option<T> option) {
    return (List<T>) of(option).all();
  }

  private <T> T one(Option<T> option) {
    return all(option).getFirst();
  }
}
