package io.refork.agent.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** What README and docs tell users to type is understood. */
class DocumentedCommandsTest {
  private static final Pattern BLOCK = Pattern.compile("(?ms)^```\\n(.*?)^```$");

  private static final Pattern RUN = Pattern.compile("(?m)^(?:/opt/refork/bin/)?refork (run .+)$");

  @Test
  @DisplayName("every refork run in a document is accepted, options and values")
  void run() throws IOException {
    var refused = new ArrayList<String>();
    var commands = new ArrayList<String>();
    try (var docs = Files.list(Path.of("docs"))) {
      for (var document : Stream.concat(Stream.of(Path.of("README.md")), docs).toList()) {
        if (!document.toString().endsWith(".md")) {
          continue;
        }
        var block = BLOCK.matcher(Files.readString(document));
        while (block.find()) {
          var line = RUN.matcher(block.group(1).replaceAll("\\\\\\n\\s*", ""));
          while (line.find()) {
            if (!line.group(1).contains("…")) {
              commands.add(line.group(1));
              answer(line.group(1).split(" +"))
                  .ifPresent(why -> refused.add(document + ": " + line.group(1) + ": " + why));
            }
          }
        }
      }
    }
    assertThat(commands).hasSizeGreaterThan(5);
    assertThat(refused).isEmpty();
  }

  private static Optional<String> answer(String[] words) {
    var err = new ByteArrayOutputStream();
    var started = new ArrayList<List<String>>();
    new Cli(
            Map.of(),
            new PrintStream(err, true, UTF_8),
            new PrintStream(err, true, UTF_8),
            (settings, command, watcher) -> {
              started.add(command);
              return 0;
            })
        .run(words);
    return started.isEmpty() ? Optional.of(err.toString(UTF_8)) : Optional.empty();
  }
}
