package io.refork.node;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * What the cluster knows when a test has failed, in a folder of that test; the telling lines of it
 * go into the failure's message.
 */
final class Diagnosis {
  private static final int TOLD = 40;

  private final Node node;
  private final Path folder;
  private final List<String> telling = new ArrayList<>();

  private Diagnosis(Node node, Path folder) {
    this.node = node;
    this.folder = folder;
  }

  static Diagnosis of(Node node, ExtensionContext context) {
    var test = context.getTestMethod().map(method -> "." + method.getName()).orElse("");
    return new Diagnosis(
        node,
        Path.of("target/test-reports/node", context.getRequiredTestClass().getSimpleName() + test));
  }

  /** The same failure, with what was found in its message. */
  AssertionError explain(Throwable failure) {
    try {
      collect();
    } catch (RuntimeException | AssertionError e) {
      telling.add("the cluster cannot be asked: " + e);
    }
    var explained =
        new AssertionError(
            failure.getMessage() + "\n--- " + folder + "\n" + String.join("\n", telling), failure);
    explained.setStackTrace(failure.getStackTrace());
    return explained;
  }

  private void collect() {
    write("pools.txt", "get", "wp", "-A", "-o", "wide").ifPresent(this::tell);
    write("pools.yaml", "get", "wp", "-A", "-o", "yaml");
    write("describe.txt", "describe", "wp,deployments,pods", "-A");
    write("pods.txt", "get", "pods", "-A", "-o", "wide").ifPresent(this::tell);
    write("events.txt", "get", "events", "-A", "--sort-by=.lastTimestamp")
        .ifPresent(text -> tell(last(text, 15)));
    for (var pod : node.client().pods().inAnyNamespace().list().getItems()) {
      var name = pod.getMetadata().getName();
      var log =
          write(
              "log." + pod.getMetadata().getNamespace() + "." + name + ".txt",
              "logs",
              "--namespace=" + pod.getMetadata().getNamespace(),
              name,
              "--all-containers",
              "--prefix",
              "--timestamps",
              "--tail=2000");
      if (name.contains("refork-operator")) {
        log.ifPresent(text -> tell(last(text, 8)));
      }
    }
  }

  private Optional<String> write(String file, String... kubectl) {
    var ran = node.kubectl(kubectl);
    try {
      Files.createDirectories(folder);
      Files.writeString(folder.resolve(file), ran.out() + ran.err());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return Optional.of(ran.out() + ran.err());
  }

  private void tell(String text) {
    telling.addAll(
        text.lines()
            .limit(TOLD)
            .map(line -> line.substring(0, Math.min(line.length(), 300)))
            .toList());
  }

  private static String last(String text, int lines) {
    var all = text.lines().toList();
    return String.join("\n", all.subList(Math.max(0, all.size() - lines), all.size()));
  }
}
