package io.refork.agent;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The folder that the agent was installed as: {@code bin/refork}, the runtime, the jars and what it
 * brings along for applications. It may lie anywhere and may be read-only.
 *
 * @param path the folder itself, absolute
 */
public record AgentFolder(Path path) {
  private static final String PROPERTY = "refork.home";

  /**
   * The folder whose launcher started this JVM; empty when it was started in another way, as tests
   * do.
   */
  public static Optional<AgentFolder> ofThisProcess() {
    return Optional.ofNullable(System.getProperty(PROPERTY)).map(Path::of).map(AgentFolder::new);
  }

  /**
   * What the application's variables get in front: each file in {@code env/} is named as a variable
   * and holds a path relative to this folder. So a language's shim comes along without the agent
   * knowing the language.
   *
   * @return absolute paths by variable name; empty when there is no {@code env/}
   * @throws IOException when a file cannot be read
   */
  public Map<String, String> prepends() throws IOException {
    var folder = path.resolve("env");
    var result = new TreeMap<String, String>();
    if (Files.isDirectory(folder)) {
      try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
        for (var file : files) {
          result.put(
              file.getFileName().toString(),
              path.resolve(Files.readString(file).strip()).toString());
        }
      }
    }
    return result;
  }
}
