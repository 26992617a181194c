package io.refork.agent.config;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/** Where an agent keeps its sockets and its lock, and where its clients look for it. */
public final class StateDir {
  /**
   * Below it lie /refork (when the directory itself cannot be private) and names of up to 16 bytes,
   * and a socket's path may have 107.
   */
  private static final int MAX_BYTES = 80;

  private StateDir() {}

  static Optional<Path> parse(String text) {
    try {
      if (!Parsers.isPrintable(text)) {
        return Optional.empty();
      }
      var path = Path.of(text).toAbsolutePath().normalize();
      boolean fits = path.toString().getBytes(StandardCharsets.UTF_8).length <= MAX_BYTES;
      return fits ? Optional.of(path) : Optional.empty();
    } catch (InvalidPathException e) {
      return Optional.empty();
    }
  }

  /** {@code $XDG_RUNTIME_DIR/refork}, else {@code /tmp/refork-<uid>}. */
  static Path byDefault(Map<String, String> environment) {
    var runtime = environment.getOrDefault("XDG_RUNTIME_DIR", "");
    if (runtime.startsWith("/")) {
      var path = parse(runtime + "/refork");
      if (path.isPresent()) {
        return path.get();
      }
    }
    return Path.of("/tmp/refork-" + uid());
  }

  /**
   * The directory that {@code refork status} and others look into: their flag, the variable, the
   * default.
   */
  public static Path find(Optional<String> flag, Map<String, String> environment)
      throws UsageException {
    var option = Options.STATE_DIR;
    if (flag.isPresent()) {
      return option.parse(flag.get(), option.flag());
    }
    var variable = environment.getOrDefault(option.variable(), "");
    return variable.isBlank() ? byDefault(environment) : option.parse(variable, option.variable());
  }

  /**
   * The real user id; from /proc/self/status, whose content, unlike its owner, is right for an
   * undumpable process too.
   */
  private static String uid() {
    try {
      for (var line : Files.readAllLines(Path.of("/proc/self/status"))) {
        if (line.startsWith("Uid:")) {
          return line.substring(4).strip().split("\\s")[0];
        }
      }
    } catch (IOException e) {
      // no /proc: the name of the directory is then the user's
    }
    return System.getProperty("user.name", "unknown");
  }
}
