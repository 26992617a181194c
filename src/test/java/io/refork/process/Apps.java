package io.refork.process;

import java.nio.file.Path;

/**
 * The applications that the tests run; Python by {@code -Drefork.python=…}, else the first on the
 * path.
 */
public final class Apps {
  public static final String PYTHON = System.getProperty("refork.python", "python3");

  private Apps() {}

  public static String directory() {
    return Path.of("src/test/apps").toAbsolutePath().toString();
  }

  public static String path(String name) {
    return Path.of("src/test/apps", name).toAbsolutePath().toString();
  }
}
