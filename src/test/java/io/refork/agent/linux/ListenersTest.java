package io.refork.agent.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.refork.agent.linux.ListenAddress.Endpoint;
import io.refork.agent.linux.Listeners.AcceptQueue;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ListenersTest {
  private static final int F_GETFD = 1;
  private static final int F_GETFL = 3;
  private static final int O_NONBLOCK = 04000;

  private static int port(Listeners listeners, int index) {
    return ((Endpoint.Tcp) listeners.all().get(index).address()).port();
  }

  private static ListenAddress address(String text) {
    var name = text.substring(0, text.indexOf('='));
    var where = text.substring(text.indexOf('=') + 1);
    if (where.startsWith("unix:")) {
      return new ListenAddress(name, new Endpoint.Unix(where.substring(5)));
    }
    var colon = where.lastIndexOf(':');
    return new ListenAddress(
        name,
        new Endpoint.Tcp(where.substring(0, colon), Integer.parseInt(where.substring(colon + 1))));
  }

  private static Listeners open(String... addresses) throws KernelException {
    return Listeners.open(Stream.of(addresses).map(ListenersTest::address).toList(), 7);
  }

  @Test
  @DisplayName(
      "listeners are parked, close-on-exec and blocking, and take connections before anyone accepts")
  void opens(@TempDir Path directory) throws Exception {
    var path = directory.resolve("app.sock");
    try (var listeners = open("http=127.0.0.1:0", "admin=unix:" + path)) {
      assertThat(listeners.names()).isEqualTo("http:admin");
      for (var fd : listeners.descriptors()) {
        var os = Native.get();
        assertThat(fd).isGreaterThanOrEqualTo(Descriptors.PARKED);
        assertThat(os.c.fcntl(fd, F_GETFD, 0)).isEqualTo(1);
        assertThat(os.c.fcntl(fd, F_GETFL, 0) & O_NONBLOCK).isZero();
      }
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
          .isEqualTo("rw-rw-rw-");
      try (var tcp = SocketChannel.open(new InetSocketAddress("127.0.0.1", port(listeners, 0)));
          var unix = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
        assertThat(tcp.isConnected()).isTrue();
        assertThat(unix.isConnected()).isTrue();
        assertThat(listeners.queue(listeners.all().get(0))).contains(new AcceptQueue(1, 7));
        assertThat(listeners.queue(listeners.all().get(1))).isEmpty();
      }
    }
    assertThat(path).doesNotExist();
  }

  @Test
  @DisplayName("port in use: the sentence names the port and its holder")
  void namesHolder() throws Exception {
    try (var holder = ServerSocketChannel.open().bind(new InetSocketAddress("127.0.0.1", 0))) {
      var port = ((InetSocketAddress) holder.getLocalAddress()).getPort();
      assertThatThrownBy(() -> open("http=127.0.0.1:0", "b=127.0.0.1:" + port))
          .isInstanceOf(KernelException.class)
          .hasMessageContaining(
              "port " + port + " is in use by pid " + ProcessHandle.current().pid() + " (")
          .hasMessageContaining("java");
    }
  }

  @Test
  @DisplayName("none or all: a listener that fails closes those before it")
  void closesOnFailure(@TempDir Path directory) throws Exception {
    var path = directory.resolve("app.sock");
    assertThatThrownBy(() -> open("http=unix:" + path, "b=192.0.2.1:0"))
        .hasMessageContaining("no such address");
    assertThat(path).doesNotExist();
    assertThatThrownBy(() -> open("http=unix:" + directory.resolve("missing/app.sock")))
        .hasMessageContaining("No such file");
    assertThatThrownBy(() -> open("http=no-such-host.invalid:0"))
        .hasMessageContaining("no address is known");
  }

  @Test
  @DisplayName("PID-17 a stale application socket is taken over, a living one is not")
  void takesOver(@TempDir Path directory) throws Exception {
    var path = directory.resolve("app.sock");
    try (var dead = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      dead.bind(UnixDomainSocketAddress.of(path));
      assertThatThrownBy(() -> open("http=unix:" + path))
          .hasMessageContaining("another process listens");
    }
    assertThat(path).exists();
    open("http=unix:" + path).close();
  }

  @Test
  @DisplayName(":: serves both families, or leaves IPv4 to a listener of the same port")
  void dualStack() throws Exception {
    assumeTrue(hasIpv6(), "no IPv6 on this machine");
    try (var both = open("http=:::0");
        var four = SocketChannel.open(new InetSocketAddress("127.0.0.1", port(both, 0)))) {
      assertThat(four.isConnected()).isTrue();
    }
    int free;
    try (var probe = open("http=0.0.0.0:0")) {
      free = port(probe, 0);
    }
    try (var beside = open("http=:::" + free, "four=0.0.0.0:" + free)) {
      assertThat(beside.all()).hasSize(2);
    }
  }

  private static boolean hasIpv6() {
    try (var socket = ServerSocketChannel.open().bind(new InetSocketAddress("::1", 0))) {
      return socket.isOpen();
    } catch (IOException e) {
      return false;
    }
  }
}
