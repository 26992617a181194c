package io.refork.operator.pods;

import io.refork.operator.OperatorSettings;

/** The operator's defaults, without a configuration. */
final class Settings {
  static final OperatorSettings.Agent AGENT =
      new OperatorSettings.Agent() {
        @Override
        public String image() {
          return "refork-agent:test";
        }

        @Override
        public int port() {
          return 7300;
        }
      };

  private Settings() {}
}
