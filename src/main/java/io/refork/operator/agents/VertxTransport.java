package io.refork.operator.agents;

import io.refork.protocol.control.Report;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpClosedException;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.net.SocketAddress;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.NoRouteToHostException;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/**
 * One connection per request: ten thousand kept open would be ten thousand buffers, and each agent
 * has few threads to keep them. No redirect is followed, nothing decompressed, nothing resolved.
 */
final class VertxTransport implements Transport {
  /** An agent sends four headers. */
  private static final int MAX_HEADERS = 4096;

  private final Vertx vertx;
  private final VertxLoop loop;
  private final HttpClient client;
  private final long timeout;

  VertxTransport(VertxLoop loop, Duration timeout) {
    this.loop = loop;
    this.vertx = loop.vertx();
    this.timeout = timeout.toMillis();
    client =
        vertx.createHttpClient(
            new HttpClientOptions()
                .setProtocolVersion(HttpVersion.HTTP_1_1)
                .setKeepAlive(false)
                .setPipelining(false)
                .setDecompressionSupported(false)
                .setConnectTimeout((int) this.timeout)
                .setMaxHeaderSize(MAX_HEADERS)
                .setMaxInitialLineLength(256)
                .setMaxChunkSize(Report.MAX_BYTES),
            new PoolOptions().setHttp1MaxSize(1));
  }

  @Override
  public void put(Request request, Consumer<Reply> done) {
    var call = new Call(done);
    call.timer = vertx.setTimer(timeout, id -> call.end(new Reply.None(Cause.TIMEOUT)));
    var server =
        SocketAddress.inetSocketAddress(new InetSocketAddress(request.address(), request.port()));
    var options =
        new RequestOptions()
            .setMethod(HttpMethod.PUT)
            .setServer(server)
            .setHost(request.address().getHostAddress())
            .setPort(request.port())
            .setURI(Agents.PATH)
            .setFollowRedirects(false)
            .putHeader("Authorization", "Bearer " + request.token())
            .putHeader("Content-Type", "application/json");
    client
        .request(options)
        .onFailure(call::fail)
        .onSuccess(sent -> call.begin(sent, Buffer.buffer(request.body())));
  }

  /** One request. Its answer's end, its failure or its deadline, whichever is first, ends it. */
  private final class Call {
    private final Consumer<Reply> done;
    private final Buffer body = Buffer.buffer();
    private Optional<HttpClientRequest> request = Optional.empty();
    private long timer;
    private boolean ended;

    Call(Consumer<Reply> done) {
      this.done = done;
    }

    void begin(HttpClientRequest sent, Buffer content) {
      request = Optional.of(sent);
      if (ended) {
        close();
        return;
      }
      sent.exceptionHandler(this::fail);
      sent.response().onFailure(this::fail).onSuccess(this::read);
      sent.end(content);
    }

    private void read(HttpClientResponse response) {
      var type = Optional.ofNullable(response.getHeader("Content-Type")).orElse("");
      int status = response.statusCode();
      if (status == 400 || status == 422) {
        readSentence(response, status, type);
        return;
      }
      if (status != 200) {
        end(new Reply.Answer(status, type, new byte[0]));
        return;
      }
      response.exceptionHandler(this::fail);
      response.handler(
          chunk -> {
            if (body.length() + chunk.length() > Report.MAX_BYTES) {
              end(new Reply.TooLong());
            } else if (!ended) {
              body.appendBuffer(chunk);
            }
          });
      response.endHandler(nothing -> end(new Reply.Answer(status, type, body.getBytes())));
    }

    /** Why the agent refuses; what there is of it when the connection ends. */
    private void readSentence(HttpClientResponse response, int status, String type) {
      Runnable enough = () -> end(new Reply.Answer(status, type, body.getBytes()));
      response.exceptionHandler(e -> enough.run());
      response.handler(
          chunk -> {
            body.appendBuffer(chunk, 0, Math.min(chunk.length(), MAX_SENTENCE - body.length()));
            if (body.length() >= MAX_SENTENCE) {
              enough.run();
            }
          });
      response.endHandler(nothing -> enough.run());
    }

    void fail(Throwable e) {
      end(new Reply.None(cause(e)));
    }

    void end(Reply reply) {
      if (ended) {
        return;
      }
      ended = true;
      vertx.cancelTimer(timer);
      close();
      // Later: the caller may still be in put, and Vert.x in the middle of a callback.
      loop.execute(() -> done.accept(reply));
    }

    /** Whatever is still to come is not read. */
    private void close() {
      request.ifPresent(sent -> sent.connection().close());
    }
  }

  /** By type only: a message may contain what the peer sent. */
  private static Cause cause(Throwable e) {
    return switch (e) {
      // Netty's ConnectTimeoutException is a ConnectException.
      case ConnectException c when c.getClass().getSimpleName().contains("Timeout") ->
          Cause.TIMEOUT;
      case NoRouteToHostException n -> Cause.UNROUTABLE;
      case ConnectException c
          when String.valueOf(c.getMessage()).toLowerCase(Locale.ROOT).contains("unreachable") ->
          Cause.UNROUTABLE;
      case ConnectException c -> Cause.REFUSED;
      case TimeoutException t -> Cause.TIMEOUT;
      case IOException io -> Cause.CLOSED;
      case HttpClosedException h -> Cause.CLOSED;
      default -> Cause.NOT_HTTP;
    };
  }
}
