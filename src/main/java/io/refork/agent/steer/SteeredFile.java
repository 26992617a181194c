package io.refork.agent.steer;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.refork.protocol.control.Fields;
import io.refork.protocol.control.JsonTree;
import io.refork.protocol.control.MalformedException;
import io.refork.protocol.control.Report;
import io.refork.protocol.control.Report.Outcome;
import io.refork.protocol.control.Revision;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * {@code steered.json} in the state directory: {@link Steered} across restarts of the agent. It is
 * written beside and renamed, so whoever reads it sees one state or the next; and on the disk
 * before a permit is acted on.
 */
public final class SteeredFile {
  private static final String NAME = "steered.json";

  /** A desired state's settings, 16 ids and one line. */
  private static final int MAX_BYTES = 64 * 1024;

  private static final int MAX_ID = 64;
  private static final int MAX_REQUEST = 128;

  private static final JsonFactory FACTORY = new JsonFactory();

  private final Path file;
  private final Path beside;

  /** The file may not exist. */
  public SteeredFile(Path stateDirectory) {
    file = stateDirectory.resolve(NAME);
    beside = stateDirectory.resolve(NAME + ".new");
  }

  /** What was found. */
  public sealed interface Found {
    record Nothing() implements Found {}

    record State(Steered steered) implements Found {}

    /** It is there, and of no use; a sentence says why. */
    record Unusable(String why) implements Found {}
  }

  /** What an earlier agent of this pod has left; another pod's counts as nothing. */
  public Found read(String pod) {
    try (var in = Files.newInputStream(file)) {
      var steered = decode(in.readNBytes(MAX_BYTES + 1));
      return steered.pod().equals(pod) ? new Found.State(steered) : new Found.Nothing();
    } catch (NoSuchFileException e) {
      return new Found.Nothing();
    } catch (IOException | MalformedException e) {
      return new Found.Unusable(file + " is not usable: " + e.getMessage());
    }
  }

  /**
   * Replaces what was there.
   *
   * @throws IOException it still is, and the new one is nowhere
   */
  public void write(Steered steered) throws IOException {
    var owner = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
    Files.deleteIfExists(beside);
    try (var channel =
        FileChannel.open(
            beside, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE), owner)) {
      var bytes = ByteBuffer.wrap(encode(steered));
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      channel.force(true);
    }
    Files.move(beside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  // --- the text ------------------------------------------------------------------------------

  static byte[] encode(Steered steered) {
    var out = new ByteArrayOutputStream(1024);
    try (var json = FACTORY.createGenerator(out)) {
      json.writeStartObject();
      json.writeStringField("pod", steered.pod());
      if (steered.observed().isPresent()) {
        json.writeNumberField("generation", steered.observed().get().generation());
        json.writeNumberField("seq", steered.observed().get().seq());
      }
      json.writeObjectFieldStart("settings");
      for (var setting : new TreeMap<>(steered.settings()).entrySet()) {
        json.writeStringField(setting.getKey(), setting.getValue());
      }
      json.writeEndObject();
      if (steered.open().isPresent()) {
        json.writeObjectFieldStart("open");
        json.writeStringField("id", steered.open().get().id());
        optional(json, "request", steered.open().get().request());
        json.writeEndObject();
      }
      json.writeArrayFieldStart("spent");
      for (var id : steered.spent()) {
        json.writeStartObject();
        json.writeStringField("id", id);
        json.writeEndObject();
      }
      json.writeEndArray();
      if (steered.last().isPresent()) {
        var last = steered.last().get();
        json.writeObjectFieldStart("last");
        optional(json, "permit", last.permit());
        json.writeStringField("outcome", Fields.word(last.outcome()));
        json.writeStringField("reason", last.reason());
        json.writeStringField("detail", last.detail());
        json.writeEndObject();
      }
      optional(json, "lastRequest", steered.lastRequest());
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("memory does not fail", e);
    }
    return out.toByteArray();
  }

  private static void optional(JsonGenerator json, String name, Optional<String> text)
      throws IOException {
    if (text.isPresent()) {
      json.writeStringField(name, text.get());
    }
  }

  static Steered decode(byte[] text) throws MalformedException {
    var fields = JsonTree.read(text, MAX_BYTES);
    return new Steered(
        fields.id("pod", MAX_ID),
        fields.has("generation")
            ? Optional.of(
                new Revision(
                    fields.longInteger("generation", 0, Fields.MAX_EXACT),
                    fields.longInteger("seq", 0, Fields.MAX_EXACT)))
            : Optional.empty(),
        settings(fields.object("settings")),
        fields.optional(
            "open",
            o -> new Steered.Open(o.id("id", MAX_ID), o.optionalText("request", 1, MAX_REQUEST))),
        spent(fields),
        fields.optional(
            "last",
            l ->
                new Report.Finished(
                    l.optionalId("permit", MAX_ID),
                    l.constant("outcome", Outcome.class),
                    l.wordOrEmpty("reason"),
                    l.textOrEmpty("detail", Report.MAX_TEXT))),
        fields.optionalText("lastRequest", 1, MAX_REQUEST));
  }

  private static List<String> spent(Fields fields) throws MalformedException {
    return fields.list("spent", Steered.MAX_SPENT, s -> s.id("id", MAX_ID));
  }

  private static Map<String, String> settings(Fields fields) throws MalformedException {
    var settings = new TreeMap<String, String>();
    for (var name : fields.map().keySet()) {
      settings.put(name, fields.textOrEmpty(name, 1024));
    }
    return settings;
  }
}
