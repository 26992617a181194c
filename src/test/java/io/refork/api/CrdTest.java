package io.refork.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class CrdTest {
  @Test
  @DisplayName("OP-01 the CRD that is checked in is the one of the records")
  void drift() throws IOException {
    var yaml = Crd.yaml(Crd.generate());
    if (Boolean.getBoolean("refork.generate")) {
      Files.createDirectories(Crd.FILE.getParent());
      Files.writeString(Crd.FILE, yaml);
    }
    assertThat(Crd.FILE).as("run make generate").hasContent(yaml);
  }

  @Test
  @DisplayName("OP-01 the CRD is at most 200 KB, so that a client-side apply works")
  void size() {
    var json = Serialization.asJson(Crd.generate());
    assertThat(json.getBytes(StandardCharsets.UTF_8)).hasSizeLessThan(200_000);
  }
}
