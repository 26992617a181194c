package io.refork.cluster;

import io.refork.protocol.control.DesiredCodec;
import io.refork.protocol.control.MalformedException;
import io.refork.protocol.control.PublicKeys;
import io.refork.protocol.control.ReportCodec;
import io.refork.protocol.control.TokenVerifier;
import io.refork.protocol.control.TokenVerifier.Receiver;
import io.refork.protocol.control.Verdict;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;

/**
 * The agents of all pods of a {@link PlayedKubelet}, behind one socket: which one is meant tells
 * the address that the connection came to. They speak the control protocol, ten thousand of them on
 * one thread, and do on demand whatever a network or a liar could do.
 */
public final class SimulatedAgents implements PlayedPod.Listener, AutoCloseable {
  /**
   * Annotation of a pod that breaks its agent: abort, refuse, silent, garbage; anything else mends.
   */
  public static final String FAULT = "refork.io/dev-fault";

  private final Vertx vertx =
      Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1).setInternalBlockingPoolSize(1));
  private final int port;
  private final Map<String, SimulatedAgent> byUid = new ConcurrentHashMap<>();
  private final Map<String, SimulatedAgent> byAddress = new ConcurrentHashMap<>();
  private final Map<String, Instant> started = new ConcurrentHashMap<>();
  private final Map<String, Behaviour> behaviours = new ConcurrentHashMap<>();
  private volatile Behaviour usual = Behaviour.USUAL;
  private final Map<String, Long> refused = new ConcurrentHashMap<>();
  private final Set<String> usedTokens = ConcurrentHashMap.newKeySet();
  private final Reforks reforks = new Reforks();
  private final Map<String, PublicKeys> keys = new ConcurrentHashMap<>();

  /** Listens on a free port of all addresses. */
  public static SimulatedAgents start() {
    return new SimulatedAgents();
  }

  private SimulatedAgents() {
    var options = new HttpServerOptions().setHost("0.0.0.0").setPort(0).setAcceptBacklog(4096);
    try {
      port =
          vertx
              .createHttpServer(options)
              .requestHandler(this::handle)
              .listen()
              .toCompletionStage()
              .toCompletableFuture()
              .get(10, TimeUnit.SECONDS)
              .actualPort();
    } catch (Exception e) {
      throw new IllegalStateException("cannot listen for the agents", e);
    }
  }

  /** The port of every agent's control endpoint. */
  public int port() {
    return port;
  }

  /** The agent of a pod that runs. */
  public SimulatedAgent of(String uid) {
    var agent = byUid.get(uid);
    if (agent == null) {
      throw new NoSuchElementException("no agent runs in a pod with uid " + uid);
    }
    return agent;
  }

  /** Those of a namespace that run. */
  public List<SimulatedAgent> in(String namespace) {
    return byUid.values().stream().filter(a -> a.pod().namespace().equals(namespace)).toList();
  }

  /** All that run. */
  public Collection<SimulatedAgent> all() {
    return List.copyOf(byUid.values());
  }

  /** How all agents of a namespace behave from now on, those of later pods too. */
  public void behave(String namespace, UnaryOperator<Behaviour> change) {
    behaviours.compute(namespace, (name, now) -> change.apply(now == null ? usual : now));
    in(namespace).forEach(agent -> agent.behave(change));
  }

  /** How agents behave in namespaces of which nothing else was said. */
  public void behave(UnaryOperator<Behaviour> change) {
    usual = change.apply(usual);
  }

  /** What they have done, also those of pods that are gone. */
  public Reforks reforks() {
    return reforks;
  }

  /** Requests turned away, by the reason's name. */
  public Map<String, Long> refused() {
    return Map.copyOf(refused);
  }

  @Override
  public void started(PlayedPod pod) {
    started.put(pod.uid(), Instant.now());
    if (pod.files().containsKey("keys.json")) {
      keys.put(pod.uid(), keys(pod.files().get("keys.json")));
    }
    var known = byUid.get(pod.uid());
    if (known != null) {
      known.restarted(pod);
      byAddress.put(pod.ip(), known);
      return;
    }
    var behaviour = behaviours.getOrDefault(pod.namespace(), usual);
    var agent = new SimulatedAgent(pod, behaviour, reforks);
    byUid.put(pod.uid(), agent);
    byAddress.put(pod.ip(), agent);
    changed(pod);
  }

  @Override
  public void changed(PlayedPod pod) {
    var agent = byUid.get(pod.uid());
    if (agent != null) {
      agent.changed(pod);
      Optional.ofNullable(pod.annotations().get(FAULT)).ifPresent(f -> agent.behave(named(f)));
    }
  }

  @Override
  public void stopped(PlayedPod pod) {
    byAddress.remove(pod.ip());
  }

  @Override
  public void gone(PlayedPod pod) {
    byAddress.remove(pod.ip());
    keys.remove(pod.uid());
    started.remove(pod.uid());
    Optional.ofNullable(byUid.remove(pod.uid())).ifPresent(SimulatedAgent::gone);
  }

  @Override
  public void close() {
    vertx.close().toCompletionStage().toCompletableFuture().join();
  }

  private static UnaryOperator<Behaviour> named(String fault) {
    return switch (fault) {
      case "abort" -> b -> b.faultless().aborts("canary-died");
      case "refuse" -> b -> b.faultless().refuses("threads");
      case "silent" -> b -> b.fault(new Fault.Refused());
      case "garbage" -> b -> b.fault(Fault.garbage());
      default -> b -> b.faultless().succeeds();
    };
  }

  private static PublicKeys keys(String text) {
    try {
      return PublicKeys.read(text.getBytes(StandardCharsets.UTF_8));
    } catch (PublicKeys.InvalidKeysException e) {
      throw new IllegalStateException("the keys in the ConfigMap: " + text, e);
    }
  }

  private void handle(HttpServerRequest request) {
    var agent = byAddress.get(request.localAddress().hostAddress());
    if (agent == null) {
      request.connection().close();
      return;
    }
    switch (agent.behaviour().fault().get().orElse(null)) {
      case null -> read(request, body -> answer(request, agent, body, UnaryOperator.identity()));
      case Fault.Refused() -> request.connection().close();
      case Fault.Status(int code) -> read(request, body -> reply(request, code, Buffer.buffer()));
      case Fault.Lie(var lie) -> read(request, body -> answer(request, agent, body, lie));
      case Fault.ReplyLost() ->
          read(
              request,
              body -> {
                take(request, agent, body);
                request.connection().close();
              });
      case Fault.Duplicated() ->
          read(
              request,
              body -> {
                var first = take(request, agent, body);
                decodeAndTake(agent, body);
                reply(request, first.code(), first.body());
              });
      case Fault.Late(var by) ->
          read(
              request,
              body ->
                  vertx.setTimer(
                      Math.max(1, by.toMillis()),
                      id -> answer(request, agent, body, UnaryOperator.identity())));
    }
  }

  private static void read(HttpServerRequest request, java.util.function.Consumer<Buffer> then) {
    request.body().onSuccess(then::accept);
  }

  private void answer(
      HttpServerRequest request, SimulatedAgent agent, Buffer body, UnaryOperator<byte[]> lie) {
    var answer = take(request, agent, body);
    reply(
        request,
        answer.code(),
        answer.code() == 200 ? Buffer.buffer(lie.apply(answer.body().getBytes())) : answer.body());
  }

  private static void reply(HttpServerRequest request, int code, Buffer body) {
    if (!request.response().closed()) {
      var type = code == 200 ? "application/json" : "text/plain";
      request.response().setStatusCode(code).putHeader("Content-Type", type).end(body);
    }
  }

  private record Answer(int code, Buffer body) {
    static Answer refused(int code) {
      return new Answer(code, Buffer.buffer("refused\n"));
    }
  }

  private Answer take(HttpServerRequest request, SimulatedAgent agent, Buffer body) {
    if (!request.method().name().equals("PUT") || !request.uri().equals("/v1/desired")) {
      return Answer.refused(404);
    }
    var pod = agent.pod();
    var ring = keys.get(pod.uid());
    if (ring != null) {
      var token = Optional.ofNullable(request.getHeader("Authorization")).orElse("");
      var verdict =
          TokenVerifier.verify(
              token.replaceFirst("^Bearer ", ""),
              "PUT",
              "/v1/desired",
              body.getBytes(),
              new Receiver(ring, pod.uid(), started.get(pod.uid())),
              Instant.now());
      switch (verdict) {
        case Verdict.Rejected(var reason) -> {
          refused.merge(reason.name(), 1L, Long::sum);
          return Answer.refused(401);
        }
        case Verdict.Accepted(var claims) -> {
          if (!usedTokens.add(claims.id())) {
            refused.merge("REPLAYED", 1L, Long::sum);
            return Answer.refused(409);
          }
        }
      }
    }
    return decodeAndTake(agent, body);
  }

  private Answer decodeAndTake(SimulatedAgent agent, Buffer body) {
    try {
      var desired = DesiredCodec.decode(body.getBytes());
      if (!desired.pod().equals(agent.pod().uid())) {
        refused.merge("OTHER_POD", 1L, Long::sum);
        return Answer.refused(422);
      }
      return new Answer(200, Buffer.buffer(ReportCodec.encode(agent.take(desired))));
    } catch (MalformedException e) {
      refused.merge("MALFORMED", 1L, Long::sum);
      return Answer.refused(422);
    }
  }
}
