package io.refork.process;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * What {@code refork status -o json} says, and what {@code refork refork} asks: the agent's own
 * socket.
 */
public final class LocalStatus {
  private LocalStatus() {}

  /** Throws {@link UncheckedIOException} when nobody answers. */
  public static Json of(Path stateDir) {
    return ask(stateDir, "status").object("status");
  }

  /** What {@code refork refork} does; whether the agent took it. */
  public static boolean askRefork(Path stateDir) {
    return Boolean.TRUE.equals(ask(stateDir, "refork").fields().get("accepted"));
  }

  private static Json ask(Path stateDir, String word) {
    try (var channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      channel.connect(UnixDomainSocketAddress.of(stateDir.resolve("agent.sock")));
      var line = "{\"ask\":\"" + word + "\"}\n";
      channel.write(ByteBuffer.wrap(line.getBytes(StandardCharsets.UTF_8)));
      var answer = Channels.newInputStream(channel).readAllBytes();
      return new Json(JSON.std.mapFrom(answer));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
