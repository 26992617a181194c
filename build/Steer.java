import io.refork.protocol.control.Desired;
import io.refork.protocol.control.DesiredCodec;
import io.refork.protocol.control.Permit;
import io.refork.protocol.control.PublicKeys;
import io.refork.protocol.control.Report;
import io.refork.protocol.control.ReportCodec;
import io.refork.protocol.control.Revision;
import io.refork.protocol.control.TokenSigner;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPairGenerator;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.Scanner;

/**
 * The operator of the training: {@code Steer.java KEYS HOST:PORT POD}. It writes the file of its
 * public key; then each line on standard input, {@code tell} or {@code permit}, is a desired state
 * for the agent there, and the report is a line on standard output.
 */
final class Steer {
  private static final String PATH = "/v1/desired";

  public static void main(String[] args) throws Exception {
    var key = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
    var ring = new PublicKeys("training", Map.of("k1", key.getPublic()));
    Files.writeString(Path.of(args[0]), ring.write());
    var signer =
        new TokenSigner(
            key.getPrivate(), "k1", "training", InstantSource.system(), new SecureRandom());
    System.out.println("ready");
    var http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    var last = Optional.<Report>empty();
    int seq = 0;
    var lines = new Scanner(System.in);
    while (lines.hasNextLine()) {
      var permit =
          lines.nextLine().equals("permit")
              ? Optional.of(
                  new Permit(
                      "p-" + seq,
                      last.map(Report::level).orElse(0) + 1,
                      Optional.of("training"),
                      Instant.now().plusSeconds(60)))
              : Optional.<Permit>empty();
      var desired =
          new Desired(
              "default/training",
              args[2],
              last.map(Report::session),
              new Revision(1, ++seq),
              Map.of("refork-after", "20", "drain-timeout", "31s", "max-unavailable", "10%"),
              permit,
              false);
      var body = DesiredCodec.encode(desired);
      var request =
          HttpRequest.newBuilder(URI.create("http://" + args[1] + PATH))
              .timeout(Duration.ofSeconds(60))
              .header("Authorization", "Bearer " + signer.sign(args[2], "PUT", PATH, body))
              .PUT(BodyPublishers.ofByteArray(body))
              .build();
      var answer = http.send(request, BodyHandlers.ofByteArray());
      if (answer.statusCode() != 200) {
        throw new IllegalStateException(
            answer.statusCode() + " " + new String(answer.body(), StandardCharsets.UTF_8));
      }
      last = Optional.of(ReportCodec.decode(answer.body()));
      System.out.println(new String(answer.body(), StandardCharsets.UTF_8));
    }
  }

  private Steer() {}
}
