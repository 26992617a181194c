package io.refork.cluster;

import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.net.NetSocket;
import java.net.URI;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;

/**
 * A proxy before the API server that loses, refuses and delays requests on demand. Plain HTTP in
 * front; tokens pass through, so rights and the audit log are as without it.
 */
public final class FaultyApi implements AutoCloseable {
  /** What becomes of a request. */
  public sealed interface Answer {
    record Pass() implements Answer {}

    /** That status instead, with {@code Retry-After: 1}, as an overloaded API server sends it. */
    record Status(int code) implements Answer {}

    /** Nothing, until the client gives up. */
    record Never() implements Answer {}

    /** It takes effect, and the answer is lost. */
    record Lost() implements Answer {}
  }

  /** A request, as far as a fault may depend on it. */
  public record Asked(String method, String path, boolean watch) {}

  private final Vertx vertx =
      Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1).setInternalBlockingPoolSize(1));
  private final HttpClient client;
  private final int port;
  private final Set<NetSocket> watches = ConcurrentHashMap.newKeySet();
  private final Set<HttpServerRequest> streams = ConcurrentHashMap.newKeySet();
  private final AtomicLong requests = new AtomicLong();
  private volatile Function<Asked, Answer> answers = asked -> new Answer.Pass();

  /** Before that API server. */
  public static FaultyApi before(ControlPlane controlPlane) {
    return new FaultyApi(URI.create(controlPlane.url()));
  }

  private FaultyApi(URI server) {
    client =
        vertx.createHttpClient(
            new HttpClientOptions()
                .setSsl(true)
                .setTrustAll(true)
                .setVerifyHost(false)
                .setMaxPoolSize(256)
                .setDefaultHost(server.getHost())
                .setDefaultPort(server.getPort()));
    try {
      port =
          vertx
              .createHttpServer(new HttpServerOptions().setHost("127.0.0.1").setPort(0))
              .requestHandler(this::handle)
              .listen()
              .toCompletionStage()
              .toCompletableFuture()
              .get(10, TimeUnit.SECONDS)
              .actualPort();
    } catch (Exception e) {
      throw new IllegalStateException("cannot listen", e);
    }
  }

  /** Where it listens. */
  public String url() {
    return "http://127.0.0.1:" + port;
  }

  /** From now on. Called by the proxy's thread. */
  public void answer(Function<Asked, Answer> faults) {
    answers = faults;
  }

  /** No faults from now on. */
  public void mend() {
    answers = asked -> new Answer.Pass();
  }

  /** Cuts every watch that is open. */
  public void closeWatches() {
    watches.forEach(NetSocket::close);
    streams.forEach(request -> request.connection().close());
  }

  /** Requests that came so far. */
  public long requests() {
    return requests.get();
  }

  @Override
  public void close() {
    vertx.close().toCompletionStage().toCompletableFuture().join();
  }

  private void handle(HttpServerRequest request) {
    requests.incrementAndGet();
    boolean watch = "true".equals(request.getParam("watch"));
    switch (answers.apply(new Asked(request.method().name(), request.path(), watch))) {
      case Answer.Status(int code) ->
          request.response().setStatusCode(code).putHeader("Retry-After", "1").end();
      case Answer.Never() -> request.resume();
      case Answer.Pass() -> forward(request, watch, false);
      case Answer.Lost() -> forward(request, watch, true);
    }
  }

  private void forward(HttpServerRequest request, boolean watch, boolean lost) {
    request.pause();
    client
        .request(new RequestOptions().setMethod(request.method()).setURI(request.uri()))
        .onFailure(e -> request.connection().close())
        .onSuccess(
            onward -> {
              request.headers().forEach(h -> onward.putHeader(h.getKey(), h.getValue()));
              if (request.getHeader("Upgrade") != null) {
                upgrade(request, onward);
              } else {
                onward
                    .send(request)
                    .onFailure(e -> request.connection().close())
                    .onSuccess(back -> answer(request, back, watch, lost));
              }
            });
  }

  private void answer(
      HttpServerRequest request, HttpClientResponse back, boolean watch, boolean lost) {
    if (lost) {
      request.connection().close();
      return;
    }
    var response = request.response().setStatusCode(back.statusCode());
    back.headers().forEach(h -> response.putHeader(h.getKey(), h.getValue()));
    if (watch) {
      streams.add(request);
      request
          .connection()
          .closeHandler(
              closed -> {
                streams.remove(request);
                back.request().reset();
              });
    }
    back.pipeTo(response);
  }

  private void upgrade(HttpServerRequest request, HttpClientRequest onward) {
    onward
        .connect()
        .onFailure(e -> request.connection().close())
        .onSuccess(
            back -> {
              if (back.statusCode() != 101) {
                answer(request, back, false, false);
                return;
              }
              var response = request.response();
              back.headers().forEach(h -> response.putHeader(h.getKey(), h.getValue()));
              var there = back.netSocket();
              there.pause();
              request
                  .toNetSocket()
                  .onSuccess(
                      here -> {
                        watches.add(here);
                        here.handler(there::write)
                            .closeHandler(
                                v -> {
                                  watches.remove(here);
                                  there.close();
                                });
                        there.handler(here::write).closeHandler(v -> here.close());
                        there.resume();
                      });
            });
  }
}
