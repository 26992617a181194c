package io.refork.operation;

import static org.assertj.core.api.Assertions.assertThat;

import io.refork.operator.OperatorSettings;
import io.smallrye.config.WithDefault;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** docs/operator.md names every setting, with its default, and none that does not exist. */
class SettingsDocsTest {
  @Test
  @DisplayName("the table of settings is OperatorSettings")
  void settings() {
    var documented = new TreeMap<String, String>();
    for (var row : OperatorDocs.rows("Settings")) {
      documented.put(bare(row.getFirst()), bare(row.get(1)));
    }
    assertThat(documented).isEqualTo(declared("REFORK", OperatorSettings.class));
  }

  private static String bare(String cell) {
    return cell.replace("`", "");
  }

  private static Map<String, String> declared(String prefix, Class<?> group) {
    var all = new TreeMap<String, String>();
    settings(group)
        .forEach(
            setting -> {
              var name = prefix + "_" + variable(setting.getName());
              if (setting.getReturnType().getEnclosingClass() == OperatorSettings.class) {
                all.putAll(declared(name, setting.getReturnType()));
              } else {
                var preset = setting.getAnnotation(WithDefault.class);
                all.put(name, preset == null ? "all" : preset.value());
              }
            });
    return all;
  }

  private static Stream<Method> settings(Class<?> group) {
    return Arrays.stream(group.getDeclaredMethods()).filter(m -> m.getParameterCount() == 0);
  }

  private static String variable(String camelCase) {
    return camelCase.replaceAll("([A-Z])", "_$1").toUpperCase(Locale.ROOT);
  }
}
