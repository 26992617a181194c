package io.refork.agent.cli;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Locale;
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
  /** A reply that takes longer is not waited for: a check has to end. */
  static final int PATIENCE_MILLIS = 10_000;

  private static final int MAX_HEAD = 64 * 1024;

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
  private @Nullable Socket socket;
  private @Nullable InputStream in;

  /** Whether a byte of the reply has come. */
  private boolean began;

  HttpCaller(Target target, boolean keepAlive) {
    this.target = target;
    this.keepAlive = keepAlive;
  }

  /**
   * Sends one request and reads its reply to the end. When a connection that was kept alive turns
   * out to be closed before a byte of the reply, the request is sent once more on a new one, as
   * every client does.
   */
  Reply get(String path) {
    if (socket != null) {
      try {
        var reply = exchange(path);
        if (reply != null) {
          return reply;
        }
      } catch (SocketTimeoutException e) {
        close();
        return new Reply.Lost("no reply within " + PATIENCE_MILLIS / 1000 + " s");
      } catch (IOException e) {
        if (began) {
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
    } catch (SocketTimeoutException e) {
      return lost("no reply within " + PATIENCE_MILLIS / 1000 + " s");
    } catch (IOException e) {
      return lost(String.valueOf(e.getMessage()));
    }
  }

  private Reply.Lost lost(String how) {
    close();
    return new Reply.Lost(how.toLowerCase(Locale.ROOT));
  }

  private void open() throws IOException {
    var plain = new Socket();
    socket = plain;
    plain.connect(new InetSocketAddress(target.host(), target.port()), PATIENCE_MILLIS);
    plain.setSoTimeout(PATIENCE_MILLIS);
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
    int first = stream.read();
    if (first < 0) {
      return null;
    }
    began = true;
    var line = (char) first + line(stream);
    if (!line.startsWith("HTTP/1.")) {
      close();
      return new Reply.NotHttp(first == ALERT);
    }
    int status = status(line);
    boolean close = !keepAlive || line.startsWith("HTTP/1.0");
    long length = -1;
    boolean chunked = false;
    for (var header = line(stream); !header.isEmpty(); header = line(stream)) {
      var lower = header.toLowerCase(Locale.ROOT);
      var value = lower.substring(lower.indexOf(':') + 1).strip();
      if (lower.startsWith("content-length:")) {
        length = Long.parseLong(value);
      } else if (lower.startsWith("transfer-encoding:")) {
        chunked = value.contains("chunked");
      } else if (lower.startsWith("connection:") && value.contains("close")) {
        close = true;
      }
    }
    boolean ends =
        status == 204 || status == 304 || status < 200 || body(stream, length, chunked, close);
    if (close || !ends) {
      close();
    }
    return new Reply.Answered(status, !ends);
  }

  private static int status(String line) throws IOException {
    try {
      return Integer.parseInt(line.split(" ", 3)[1]);
    } catch (NumberFormatException | IndexOutOfBoundsException e) {
      throw new IOException("a broken status line", e);
    }
  }

  /** Reads to the end; false when that did not come in time. */
  private boolean body(InputStream stream, long length, boolean chunked, boolean close)
      throws IOException {
    long end = System.nanoTime() + PATIENCE_MILLIS * 1_000_000L;
    try {
      if (chunked) {
        for (long chunk = chunk(stream); chunk > 0; chunk = chunk(stream)) {
          if (!skip(stream, chunk, end)) {
            return false;
          }
          line(stream);
        }
        while (!line(stream).isEmpty()) {
          // trailers
        }
        return true;
      }
      return length >= 0 ? skip(stream, length, end) : !close || skip(stream, -1, end);
    } catch (SocketTimeoutException e) {
      return false;
    }
  }

  private static long chunk(InputStream stream) throws IOException {
    try {
      return Long.parseLong(line(stream).split(";", 2)[0].strip(), 16);
    } catch (NumberFormatException e) {
      throw new IOException("a broken chunk", e);
    }
  }

  /** {@code length} bytes, or all there are when it is negative; false when time is over. */
  private static boolean skip(InputStream stream, long length, long end) throws IOException {
    var buffer = new byte[8192];
    for (long left = length; left != 0; ) {
      int n = stream.read(buffer, 0, left < 0 ? buffer.length : (int) Math.min(left, 8192));
      if (n < 0) {
        if (length < 0) {
          return true;
        }
        throw new IOException("closed in the middle of a reply");
      }
      left -= left < 0 ? 0 : n;
      if (System.nanoTime() > end) {
        return false;
      }
    }
    return true;
  }

  private static String line(InputStream stream) throws IOException {
    var text = new StringBuilder();
    for (int c = stream.read(); c != '\n'; c = stream.read()) {
      if (c < 0) {
        if (text.length() > 0 && !text.toString().startsWith("HTTP")) {
          return text.toString();
        }
        throw new IOException("closed in the middle of a reply");
      }
      if (c != '\r') {
        text.append((char) c);
      }
      if (text.length() > MAX_HEAD) {
        throw new IOException("a head without end");
      }
    }
    return text.toString();
  }

  @Override
  public void close() {
    var old = socket;
    socket = null;
    in = null;
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
