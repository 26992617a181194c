package io.refork.operator.status;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Pattern;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class ReasonsTest {
  private static final Path DOCUMENT = Path.of("docs", "operator.md");
  private static final Pattern ROW =
      Pattern.compile("^\\| `([A-Z][A-Za-z]+)` \\| ([^|]+) \\| ([^|]+) \\|$", Pattern.MULTILINE);

  @Test
  @DisplayName("OP-07 docs/operator.md has every reason, in the same order, with the same advice")
  void documented() throws IOException {
    var rows =
        ROW.matcher(Files.readString(DOCUMENT))
            .results()
            .map(row -> row.group(1) + ": " + row.group(3))
            .toList();
    var words =
        Arrays.stream(Reason.values())
            .map(r -> r + ": " + (r.advice().isEmpty() ? "nothing" : r.advice()))
            .toList();
    assertThat(rows).isEqualTo(words);
  }

  @Test
  @DisplayName("OP-07 whatever degrades a pool says what to do, in one line without a full stop")
  void advice() {
    assertThat(Reason.values())
        .filteredOn(Reason::degrades)
        .allSatisfy(
            reason ->
                assertThat(reason.advice()).isNotBlank().doesNotEndWith(".").hasSizeLessThan(160));
  }
}
