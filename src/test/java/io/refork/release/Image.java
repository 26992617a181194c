package io.refork.release;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.refork.cluster.Ran;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * An image of target/images, unpacked as a runtime would: what it says of itself, and its files.
 */
record Image(String name, JsonNode config, Path root) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Unpacks {@code target/images/NAME.tar} into the folder; needs root, for owners and modes. */
  static Image unpack(String name, Path folder) throws IOException {
    var archive = Path.of("target/images", name + ".tar");
    if (!Files.exists(archive)) {
      throw new IllegalStateException(archive + " is missing: build/images makes it");
    }
    var layout = Files.createDirectories(folder.resolve(name + "-layout"));
    tar("-xf", archive.toString(), "-C", layout.toString());
    var index = JSON.readTree(layout.resolve("index.json").toFile());
    var manifest = JSON.readTree(blob(layout, index.at("/manifests/0/digest")).toFile());
    var config = JSON.readTree(blob(layout, manifest.at("/config/digest")).toFile());
    var root = Files.createDirectories(folder.resolve(name));
    for (var layer : manifest.get("layers")) {
      tar(
          "-xpf",
          blob(layout, layer.get("digest")).toString(),
          "--same-owner",
          "-C",
          root.toString());
    }
    return new Image(name, config.get("config"), root);
  }

  private static Path blob(Path layout, JsonNode digest) {
    return layout.resolve("blobs").resolve(digest.asText().replace(':', '/'));
  }

  private static void tar(String... arguments) {
    var command = Stream.concat(Stream.of("tar"), Stream.of(arguments)).toList();
    Ran.run(Map.of(), "", command).succeeded();
  }

  /** Everything in it but the folders, as paths below the root. */
  List<Path> files() throws IOException {
    try (var all = Files.walk(root)) {
      return all.filter(path -> !Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)).toList();
    }
  }

  /** The bytes of all files, links counted once. */
  long bytes() throws IOException {
    long sum = 0;
    for (var file : files()) {
      if (Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
        sum += Files.size(file);
      }
    }
    return sum;
  }

  /** What a label says, or nothing. */
  String label(String name) {
    return config.path("Labels").path("org.opencontainers.image." + name).asText();
  }

  /** A path as seen in the image. */
  String inside(Path file) {
    return "/" + root.relativize(file);
  }

  /** Where a path of the image lies here. */
  Path outside(String path) {
    return root.resolve(path.substring(1));
  }
}
