package io.refork.operator.startup;

import io.quarkus.runtime.configuration.DurationConverter;
import io.refork.operator.OperatorSettings;
import io.refork.protocol.Escape;
import io.smallrye.config.ConfigValidationException;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * Reads the settings before anything else does: a wrong one ends in a sentence instead of the stack
 * traces of a framework that fails to start.
 */
final class ReadSettings {
  /** What the library says of a value that has the wrong type. */
  private static final Pattern WRONG_TYPE =
      Pattern.compile("config property (\\S+) with the config value \"(.*?)\" threw");

  /** Any rank above the built-in converter's, which takes only {@code PT10S}. */
  private static final int PREFERRED = 200;

  private ReadSettings() {}

  /** One sentence for each setting that is wrong, of the environment and system properties. */
  static List<String> faults() {
    try {
      var config =
          new SmallRyeConfigBuilder()
              .addDefaultInterceptors()
              .addSystemSources()
              .withConverter(Duration.class, PREFERRED, new DurationConverter())
              .withMapping(OperatorSettings.class)
              // REFORK_SERVICE_HOST and its like come from Kubernetes and are no mistake.
              .withMappingIgnore("refork.**")
              .build();
      return SettingsCheck.faults(config.getConfigMapping(OperatorSettings.class));
    } catch (ConfigValidationException e) {
      return IntStream.range(0, e.getProblemCount())
          .mapToObj(i -> sentence(e.getProblem(i).getMessage()))
          .toList();
    }
  }

  private static String sentence(String problem) {
    var match = WRONG_TYPE.matcher(problem);
    if (!match.find()) {
      return Escape.plain(problem, Escape.MAX);
    }
    var name = match.group(1);
    return SettingsCheck.fault(
        name,
        match.group(2),
        name.endsWith("interval") || name.endsWith("timeout") || name.endsWith("lease")
            ? "a number and its unit, such as 10s, 500ms or 5m"
            : name.endsWith("port") || name.endsWith("concurrency")
                ? "a whole number"
                : "true or false");
  }
}
