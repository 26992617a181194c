package io.refork.cluster;

import java.nio.file.Files;
import java.nio.file.Path;

/** The programs of the test cluster, which build/kube makes. */
public final class Binaries {
  private Binaries() {}

  /** The path of one of them: kube-apiserver, kube-controller-manager, etcd, kubectl, helm, … */
  public static Path of(String name) {
    var folder = Path.of(System.getProperty("refork.kube", ".cache/kube"));
    var file = folder.resolve(name).toAbsolutePath();
    if (!Files.isExecutable(file)) {
      throw new IllegalStateException(
          file
              + " is missing: `make test` and `make dev` bring it; by hand, in the project's folder:"
              + " bash -c 'source build/setup && kube'");
    }
    return file;
  }
}
