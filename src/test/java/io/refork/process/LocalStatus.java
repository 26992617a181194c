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

/** What {@code refork status -o json} says, asked on the agent's own socket. */
public final class LocalStatus {
  private LocalStatus() {}

  /** Throws {@link UncheckedIOException} when nobody answers. */
  public static Json of(Path stateDir) {
    try (var channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      channel.connect(UnixDomainSocketAddress.of(stateDir.resolve("agent.sock")));
      channel.write(ByteBuffer.wrap("{\"ask\":\"status\"}\n".getBytes(StandardCharsets.UTF_8)));
      var answer = Channels.newInputStream(channel).readAllBytes();
      return new Json(JSON.std.mapFrom(answer)).object("status");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
