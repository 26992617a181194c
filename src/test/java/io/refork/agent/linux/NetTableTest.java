package io.refork.agent.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NetTableTest {
  @TempDir Path dir;

  private static List<String> found(Path table) {
    var found = new ArrayList<String>();
    NetTable.rows(table, 2, "01", row -> found.add(row[0] + row[1]));
    return found;
  }

  @Test
  @DisplayName("rows are found wherever a read ends, also the last one without its end")
  void rows() throws IOException {
    var text = new StringBuilder("  sl  address st\n");
    for (int i = 0; i < 20_000; i++) {
      text.append(String.format("%5d: %08X %s  rest\n", i, i, i % 5_000 == 7 ? "01" : "06"));
    }
    var table = Files.writeString(dir.resolve("tcp"), text + "last: 0 01");
    assertThat(found(table))
        .containsExactly(
            "7:00000007", "5007:0000138F", "10007:00002717", "15007:00003A9F", "last:0");
  }

  @Test
  @DisplayName("what is no table, or is not there, has no rows")
  void none() throws IOException {
    assertThat(found(dir.resolve("missing"))).isEmpty();
    assertThat(found(Files.writeString(dir.resolve("long"), "x".repeat(200_000)))).isEmpty();
    assertThat(found(Files.writeString(dir.resolve("short"), "01\n\n 01 \n"))).isEmpty();
  }
}
