package io.refork.process;

import io.refork.protocol.control.Desired;
import io.refork.protocol.control.DesiredCodec;
import io.refork.protocol.control.MalformedException;
import io.refork.protocol.control.Permit;
import io.refork.protocol.control.PublicKeys;
import io.refork.protocol.control.Report;
import io.refork.protocol.control.ReportCodec;
import io.refork.protocol.control.Revision;
import io.refork.protocol.control.TokenSigner;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;

/** An operator for one real agent: it has a key, signs what it wants, and reads reports. */
final class Operator {
  static final String POD = "0b9c5c1e-5d3f-4f3b-9a55-7e0a2f6f8f10";
  private static final String ISSUER = "refork-test";

  private final KeyPair key;
  private final TokenSigner signer;
  private final HttpClient http =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(Duration.ofSeconds(10))
          .build();

  /** What it wants; a test changes it step by step. */
  Desired desired =
      new Desired(
          "test/pool",
          POD,
          Optional.empty(),
          new Revision(1, 0),
          Map.of(),
          Optional.empty(),
          false);

  Operator() {
    try {
      key = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
    signer =
        new TokenSigner(key.getPrivate(), "k1", ISSUER, InstantSource.system(), new SecureRandom());
  }

  /** The agent is told who may steer it. */
  AgentProcess.Builder steers(AgentProcess.Builder agent, Path directory) {
    var keys = directory.resolve("keys.json");
    try {
      Files.writeString(keys, new PublicKeys(ISSUER, Map.of("k1", key.getPublic())).write());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return agent.options("--control-keys", keys.toString(), "--pod-uid", POD);
  }

  /** The next state of the pool's status, in the session that was seen last. */
  Operator wants(Map<String, String> settings) {
    desired =
        new Desired(
            desired.pool(),
            desired.pod(),
            desired.session(),
            new Revision(desired.revision().generation() + 1, 0),
            settings,
            desired.permit(),
            false);
    return this;
  }

  Operator permits(String id, int level, Optional<String> request) {
    desired =
        new Desired(
            desired.pool(),
            desired.pod(),
            desired.session(),
            new Revision(desired.revision().generation(), desired.revision().seq() + 1),
            desired.settings(),
            Optional.of(new Permit(id, level, request, Instant.now().plusSeconds(120))),
            false);
    return this;
  }

  /** Sends it; the report. Reads the agent's session from the answer. */
  Report tell(AgentProcess agent) throws IOException, MalformedException {
    var answer = put(agent, DesiredCodec.encode(desired));
    if (answer.statusCode() != 200) {
      throw new AssertionError(answer.statusCode() + " " + new String(answer.body()));
    }
    var report = ReportCodec.decode(answer.body());
    desired =
        new Desired(
            desired.pool(),
            desired.pod(),
            Optional.of(report.session()),
            desired.revision(),
            desired.settings(),
            desired.permit(),
            false);
    return report;
  }

  HttpResponse<byte[]> put(AgentProcess agent, byte[] body) throws IOException {
    var uri = URI.create("http://127.0.0.1:" + agent.controlPort() + "/v1/desired");
    var request =
        HttpRequest.newBuilder(uri)
            .timeout(Duration.ofSeconds(20))
            .header("Authorization", "Bearer " + signer.sign(POD, "PUT", "/v1/desired", body))
            .PUT(BodyPublishers.ofByteArray(body))
            .build();
    try {
      return http.send(request, BodyHandlers.ofByteArray());
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
