package io.refork.process;

import static org.awaitility.Awaitility.await;

import io.refork.protocol.control.Desired;
import io.refork.protocol.control.DesiredCodec;
import io.refork.protocol.control.PublicKeys;
import io.refork.protocol.control.Revision;
import io.refork.protocol.control.TokenSigner;
import io.refork.protocol.control.Tokens;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.KeyPair;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/** A real agent that has the public key of this test, and a client that says whatever it likes. */
public final class SteeredAgent implements AutoCloseable {
  private final KeyPair key;
  private final Path keysFile;
  private final AgentProcess agent;

  private SteeredAgent(KeyPair key, Path keysFile, AgentProcess agent) {
    this.key = key;
    this.keysFile = keysFile;
    this.agent = agent;
  }

  /** Starts one with the test application; awaits that its endpoint answers. */
  public static SteeredAgent start(String... options) throws IOException {
    return start(
        AgentProcess.loopApp().options("--workers", "1", "--refork-after", "off").options(options));
  }

  /** The builder gets the options of steering; awaits that the endpoint answers. */
  public static SteeredAgent start(AgentProcess.Builder builder) throws IOException {
    var key = Tokens.newKey();
    var directory = Files.createTempDirectory("refork-keys");
    Files.setPosixFilePermissions(
        directory, java.nio.file.attribute.PosixFilePermissions.fromString("rwxr-xr-x"));
    var file = directory.resolve("keys.json");
    var agent = builder.options("--control-keys", file.toString(), "--pod-uid", Tokens.POD).start();
    var steered = new SteeredAgent(key, file, agent);
    steered.writeKeys(Map.of(Tokens.KID, key));
    try {
      await()
          .atMost(AgentProcess.LONG)
          .ignoreExceptionsInstanceOf(IOException.class)
          .until(() -> steered.send(request("GET", "/livez", "", new byte[0])).code() == 200);
    } catch (RuntimeException e) {
      agent.close();
      throw new AssertionError("the endpoint does not answer\n" + agent.log(), e);
    }
    return steered;
  }

  /** As a ConfigMap is exchanged: the file is another one from one moment to the next. */
  void writeKeys(Map<String, KeyPair> keys) throws IOException {
    var open = new java.util.HashMap<String, java.security.PublicKey>();
    keys.forEach((kid, pair) -> open.put(kid, pair.getPublic()));
    var next = keysFile.resolveSibling("keys.next");
    Files.writeString(next, new PublicKeys(Tokens.ISSUER, open).write());
    Files.move(next, keysFile, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  Path keysFile() {
    return keysFile;
  }

  public KeyPair key() {
    return key;
  }

  public AgentProcess agent() {
    return agent;
  }

  /** What an agent answered. */
  public record Answer(int code, String head, String body) {}

  /** A desired state that changes nothing. */
  public static byte[] body() {
    return DesiredCodec.encode(
        new Desired(
            "shop/web",
            Tokens.POD,
            Optional.empty(),
            new Revision(1, 0),
            Map.of(),
            Optional.empty(),
            false));
  }

  /** A right token for {@link #body}, as of now. */
  public String token() {
    return token(Duration.ZERO);
  }

  /** The same by a clock that is wrong. */
  String token(Duration ahead) {
    return new TokenSigner(
            key.getPrivate(),
            Tokens.KID,
            Tokens.ISSUER,
            () -> Instant.now().plus(ahead),
            new SecureRandom())
        .sign(Tokens.POD, "PUT", Tokens.PATH, body());
  }

  /** PUT with the right body. */
  public Answer put(String token) throws IOException {
    return put(token, body());
  }

  /** Refused as flooded, it is tried again: one second later there is room for one more. */
  Answer put(String token, byte[] body) throws IOException {
    var bearer = token.isEmpty() ? "" : "Authorization: Bearer " + token + "\r\n";
    var request = request("PUT", Tokens.PATH, bearer, body);
    var last = new Answer[1];
    await()
        .atMost(AgentProcess.LONG)
        .pollInterval(Duration.ofMillis(200))
        .until(() -> (last[0] = send(request)).code() != 429);
    return last[0];
  }

  static byte[] request(String method, String target, String fields, byte[] body) {
    var out = new ByteArrayOutputStream();
    out.writeBytes(
        (method
                + " "
                + target
                + " HTTP/1.1\r\nHost: pod\r\n"
                + fields
                + "Content-Length: "
                + body.length
                + "\r\nConnection: close\r\n\r\n")
            .getBytes(StandardCharsets.ISO_8859_1));
    out.writeBytes(body);
    return out.toByteArray();
  }

  /** Sends bytes and reads until the agent hangs up; a reset after the answer is none. */
  Answer send(byte[] bytes) throws IOException {
    try (var socket = new Socket("127.0.0.1", agent.controlPort())) {
      socket.setSoTimeout(15_000);
      var read = new ByteArrayOutputStream();
      try {
        socket.getOutputStream().write(bytes);
        socket.getInputStream().transferTo(read);
      } catch (IOException e) {
        try {
          socket.getInputStream().transferTo(read);
        } catch (IOException reset) {
          // what it has said is read
        }
      }
      var text = read.toString(StandardCharsets.ISO_8859_1);
      int end = text.indexOf("\r\n\r\n");
      return end < 0
          ? new Answer(0, text, "")
          : new Answer(
              Integer.parseInt(text.substring(9, 12)),
              text.substring(0, end),
              text.substring(end + 4));
    }
  }

  /** How many requests had this outcome. */
  double outcome(String word) throws IOException {
    return Load.get(agent.controlPort(), "/metrics")
        .lines()
        .filter(l -> l.startsWith("refork_control_requests_total{outcome=\"" + word + "\"} "))
        .mapToDouble(l -> Double.parseDouble(l.substring(l.lastIndexOf(' '))))
        .findFirst()
        .orElseThrow();
  }

  /** A probe's answer and how long it took, in milliseconds. */
  double probe() throws IOException {
    long begun = System.nanoTime();
    var answer = send(request("GET", "/livez", "", new byte[0]));
    if (answer.code() != 200) {
      throw new AssertionError("a probe was answered " + answer);
    }
    return (System.nanoTime() - begun) / 1e6;
  }

  @Override
  public void close() {
    agent.close();
  }
}
