package io.refork.agent.cli;

import io.refork.protocol.Escape;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/**
 * One client of a check: GET requests one after the other, by hand over a socket, because it must
 * know of every reply whether a byte of it came, and nothing may be repeated behind its back. For
 * one thread.
 */
final class HttpCaller implements AutoCloseable {
  /**
   * A request, its connection and its reply take no longer together, however slowly bytes drip: a
   * check has to end.
   */
  static final int PATIENCE_MILLIS = 10_000;

  /** Of all lines of a reply before its body, or behind it. */
  private static final int MAX_HEAD = 64 * 1024;

  /** Nobody asked for another protocol: what follows is not ours to read. */
  private static final int SWITCHING = 101;

  private static final String HTTP = "HTTP/1.";

  private static final Pattern LENGTH = Pattern.compile("\\d{1,18}");

  private static final Pattern CHUNK = Pattern.compile("[0-9A-Fa-f]{1,15}");

  /** First bytes of a TLS alert: what a TLS server answers to plain text. */
  private static final int ALERT = 21;

  /** Where requests go. {@code headers} are whole lines, such as {@code Host: shop.example}. */
  record Target(String host, int port, boolean tls, List<String> headers) {
    Target {
      headers = List.copyOf(headers);
    }
  }

  /** What one request brought. */
  sealed interface Reply {
    /** {@code cut}: it had not ended when our patience did, as an event stream. */
    record Answered(int status, boolean cut) implements Reply {}

    /** No reply, or half of one. */
    record Lost(String how) implements Reply {}

    /** Bytes that are no HTTP; {@code tls} when they look like it. */
    record NotHttp(boolean tls) implements Reply {}
  }

  private final Target target;
  private final boolean keepAlive;
  private final int patienceMillis;
  private @Nullable Socket socket;

  /** The TCP connection below {@link #socket}: closing it wakes up whoever waits for it. */
  private volatile @Nullable Socket wire;

  private @Nullable InputStream in;

  /** Whether a byte of the reply has come. */
  private boolean began;

  /** Whether the time of this exchange is over. */
  private volatile boolean late;

  /** How many bytes of lines may still come. */
  private int left;

  HttpCaller(Target target, boolean keepAlive) {
    this(target, keepAlive, PATIENCE_MILLIS);
  }

  HttpCaller(Target target, boolean keepAlive, int patienceMillis) {
    this.target = target;
    this.keepAlive = keepAlive;
    this.patienceMillis = patienceMillis;
  }

  /**
   * Sends one request and reads its reply to the end. When a connection that was kept alive turns
   * out to be closed before a byte of the reply, the request is sent once more on a new one, as
   * every client does.
   */
  Reply get(String path) {
    late = false;
    // Not SO_TIMEOUT: that begins anew with each byte, and does not hold for a TLS handshake.
    var alarm = Alarms.CLOCK.schedule(this::giveUp, patienceMillis, TimeUnit.MILLISECONDS);
    try {
      return answer(path);
    } finally {
      alarm.cancel(false);
      if (late) {
        close();
      }
    }
  }

  private void giveUp() {
    late = true;
    close(wire);
  }

  private Reply answer(String path) {
    if (socket != null) {
      try {
        var reply = exchange(path);
        if (reply != null) {
          return reply;
        }
      } catch (IOException e) {
        if (began || late) {
          return lost(String.valueOf(e.getMessage()));
        }
        // Closed while it was idle.
      }
      close();
    }
    try {
      open();
      var reply = exchange(path);
      return reply != null ? reply : lost("closed without a reply");
    } catch (IOException e) {
      return lost(String.valueOf(e.getMessage()));
    }
  }

  private Reply.Lost lost(String how) {
    close();
    return new Reply.Lost(
        late
            ? "no reply within " + patienceMillis / 1000 + " s"
            : Escape.plain(how.toLowerCase(Locale.ROOT), Escape.MAX));
  }

  private void open() throws IOException {
    var plain = new Socket();
    socket = plain;
    wire = plain;
    if (late) { // the alarm has seen the connection before this one
      throw new IOException("late");
    }
    plain.connect(new InetSocketAddress(target.host(), target.port()), patienceMillis);
    plain.setTcpNoDelay(true);
    if (target.tls()) {
      socket =
          trusting().getSocketFactory().createSocket(plain, target.host(), target.port(), true);
    }
    in = new BufferedInputStream(socket.getInputStream(), 8192);
  }

  /** Null when the connection was closed before a byte of the reply. */
  private @Nullable Reply exchange(String path) throws IOException {
    var connection = socket;
    var stream = in;
    if (connection == null || stream == null) {
      return null;
    }
    var head = new StringBuilder("GET ").append(path).append(" HTTP/1.1\r\n");
    if (target.headers().stream().noneMatch(h -> h.regionMatches(true, 0, "host:", 0, 5))) {
      head.append("Host: ").append(target.host()).append(':').append(target.port()).append("\r\n");
    }
    target.headers().forEach(header -> head.append(header).append("\r\n"));
    head.append("User-Agent: refork-check\r\nAccept: */*\r\nConnection: ")
        .append(keepAlive ? "keep-alive" : "close")
        .append("\r\n\r\n");
    began = false;
    connection.getOutputStream().write(head.toString().getBytes(StandardCharsets.ISO_8859_1));
    return read(stream);
  }

  private @Nullable Reply read(InputStream stream) throws IOException {
    left = MAX_HEAD;
    for (int at = 0; at < HTTP.length(); at++) {
      int c = stream.read();
      if (c < 0 && at == 0) {
        return null;
      }
      began = true;
      if (c != HTTP.charAt(at)) { // told at once: what is no HTTP may have no lines either
        close();
        return new Reply.NotHttp(at == 0 && c == ALERT);
      }
    }
    var line = HTTP + line(stream);
    var head = head(stream, line);
    while (head.status() < 200 && head.status() != SWITCHING) {
      line = line(stream); // an interim reply: the real one follows
      if (!line.startsWith(HTTP)) {
        throw new IOException("a broken status line");
      }
      head = head(stream, line);
    }
    boolean ends = head.isBare() || body(stream, head);
    if (head.closes() || !keepAlive || !ends) {
      close();
    }
    return new Reply.Answered(head.status(), !ends);
  }

  /**
   * What is known of a reply before its body.
   *
   * @param length -1 when it is not told
   * @param closes whether the connection ends with it
   */
  private record Head(int status, long length, boolean chunked, boolean closes) {
    /** Whether no body follows. */
    boolean isBare() {
      return status == 204 || status == 304 || status == SWITCHING;
    }
  }

  /** The lines behind the status line. */
  private Head head(InputStream stream, String first) throws IOException {
    int status = status(first);
    boolean closes = first.startsWith("HTTP/1.0") || status == SWITCHING;
    long length = -1;
    boolean chunked = false;
    for (var header = line(stream); !header.isEmpty(); header = line(stream)) {
      var lower = header.toLowerCase(Locale.ROOT);
      var value = lower.substring(lower.indexOf(':') + 1).strip();
      if (lower.startsWith("content-length:")) {
        if (!LENGTH.matcher(value).matches()) {
          throw new IOException("a broken content-length");
        }
        length = Long.parseLong(value);
      } else if (lower.startsWith("transfer-encoding:")) {
        chunked = value.contains("chunked");
      } else if (lower.startsWith("connection:") && value.contains("close")) {
        closes = true;
      }
    }
    var head = new Head(status, length, chunked, closes);
    // Without a length and without chunks the end of the connection is the end of the body.
    return length < 0 && !chunked && !head.isBare() ? new Head(status, length, false, true) : head;
  }

  private static int status(String line) throws IOException {
    try {
      return Integer.parseInt(line.split(" ", 3)[1]);
    } catch (NumberFormatException | IndexOutOfBoundsException e) {
      throw new IOException("a broken status line", e);
    }
  }

  /** Reads to the end; false when that did not come in time. */
  private boolean body(InputStream stream, Head head) throws IOException {
    try {
      if (!head.chunked()) {
        skip(stream, head.length());
        return !late;
      }
      for (long chunk = chunk(stream); chunk > 0; chunk = chunk(stream)) {
        skip(stream, chunk);
        line(stream);
      }
      left = MAX_HEAD;
      while (!line(stream).isEmpty()) {
        // trailers
      }
      return true;
    } catch (IOException e) {
      if (late) {
        return false;
      }
      throw e;
    }
  }

  private long chunk(InputStream stream) throws IOException {
    left = MAX_HEAD;
    var size = line(stream).split(";", 2)[0].strip();
    if (!CHUNK.matcher(size).matches()) {
      throw new IOException("a broken chunk");
    }
    return Long.parseLong(size, 16);
  }

  /** {@code length} bytes, or all there are when it is negative. */
  private static void skip(InputStream stream, long length) throws IOException {
    var buffer = new byte[8192];
    for (long left = length; left != 0; ) {
      int n = stream.read(buffer, 0, left < 0 ? buffer.length : (int) Math.min(left, 8192));
      if (n < 0) {
        if (length < 0) {
          return;
        }
        throw new IOException("closed in the middle of a reply");
      }
      left -= left < 0 ? 0 : n;
    }
  }

  private String line(InputStream stream) throws IOException {
    var text = new StringBuilder();
    for (int c = stream.read(); c != '\n'; c = stream.read()) {
      if (c < 0) {
        throw new IOException("closed in the middle of a reply");
      }
      if (c != '\r') {
        text.append((char) c);
      }
      if (--left < 0) {
        throw new IOException("a head without end");
      }
    }
    left--;
    return text.toString();
  }

  @Override
  public void close() {
    var old = socket;
    socket = null;
    wire = null;
    in = null;
    close(old);
  }

  private static void close(@Nullable Socket old) {
    if (old != null) {
      try {
        old.close();
      } catch (IOException e) {
        // it is gone all the same
      }
    }
  }

  /** Whom it talks to is known: the process that this check has started on this machine. */
  private static SSLContext trusting() throws IOException {
    try {
      var context = SSLContext.getInstance("TLS");
      context.init(null, new TrustManager[] {new TrustAll()}, new SecureRandom());
      return context;
    } catch (GeneralSecurityException e) {
      throw new IOException("no TLS here", e);
    }
  }

  /** One thread for the alarms of all callers; it ends with the process. */
  private static final class Alarms {
    static final ScheduledThreadPoolExecutor CLOCK = clock();

    private static ScheduledThreadPoolExecutor clock() {
      var clock =
          new ScheduledThreadPoolExecutor(
              1, task -> Thread.ofPlatform().daemon().name("alarm").unstarted(task));
      clock.setRemoveOnCancelPolicy(true);
      return clock;
    }
  }

  private static final class TrustAll implements X509TrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) {}

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
