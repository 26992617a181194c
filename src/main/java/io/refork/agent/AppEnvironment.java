package io.refork.agent;

import java.util.Map;
import java.util.TreeMap;

/**
 * The environment that the application gets, made from the one that the agent has.
 *
 * <p>This is one half of a contract; the other half is the launcher, {@code src/main/c/launcher.c}.
 * A user's settings for JVMs and for malloc ({@code JAVA_TOOL_OPTIONS}, {@code JDK_JAVA_OPTIONS},
 * {@code _JAVA_*}, {@code MALLOC_*}) are meant for the application and would harm the agent's JVM.
 * So the launcher renames each such variable {@code NAME} to {@code REFORK_APP_ENV_NAME} and sets
 * some of its own. Here every such variable goes, being the launcher's, and the user's get their
 * names back. An agent that was started without the launcher has nothing to restore; the user's
 * variables then reached its JVM, and they are kept for the application.
 */
public final class AppEnvironment {
  /** Stands before the name of a variable that the launcher keeps from the agent's JVM. */
  static final String HANDED_ON = "REFORK_APP_ENV_";

  /** For the agent's own JVM only: the launcher hands it over as {@code _JAVA_OPTIONS}. */
  static final String AGENTS_JVM = "REFORK_JVM_OPTIONS";

  private AppEnvironment() {}

  /**
   * The application's environment.
   *
   * @param agents the agent's own environment, as {@link System#getenv()} tells it
   * @param launched whether the launcher started the agent, so that hidden variables are the
   *     launcher's
   * @param prepends what goes in front of a variable's value, by name: {@code PATH}-like lists,
   *     joined by a colon
   * @return a new map, sorted by name so that what is logged and tested does not depend on chance
   */
  public static Map<String, String> of(
      Map<String, String> agents, boolean launched, Map<String, String> prepends) {
    var result = new TreeMap<String, String>();
    agents.forEach(
        (name, value) -> {
          if (!name.startsWith(HANDED_ON)
              && !name.equals(AGENTS_JVM)
              && !(launched && isHidden(name))) {
            result.put(name, value);
          }
        });
    agents.forEach(
        (name, value) -> {
          if (name.startsWith(HANDED_ON) && isHidden(name.substring(HANDED_ON.length()))) {
            result.put(name.substring(HANDED_ON.length()), value);
          }
        });
    // An empty entry in such a list would mean the current directory, so an empty value adds no
    // colon.
    prepends.forEach(
        (name, value) ->
            result.merge(name, value, (old, ours) -> old.isEmpty() ? ours : ours + ":" + old));
    return result;
  }

  /** Keep in step with {@code is_ours_to_hide} of the launcher. */
  private static boolean isHidden(String name) {
    return name.equals("JAVA_TOOL_OPTIONS")
        || name.equals("JDK_JAVA_OPTIONS")
        || name.startsWith("_JAVA_")
        || name.startsWith("MALLOC_");
  }
}
