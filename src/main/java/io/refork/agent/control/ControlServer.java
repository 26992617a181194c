package io.refork.agent.control;

import io.refork.agent.config.HostPort;
import io.refork.agent.http.HttpListener;
import io.refork.agent.linux.PortHolder;
import io.refork.agent.log.Log;
import io.refork.protocol.Escape;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/** The agent's HTTP endpoint; {@link ControlRoutes} says what it answers. */
public final class ControlServer implements AutoCloseable {
  /**
   * The loop turns every few seconds when nothing happens. Ten times that is a loop that will not
   * come back; a machine that is merely slow must not have its container killed.
   */
  static final Duration STUCK = Duration.ofSeconds(30);

  private final HttpListener listener;
  private final ControlRoutes routes;
  private final Metrics metrics;

  private ControlServer(HttpListener listener, ControlRoutes routes, Metrics metrics) {
    this.listener = listener;
    this.routes = routes;
    this.metrics = metrics;
  }

  /**
   * By whom this pod may be steered.
   *
   * @param keys the file of {@code --control-keys}; without it nobody may
   * @param podUid the audience of every token
   * @param sink takes over what was signed
   */
  public record Steering(Optional<Path> keys, String podUid, DesiredSink sink, Log log) {}

  /**
   * Binds and answers from now on.
   *
   * @param status the newest; called from several threads, must not wait
   * @param lastTurnNanos {@link System#nanoTime()} (CLOCK_MONOTONIC) at the event loop's last turn,
   *     which is at most ten seconds ago in a healthy agent; must not wait
   * @throws IOException with a sentence for the user when the address cannot be bound
   */
  public static ControlServer start(
      HostPort address, Supplier<Status> status, LongSupplier lastTurnNanos, Steering steering)
      throws IOException {
    var outcomes = new ControlOutcomes();
    var metrics = new Metrics(status, outcomes);
    var gate =
        new Gate(
            steering.podUid(),
            new KeysFile(steering.keys(), steering.log()),
            steering.sink(),
            outcomes,
            steering.log(),
            InstantSource.system(),
            System::nanoTime);
    var routes = new ControlRoutes(status, lastTurnNanos, metrics, gate);
    return new ControlServer(bind(address, routes), routes, metrics);
  }

  private static HttpListener bind(HostPort address, ControlRoutes routes) throws IOException {
    try {
      var host = InetAddress.getByName(address.host());
      return HttpListener.start(new InetSocketAddress(host, address.port()), routes);
    } catch (IOException e) {
      var why = String.valueOf(e.getMessage());
      var holder = PortHolder.of(address.port());
      throw new IOException(
          "cannot listen on "
              + address
              + " for --control: "
              + Escape.plain(why, Escape.MAX)
              + holder.map(by -> " (held by " + by + ")").orElse("")
              + "; give another HOST:PORT",
          e);
    }
  }

  /** The port that is really listened on. */
  public int port() {
    return listener.port();
  }

  /** Where the event loop leaves durations of spawns and reforks. */
  public Metrics metrics() {
    return metrics;
  }

  /** Stops at once; connections are closed. */
  @Override
  public void close() {
    listener.close();
    routes.close();
  }
}
