package io.refork.operation;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** README and docs speak of what there is. */
class DocumentsTest {
  /** In a block or in back quotes, as it would be typed. */
  private static final Pattern MAKE = Pattern.compile("(?:^|`|=\\S+ )make ([a-z][a-z-]+)");

  private static final Pattern LINK = Pattern.compile("]\\(([^)#:\\s]*)(#[^)\\s]+)?\\)");

  /**
   * Files of the working copy that a command or a text names; kubectl's logs deploy/NAME is none.
   */
  private static final Pattern FILE =
      Pattern.compile(
          "(?<![\\w/.-])(?<!(?:logs|exec|status|restart) )(?:deploy|helm|examples|docs|bench|build|crds)/[\\w./-]*[\\w]");

  @Test
  @DisplayName("every make target that a document names is in the Makefile")
  void targets() throws IOException {
    var targets =
        Files.readAllLines(Path.of("Makefile")).stream()
            .filter(l -> l.matches("[a-z-]+:.*"))
            .map(l -> l.substring(0, l.indexOf(':')))
            .toList();
    assertThat(named(MAKE, (document, name) -> targets.contains(name))).isEmpty();
  }

  @Test
  @DisplayName("every file that a document links to is there, and so is the heading")
  void links() throws IOException {
    var broken = new ArrayList<String>();
    for (var document : documents()) {
      var link = LINK.matcher(Files.readString(document));
      while (link.find()) {
        var target =
            link.group(1).isEmpty() ? document : document.resolveSibling(link.group(1)).normalize();
        if (!Files.exists(target)
            || (link.group(2) != null && !headings(target).contains(link.group(2)))) {
          broken.add(document + ": " + link.group());
        }
      }
    }
    assertThat(broken).isEmpty();
  }

  @Test
  @DisplayName("every file of the project that a document names is there")
  void files() throws IOException {
    assertThat(named(FILE, (document, name) -> Files.exists(Path.of(name)))).isEmpty();
  }

  private interface Known {
    boolean is(Path document, String name);
  }

  /** What the pattern finds in the documents and nobody knows. */
  private static List<String> named(Pattern pattern, Known known) throws IOException {
    var unknown = new ArrayList<String>();
    for (var document : documents()) {
      for (var line : Files.readAllLines(document)) {
        var found = pattern.matcher(line);
        while (found.find()) {
          var name = found.group(found.groupCount());
          if (!known.is(document, name)) {
            unknown.add(document + ": " + name);
          }
        }
      }
    }
    return unknown;
  }

  private static List<Path> documents() throws IOException {
    try (var docs = Files.list(Path.of("docs"))) {
      return Stream.concat(Stream.of(Path.of("README.md"), Path.of("helm/refork/README.md")), docs)
          .filter(p -> p.toString().endsWith(".md"))
          .toList();
    }
  }

  /** As GitHub makes anchors of them. */
  private static List<String> headings(Path document) {
    try {
      return Files.readAllLines(document).stream()
          .filter(l -> l.startsWith("#"))
          .map(l -> l.replaceFirst("^#+ ", "").toLowerCase(java.util.Locale.ROOT))
          .map(l -> "#" + l.replaceAll("[^\\w -]", "").replace(' ', '-'))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
