package io.refork.operator.startup;

import io.refork.operator.OperatorSettings;
import io.refork.protocol.Escape;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/** What the settings may be; a sentence for each that is something else. */
final class SettingsCheck {
  /** A DNS label, as Kubernetes wants a namespace to be. */
  private static final Pattern NAMESPACE = Pattern.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?");

  private final List<String> faults = new ArrayList<>();

  private SettingsCheck() {}

  /** One sentence for each setting that has the right type and makes no sense. */
  static List<String> faults(OperatorSettings settings) {
    var check = new SettingsCheck();
    check.namespace("refork.namespace", settings.namespace());
    for (var watched : settings.watchNamespaces().orElse(Set.of())) {
      check.namespace("refork.watch-namespaces", watched);
    }
    if (settings.agent().image().isBlank()) {
      check.faults.add(fault("refork.agent.image", "", "the name of an image"));
    }
    check.number("refork.agent.port", settings.agent().port(), 65535);
    check.number("refork.poll.concurrency", settings.poll().concurrency(), 1024);
    // Below a second an agent would do little else than verify signatures.
    check.span("refork.poll.interval", settings.poll().interval(), 1, 600);
    check.span("refork.poll.timeout", settings.poll().timeout(), 1, 60);
    // Shorter ones are lost to one slow answer of the API server.
    check.span("refork.leader-election.lease", settings.leaderElection().lease(), 5, 300);
    return check.faults;
  }

  /** The sentence of a setting. */
  static String fault(String name, String value, String allowed) {
    return "%s (%s) is '%s'; allowed: %s"
        .formatted(name, variable(name), Escape.plain(value, Escape.MAX), allowed);
  }

  private void namespace(String name, String value) {
    if (!NAMESPACE.matcher(value).matches()) {
      faults.add(
          fault(name, value, "names of namespaces: small letters, digits and dashes, at most 63"));
    }
  }

  private void number(String name, int value, int most) {
    if (value < 1 || value > most) {
      faults.add(fault(name, Integer.toString(value), "a whole number from 1 to " + most));
    }
  }

  private void span(String name, Duration value, long least, long most) {
    if (value.compareTo(Duration.ofSeconds(least)) < 0
        || value.compareTo(Duration.ofSeconds(most)) > 0) {
      faults.add(fault(name, written(value), "from %ds to %ds".formatted(least, most)));
    }
  }

  private static String written(Duration value) {
    return value.toMillis() % 1000 == 0 ? value.toSeconds() + "s" : value.toMillis() + "ms";
  }

  /** The environment variable of a setting. */
  static String variable(String name) {
    return name.replaceAll("[^A-Za-z0-9]", "_").toUpperCase(Locale.ROOT);
  }
}
