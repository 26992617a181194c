package io.refork.cluster;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Who asked the API server for what. It holds each finished request (and each begun watch) of
 * everybody but the control plane itself and the played kubelet. The server writes the line a
 * moment after it has answered.
 */
public final class AuditLog {
  private static final Set<String> WRITES =
      Set.of("create", "update", "patch", "delete", "deletecollection");
  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * One request. {@code user} is {@code admin} or {@code system:serviceaccount:NAMESPACE:NAME};
   * {@code group} is empty for the core group, {@code subresource} when there is none, {@code
   * namespace} and {@code name} when the request names none.
   */
  public record Request(
      String user,
      String agent,
      String verb,
      String group,
      String resource,
      String subresource,
      String namespace,
      String name,
      int code) {
    /** Whether it was meant to change something. */
    public boolean write() {
      return WRITES.contains(verb);
    }
  }

  private final Path file;

  AuditLog(Path file) {
    this.file = file;
  }

  /** A moment: pass it to {@link #since}. */
  public long now() {
    try {
      return Files.exists(file) ? Files.size(file) : 0;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** All requests since then. */
  public List<Request> since(long moment) {
    var found = new ArrayList<Request>();
    try (var in = new RandomAccessFile(file.toFile(), "r")) {
      in.seek(moment);
      var bytes = new byte[Math.toIntExact(in.length() - moment)];
      in.readFully(bytes);
      var text = new String(bytes, StandardCharsets.UTF_8);
      // The last line may still be half written.
      for (var line : text.substring(0, text.lastIndexOf('\n') + 1).split("\n")) {
        if (!line.isEmpty()) {
          found.add(request(JSON.readTree(line)));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return found;
  }

  /** The writes of one user since then, whatever came of them, but for its leases. */
  public List<Request> writesSince(long moment, String user) {
    return since(moment).stream()
        .filter(r -> r.write() && r.user().equals(user) && !r.resource().equals("leases"))
        .toList();
  }

  private static Request request(JsonNode line) {
    var of = line.path("objectRef");
    return new Request(
        line.path("user").path("username").asText(),
        line.path("userAgent").asText(),
        line.path("verb").asText(),
        of.path("apiGroup").asText(),
        of.path("resource").asText(),
        of.path("subresource").asText(),
        of.path("namespace").asText(),
        of.path("name").asText(),
        line.path("responseStatus").path("code").asInt());
  }
}
