package io.refork.agent;

/** Which agent this is. */
public final class Version {
  private Version() {}

  /** The version of the jar, or {@code development} where the classes lie in a folder. */
  public static String text() {
    var property = System.getProperty("refork.version", "");
    if (!property.isEmpty()) {
      return property;
    }
    var version = Version.class.getPackage().getImplementationVersion();
    return version == null ? "development" : version;
  }
}
